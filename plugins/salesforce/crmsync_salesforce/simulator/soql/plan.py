"""Which rows a query has to look at: by id, by an indexed column or by stamp, before the whole table."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import ObjectType, Row
from crmsync_salesforce.simulator.soql import tree
from crmsync_salesforce.simulator.soql.conditions import cell
from crmsync_salesforce.simulator.table import STAMP, Table

Bounds = tuple[str | None, str | None]
_OPEN: Bounds = (None, None)


class Candidates(Struct, frozen=True):
    """Rows among which all matches are, and whether they come by stamp and then by id."""

    rows: Iterable[Row]
    by_stamp: bool = False


def candidates(table: Table, where: tree.Condition | None, orders: tuple[tree.Order, ...]) -> Candidates:
    """The smallest set of rows that is cheap to find and holds every match."""
    found = _looked_up(table, where) if where is not None else None
    if found is not None:
        rows = (table.visible(identity) for identity in sorted(found))
        return Candidates([row for row in rows if row is not None])
    low, high = _bounds(table.kind, where) if where is not None else _OPEN
    if STAMP in table.columns and (low or high or _stamp_order(orders)):
        return Candidates(table.stamped(low, high), by_stamp=True)
    return Candidates(table.rows())


def _stamp_order(orders: tuple[tree.Order, ...]) -> bool:
    wanted = [STAMP.lower(), "id"][: len(orders)]
    return bool(orders) and [one.path.lower() for one in orders] == wanted and not any(o.descending for o in orders)


def keeps_order(plan: Candidates, orders: tuple[tree.Order, ...]) -> bool:
    """Whether the rows already come in the order that was asked for."""
    return not orders or (plan.by_stamp and _stamp_order(orders))


def _looked_up(table: Table, condition: tree.Condition) -> set[str] | None:
    match condition:
        case tree.Both(parts):
            sets = [found for part in parts if (found := _looked_up(table, part)) is not None]
            return min(sets, key=len) if sets else None
        case tree.Compare(path, "=", literal):
            return _matches(table, path, (literal,))
        case tree.Among(path, "IN", literals):
            return _matches(table, path, literals)
    return None


def _matches(table: Table, path: str, literals: tuple[tree.Literal, ...]) -> set[str] | None:
    field = table.kind.find(path) if "." not in path else None
    if field is None or field.name not in table.columns or any(one.kind != "string" for one in literals):
        return None
    if field.type == "id":
        return {whole for one in literals if (whole := ids.normalise(one.value))}
    if field.type != "reference" and not field.id_lookup and not field.external_id:
        return None
    try:
        values = [cell(field, one) for one in literals]
    except Refusal:
        return None
    return set().union(*(table.find(field.name, value) for value in values))


def _bounds(kind: ObjectType, condition: tree.Condition) -> Bounds:
    match condition:
        case tree.Compare(path, sign, literal) if path.lower() == STAMP.lower() and literal.kind == "datetime":
            value = cell(kind.fields[STAMP], literal)
            return value if sign in {"=", ">", ">="} else None, value if sign in {"=", "<", "<="} else None
        case tree.Both(parts):
            pairs = [_bounds(kind, part) for part in parts]
            lows, highs = [low for low, _ in pairs if low], [high for _, high in pairs if high]
            return max(lows, default=None), min(highs, default=None)
        case tree.Either(parts):
            pairs = [_bounds(kind, part) for part in parts]
            every_low, every_high = all(low for low, _ in pairs), all(high for _, high in pairs)
            low = min(str(one) for one, _ in pairs) if every_low else None
            return low, max(str(one) for _, one in pairs) if every_high else None
    return _OPEN

"""What a query shows of each row: the selected columns and the expanded navigation properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crmsync_dynamics.simulator.api.prefer import Preferences
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Column, Entity, Row
from crmsync_dynamics.simulator.odata import options
from crmsync_dynamics.simulator.odata.conditions import Compiler
from crmsync_dynamics.simulator.odata.order import Order
from crmsync_dynamics.simulator.odata.parser import parse
from crmsync_dynamics.simulator.odata.paths import Reach
from crmsync_dynamics.simulator.odata.render import Renderer


def selected(reach: Reach, entity: Entity, text: str | None) -> list[Column] | None:
    """The columns of a `$select` with the key, and the currency beside money; None for all."""
    if not text:
        return None
    columns = {one.name: one for one in (reach.column(entity, name) for name in options.names(text))}
    if any(one.type == "Money" for one in columns.values()):
        columns.setdefault("transactioncurrencyid", entity.columns["transactioncurrencyid"])
    columns.setdefault(entity.key, entity.columns[entity.key])
    return list(columns.values())


def renderer(reach: Reach, prefer: Preferences, entity: Entity, query: Mapping[str, str]) -> Renderer:
    """What renders the rows of a query by its `$select` and `$expand`."""
    expanded = [_expanded(reach, prefer, entity, one) for one in options.expansions(query.get("$expand", ""))]
    return Renderer(reach, prefer, entity, selected(reach, entity, query.get("$select")), expanded)


def context(entity: Entity, query: Mapping[str, str]) -> str:
    """The end of a query's context address."""
    names = [*options.names(query.get("$select", "")), *_expanded_names(query)]
    return f"{entity.set_name}({','.join(names)})" if names else entity.set_name


def _expanded_names(query: Mapping[str, str]) -> list[str]:
    return [f"{one.name}({one.options.get('$select', '')})" for one in options.expansions(query.get("$expand", ""))]


def _expanded(
    reach: Reach, prefer: Preferences, entity: Entity, expansion: options.Expansion
) -> tuple[str, Callable[[Row], Any]]:
    if expansion.name.endswith("/$ref"):
        raise Refusal("0x80060888", "Expanding the references of a collection is not supported.")
    found = entity.navigation(expansion.name)
    if found is None:
        return expansion.name, _collection(reach, prefer, entity, expansion)
    column, target = found
    if column.type == "Owner":
        return expansion.name, _owner(reach, prefer, column, expansion)
    return expansion.name, _single(reach, prefer, reach.state.entities[target.table], expansion, reach.follow(*found))


def _single(
    reach: Reach,
    prefer: Preferences,
    other: Entity,
    expansion: options.Expansion,
    follow: Callable[[Row], Row | None],
) -> Callable[[Row], Any]:
    reach.user.need("Read", other)
    render = renderer(reach, prefer, other, expansion.options).record

    def show(row: Row) -> Any:
        found = follow(row)
        return render(found) if found is not None and reach.user.reaches(reach.state, "Read", other, found) else None

    return show


def _owner(reach: Reach, prefer: Preferences, column: Column, expansion: options.Expansion) -> Callable[[Row], Any]:
    shows = {}
    for table in ("systemuser", "team"):
        other = reach.state.entities[table]
        names = [one for one in options.names(expansion.options.get("$select", "")) if other.find(one)]
        fitting = options.Expansion(expansion.name, {"$select": ",".join(names)} if names else {})
        target = next(one for one in column.targets if one.table == table)
        shows[table] = _single(reach, prefer, other, fitting, reach.follow(column, target))

    def show(row: Row) -> Any:
        ref = row.get(column.name)
        return shows[ref.table](row) if ref is not None else None

    return show


def _collection(
    reach: Reach, prefer: Preferences, entity: Entity, expansion: options.Expansion
) -> Callable[[Row], Any]:
    other, rows = reach.collection(entity, expansion.name)
    reach.user.need("Read", other)
    render = renderer(reach, prefer, other, expansion.options).record
    wanted = expansion.options.get("$filter")
    judge = Compiler(reach, other).condition(parse(wanted)) if wanted else None
    order = Order(reach, other, expansion.options.get("$orderby", ""))
    top = expansion.options.get("$top")
    most = options.whole(top, "$top") if top else None

    def show(row: Row) -> list[dict[str, Any]]:
        seen = (one for one in rows(row) if reach.user.reaches(reach.state, "Read", other, one))
        return [render(one) for one in order.arrange([one for one in seen if judge is None or judge(one)])[:most]]

    return show

"""What records refer to: of which table an owner or a customer is, and how such a record is bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmsync.connectors.answers import Answer
from crmsync.errors import RouteStopped
from crmsync.model import Value
from crmsync_dynamics.behind import Behind
from crmsync_dynamics.describe import Known
from crmsync_dynamics.query import is_guid
from crmsync_dynamics.session import DynamicsSession
from crmsync_dynamics.tables import Table


class Uncounted:
    """Counts nothing: what a change asks on its way is told by the session alone."""

    def add(self, answer: Answer) -> Answer:
        """Hand the answer on."""
        return answer


async def places(
    session: DynamicsSession, known: Known, records: Iterable[Mapping[str, Value]]
) -> dict[str, tuple[str, str]]:
    """The tables of all records that values refer to, by id, and where to bind to. Those that nobody has are left out.

    Raises Faulty and ours.
    """
    wanted: dict[str, set[str]] = {}  # table → ids that may be of it
    for values in records:
        for name, value in values.items():
            column = known.table.columns.get(name)
            for target in column.navigation if column is not None and value is not None else ():
                wanted.setdefault(target, set()).add(str(value).lower())
    several = {one for ids in wanted.values() for one in ids if sum(one in other for other in wanted.values()) > 1}
    found: dict[str, tuple[str, str]] = {}
    for target, ids in wanted.items():
        table = await _table(session, target)
        if table is not None:
            there = await _known(session, table, ids & several - found.keys()) | (ids - several)
            found |= {one: (target, f"/{table.set}({one})") for one in there if is_guid(one) and one not in found}
    return found


async def _table(session: DynamicsSession, name: str) -> Table | None:
    try:
        return (await session.describes.last(name)).table
    except RouteStopped:
        return None  # not visible: nothing can be bound to it


async def _known(session: DynamicsSession, table: Table, ids: set[str]) -> set[str]:
    """Those of some ids that are of a table; what was found once in a session is not asked again."""
    known = {one for one in ids if session.kinds.get(one) == table.name}
    asked = {one for one in ids if one not in session.kinds}
    there = await Behind(session, Uncounted()).there(table, asked) if asked else set()
    session.kinds.update(dict.fromkeys(there, table.name))
    return known | there

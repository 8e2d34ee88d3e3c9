"""The built-in plugin that maps: fields are renamed to columns and back, as the narrowed route says.

It costs nothing a record: where every column of a page is mapped, only the header is new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from msgspec.structs import replace

from crmsync.hookspecs import hookimpl
from crmsync.model import Direction, Page, Route, Row


@hookimpl
def map(page: Page, route: Route, direction: Direction) -> Page:  # noqa: A001 - the hook's name
    """The page under its other names, without what the route does not map; where two names meet, the first wins."""
    names = renames(route, direction)
    places: dict[str, int] = {}
    for at, name in enumerate(page.columns):
        if name in names:
            places.setdefault(names[name], at)
    rows = page.rows
    if len(places) < len(page.columns):
        take = _taker(tuple(places.values()))
        rows = [take(row) for row in rows]
    return replace(page, columns=tuple(places), rows=rows, skipped=list(page.skipped))


def renames(route: Route, direction: Direction) -> dict[str, str]:
    """What each column of a page is called on the other side, for those that move this way."""
    moving = [one for one in route.maps if direction in one.directions]
    if direction is Direction.PULL:
        return {one.field.name: one.column for one in moving}
    front = [one for one in route.maps if one.column == "crm_id"]  # so that a record is known on its way out too
    return {one.column: one.field.name for one in (*reversed(moving), *front)}


def _taker(places: Sequence[int]) -> Callable[[Row], Row]:
    if not places:
        return lambda _row: ()
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)

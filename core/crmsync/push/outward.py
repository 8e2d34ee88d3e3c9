"""Local values by the CRM's names, through every plugin's `map`: whoever writes needs them so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from crmsync.errors import CrmsyncError
from crmsync.model import Direction, Page, Route, Row, Value
from crmsync.plugins import Plugins

Named = dict[str, dict[str, Value]]
Reasons = dict[str, str]


def outward(plugins: Plugins, route: Route, columns: Sequence[str], rows: Sequence[Row]) -> tuple[Named, Reasons]:
    """Rows of an id and the values of `columns`, as values by field under each id; and what was refused, and why.

    A plugin refuses a row by skipping it, or by an exception; the others go on without it.
    """
    named: Named = {}
    refused: Reasons = {}
    for page in _mapped(plugins, route, columns, rows):
        refused |= {one.id: one.reason for one in page.skipped}
        named |= {str(record.pop(page.columns[0])): record for record in page.records()}
    return {key: values for key, values in named.items() if key not in refused}, refused


def _mapped(plugins: Plugins, route: Route, columns: Sequence[str], rows: Sequence[Row]) -> Iterator[Page]:
    page = Page(columns=("crm_id", *columns), rows=rows)
    try:
        yield plugins.map(page, route, Direction.PUSH)
    except CrmsyncError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin's map may raise anything; the others go on without the row
        if len(rows) == 1:
            page.skip(rows[0], f"map failed: {error}")
            yield replace(page, rows=())
            return
        middle = len(rows) // 2
        yield from _mapped(plugins, route, columns, rows[:middle])
        yield from _mapped(plugins, route, columns, rows[middle:])

"""A folder of CSV files as a CRM: every hook is a plain function, so the engine runs them in threads.

people.csv and companies.csv need the columns Id and ModifiedAt; Deleted is "true" for a record that is gone. A column
that the default mapping does not know is a custom field; "Score:integer" in the header gives it a type. People move
both ways, companies only from the files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import crmsync
from crmsync import Change, Context, Direction, Field, Fields, Gone, Kind, Outcomes, Page, Query, Route, Skipped, Type
from crmsync_csv.folder import Folder, Record, matches
from crmsync_csv.settings import CsvSettings
from crmsync_csv.writing import write

KINDS = frozenset({Kind.LOAD, Kind.CHANGES, Kind.DELETES, Kind.IDS, Kind.COUNT})
IDENTITY = {"Id": "crm_id", "ModifiedAt": "modified_at"}
COMPANY = {"Name": "name", "Industry": "industry", "Website": "website", "City": "billing_city"}
PERSON = {"FirstName": "first_name", "LastName": "last_name", "Email": "email", "Title": "title", "Phone": "phone"}
ROUTES = (
    Route(object="Company", entity="account", order=1, kinds=KINDS, keeps_deleted=True, fields=IDENTITY | COMPANY),
    Route(
        object="Person", entity="person", role="contact", order=2, kinds=KINDS, keeps_deleted=True,
        directions=frozenset(Direction), two_way=frozenset(PERSON.values()),
        fields=IDENTITY | PERSON | {"CompanyId": "account_crm_id"}, parents={"account_crm_id": "Company"},
    ),
)  # fmt: skip


@asynccontextmanager
async def connect(settings: CsvSettings, context: Context) -> AsyncIterator[Folder]:
    """A session on the folder; nothing has to be closed afterwards."""
    if not settings.folder.is_dir():
        raise crmsync.Denied(f"There is no folder {settings.folder}.", hint="Set `folder` to where the CSV files are.")
    yield Folder(settings.folder.resolve(), settings.page_size, context.clock)


async def routes(_session: Folder, _enabled: frozenset[str] | None) -> Sequence[Route]:
    """Companies before the people who refer to them."""
    return ROUTES


@crmsync.hookimpl
def system() -> crmsync.System:
    """Who this connector is."""
    return crmsync.System(name="csv", title="CSV files", settings=CsvSettings, connect=connect, routes=routes)


@crmsync.hookimpl
def fields(session: Folder, obj: str) -> Fields:
    """What the header of the object's file shows."""
    known = next(route for route in ROUTES if route.object == obj).fields
    return {
        name: _field(name, kind, custom=name not in known)
        for name, kind in session.header(obj).items()
        if name != "Deleted"
    }


def _field(name: str, kind: Type, *, custom: bool) -> Field:
    ours = name in IDENTITY  # nobody else writes these
    return Field(name=name, type=kind, custom=custom, createable=not ours, updateable=not ours)


@crmsync.hookimpl
def fetch(session: Folder, query: Query) -> Iterator[Page]:
    """Read the object's file and pick what is asked for."""
    records, refused = session.read(query.object)
    newest = max((str(record["ModifiedAt"]) for record in records.values()), default="")
    live = {key: one for key, one in records.items() if not one.get("Deleted") and matches(one, query.where)}
    gone = [Gone(key, str(one["ModifiedAt"])) for key, one in records.items() if one.get("Deleted")]
    if query.kind is Kind.COUNT:
        yield Page(columns=("count",), rows=[(len(live),)])
    elif query.kind is Kind.DELETES:
        yield Page(gone=[one for one in gone if str(one.at) >= (query.cursor.mark or "")], mark=newest)
    elif query.kind in (Kind.IDS, Kind.SENT):
        ids = (query.sent.key,) if query.sent else query.ids  # the key of a new record became its id
        asked = [live[key] for key in ids if key in live]
        yield _page(query, asked, gone=[one for one in gone if one.id in ids])
    else:
        yield from _pages(session, query, live, refused, newest)


@crmsync.hookimpl
def apply(session: Folder, changes: Sequence[Change]) -> Outcomes:
    """Write changes into the object's file."""
    return write(session, changes)


def _pages(
    session: Folder, query: Query, live: dict[str, Record], refused: list[Skipped], newest: str
) -> Iterator[Page]:
    """Records in the order of their ids. `resume` holds what a restart needs: the mark to end with, where it began."""
    began, since, after = (query.cursor.resume or f"{newest}|{query.cursor.mark or ''}|").split("|", 2)
    since = since if query.kind is Kind.CHANGES else ""
    keys = sorted(key for key, one in live.items() if key > after and str(one["ModifiedAt"]) >= since)
    for start in range(0, max(len(keys), 1), session.page_size):
        some = keys[start : start + session.page_size]
        more = start + session.page_size < len(keys)
        cursor = {"resume": f"{began}|{since}|{some[-1]}"} if more else {"mark": began}
        yield _page(query, [live[key] for key in some], skipped=[] if start else refused, **cursor)


def _page(query: Query, records: Sequence[Record], **more: object) -> Page:
    names = tuple(one.name for one in query.fields)
    return Page(columns=names, rows=[tuple(one.get(name) for name in names) for one in records], **more)  # type: ignore[arg-type]

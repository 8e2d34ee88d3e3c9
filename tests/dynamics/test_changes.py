"""What changed is told by the vendor's delta links, or found by stamps where there are none; nothing is missed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import RetryLater, RouteStopped, SchemaMoved
from crmsync.model import Cursor, Kind
from crmsync_dynamics import plugin
from crmsync_dynamics.reading import SMALLEST
from crmsync_dynamics.simulator import Ref
from crmsync_dynamics.simulator.access import Depth
from dynamics.orgs import Site, mark_of, rows, site

NAMES = ["contactid", "modifiedon", "versionnumber", "lastname", "jobtitle"]
TABLE = r"/contacts\?"
PAGES = {"page_size": 5}


def on_site(work: Callable[[Site], Awaitable[None]], **options: Any) -> None:
    """Run a test's coroutine on a small environment with small pages."""

    async def run() -> None:
        async with site(**{"settings": PAGES} | options) as one:
            await work(one)

    asyncio.run(run())


def test_a_delta_link_is_kept_once_after_the_last_page_and_tells_all() -> None:
    """Only the last page has a mark, a link; behind it are changes and deletions, each once (4.2, cases 3 and 11)."""

    async def work(one: Site) -> None:
        pages = await one.load("contact", NAMES)
        assert len(rows(pages)) == one.org.count("contact")
        assert [page.mark is None for page in pages] == [True] * (len(pages) - 1) + [False]
        assert "$deltatoken=" in json.loads(mark_of(pages))["delta"]
        known = sorted(rows(pages))
        one.org.update("contact", known[0], {"jobtitle": "Head"})
        one.org.delete("contact", known[1])
        made = one.org.create("contact", {"lastname": "New"})
        passing = one.org.create("contact", {"lastname": "Gone at once"})
        one.org.delete("contact", passing)
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert {key: row["jobtitle"] for key, row in rows(found).items()} == {known[0]: "Head", made: None}
        assert {gone.id for page in found for gone in page.gone} == {known[1], passing}
        assert not await rows_after(one, mark_of(found))

    on_site(work)


async def rows_after(one: Site, mark: str) -> dict[str, Any]:
    return rows(await one.changes("contact", mark, NAMES))


@pytest.mark.parametrize("broken", ["version_expired", "columns"])
def test_an_expired_or_unfitting_link_gives_way_to_a_full_read(broken: str) -> None:
    """Too old, or of other columns: all is read anew, ids are to be compared, and a new link is kept (case 2)."""

    async def work(one: Site) -> None:
        pages = await one.load("contact", NAMES)
        names = NAMES if broken == "version_expired" else [*NAMES, "emailaddress1"]
        if broken == "version_expired":
            one.plant(broken, path=r"deltatoken")
        found = await one.changes("contact", mark_of(pages), names)
        assert rows(found).keys() == rows(pages).keys()
        assert [page.gap for page in found] == [False] * (len(found) - 1) + [True]
        assert any("read" in note for page in found for note in page.notes)
        assert not rows(await one.changes("contact", mark_of(found), names))

    on_site(work)


def test_a_full_read_in_place_of_changes_is_resumed() -> None:
    """Broken off in its middle, it goes on there in another process, and still asks for the comparison at its end."""

    async def work(one: Site) -> None:
        pages = await one.load("contact", NAMES)
        one.plant("version_expired", path=r"deltatoken")
        query = await one.query("contact", Kind.CHANGES, NAMES, cursor=Cursor(mark=mark_of(pages)))
        source = plugin.fetch(one.session, query)
        first = await anext(source)
        await source.aclose()  # type: ignore[attr-defined]
        rest = await one.read(replace(query, cursor=Cursor(mark=mark_of(pages), resume=first.resume)))
        assert rows([first]).keys() | rows(rest).keys() == rows(pages).keys()
        assert rest[-1].gap

    on_site(work)


def test_a_last_page_without_a_link_falls_back_to_stamps() -> None:
    """A last page with neither link moves no token: changes are found by stamps from then on (case 4)."""

    async def work(one: Site) -> None:
        one.plant("drop_delta_link", path=TABLE, times=None)
        pages = await one.load("contact", NAMES)
        assert json.loads(mark_of(pages)).get("delta") is None
        one.later(minutes=10)
        known = min(rows(pages))
        one.org.update("contact", known, {"jobtitle": "Head"})
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert rows(found)[known]["jobtitle"] == "Head"
        assert len(rows(found)) == 1
        assert found[-1].gap

    on_site(work)


def test_a_table_without_change_tracking_is_followed_by_stamps() -> None:
    """`modifiedon` over an overlapping window, and a gap so that ids are compared; until tracking is switched on."""

    async def work(one: Site) -> None:
        state = one.org.state
        state.entities["contact"] = replace(state.entities["contact"], tracked=False)
        state.tables["contact"].entity = state.entities["contact"]
        pages = await one.load("contact", NAMES)
        one.later(minutes=10)
        known = min(rows(pages))
        one.org.update("contact", known, {"jobtitle": "Head"})
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert list(rows(found)) == [known]
        assert found[-1].gap
        state.entities["contact"] = replace(state.entities["contact"], tracked=True)
        state.tables["contact"].entity = state.entities["contact"]
        state.touch_schema("contact")
        one.session.describes.forget("contact")
        found = await one.changes("contact", mark_of(found), NAMES)
        assert rows(found).keys() == rows(pages).keys()
        assert "delta" in json.loads(mark_of(found))

    on_site(work)


def test_reading_less_than_the_organisation_goes_without_tracking() -> None:
    """Tracking wants organisation-level read: without it the table is followed by stamps, and told so (case 36)."""

    async def work(one: Site) -> None:
        one.grant("Read", "contact", Depth.LOCAL)
        pages = await one.load("contact", NAMES)
        assert rows(pages)
        assert json.loads(mark_of(pages)).get("delta") is None
        assert any("change tracking" in note for page in pages for note in page.notes)
        assert (await plugin.scope(one.session, "contact")).grants
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert not found[-1].gap, "a record that is not seen need not be deleted"

    on_site(work)


def test_links_are_followed_byte_for_byte_and_never_to_another_host() -> None:
    """A link with another host is followed on ours, where alone the token goes (cases 41 and 50)."""

    async def work(one: Site) -> None:
        one.plant("link_elsewhere", path=TABLE, times=None)
        pages = await one.load("contact", NAMES)
        assert len(rows(pages)) == one.org.count("contact")
        assert len(pages) > 1

    on_site(work)


def test_a_lost_cursor_begins_the_read_anew() -> None:
    """A paging cookie that the server no longer takes costs the pages so far, and nothing more (7.3)."""

    async def work(one: Site) -> None:
        one.plant("cookie_invalid", path=r"skiptoken", nth=2)
        pages = await one.load("contact", NAMES)
        assert len(rows(pages)) == one.org.count("contact")

    on_site(work)


def test_a_server_without_time_is_asked_for_smaller_pages() -> None:
    """A query that takes too long goes on with fewer rows a page, in a load and behind a link (7.3, case 34)."""

    async def work(one: Site) -> None:
        one.plant("sql_timeout", path=TABLE, times=1)
        pages = await one.load("contact", NAMES)
        assert len(rows(pages)) == one.org.count("contact") > SMALLEST
        assert max(len(page.rows) for page in pages) == SMALLEST
        for key in rows(pages):
            one.org.update("contact", key, {"jobtitle": "Head"})
        one.plant("sql_timeout", path="deltatoken", times=1)
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert len(rows(found)) == one.org.count("contact")
        assert max(len(page.rows) for page in found) == SMALLEST
        one.plant("sql_timeout", path=TABLE, times=None)
        with pytest.raises(RetryLater):
            await one.load("contact", NAMES)

    on_site(work, settings={"page_size": 500}, records=60)


def test_a_column_that_was_just_published_is_read_at_once() -> None:
    """Servers that have not heard of it for half a minute are told to look (case 38); one that is gone is told."""

    async def work(one: Site) -> None:
        one.org.settings.schema_lag = 30
        one.org.add_column("contact", {"schema": "new_Late", "type": "String"})
        key = next(str(row["contactid"]) for row in one.org.records("contact"))
        one.org.update("contact", key, {"new_late": "here"})
        one.session.describes.forget("contact")
        pages = await one.load("contact", [*NAMES, "new_late"])
        assert rows(pages)[key]["new_late"] == "here"
        wanted = await one.query("contact", Kind.LOAD, [*NAMES, "new_late"])
        one.org.remove_column("contact", "new_late")
        with pytest.raises(SchemaMoved):
            await one.read(wanted)

    on_site(work)


def test_an_empty_page_ends_nothing() -> None:
    """A page without rows and with a link goes on (3.2)."""

    async def work(one: Site) -> None:
        one.plant("empty_page", path=TABLE)
        pages = await one.load("contact", NAMES)
        assert len(pages) == -(-one.org.count("contact") // 5)
        assert len(rows(pages)) == one.org.count("contact") - 5

    on_site(work)


def test_a_record_that_came_back_is_not_deleted() -> None:
    """An id among the rows and among the deletions of one read is asked for, and what is there stays (4.3)."""

    async def work(one: Site) -> None:
        pages = await one.load("contact", NAMES)
        known = min(rows(pages))
        row = one.org.get("contact", known) or {}
        one.org.delete("contact", known)
        one.org.create("contact", {"contactid": known, "lastname": row["lastname"]})
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert known in rows(found)
        assert not [gone for page in found for gone in page.gone]

    on_site(work)


def test_merge_losers_are_told_and_never_loaded() -> None:
    """The loser of a merge comes as merged into its master, not as a record and not as deleted (case 44)."""

    async def work(one: Site) -> None:
        pages = await one.load("contact", NAMES)
        winner, loser = sorted(rows(pages))[:2]
        one.org.update(
            "contact", loser, {"statecode": 1, "statuscode": 2, "merged": True, "masterid": Ref("contact", winner)}
        )
        found = await one.changes("contact", mark_of(pages), NAMES)
        assert [(m.id, m.into, m.reason) for page in found for m in page.merged] == [(loser, winner, "merged")]
        assert loser not in rows(await one.load("contact", NAMES))
        counted = await one.read(await one.query("contact", Kind.COUNT))
        assert counted[0].rows[0][0] == one.org.count("contact") - 1

    on_site(work)


def test_a_selected_field_that_was_deleted_stops_the_table() -> None:
    """A read of a column that is gone says so, so that the schema is read again (R-216)."""

    async def work(one: Site) -> None:
        one.org.add_column("contact", {"schema": "new_Shoe", "type": "String"})
        one.session.describes.forget("contact")
        names = [*NAMES, "new_shoe"]
        query = await one.query("contact", Kind.LOAD, names)
        one.org.remove_column("contact", "new_shoe")
        with pytest.raises(SchemaMoved, match="new_shoe"):
            await one.read(query)
        assert "new_shoe" not in await plugin.fields(one.session, "contact")

    on_site(work)


def test_a_table_that_may_not_be_read_stops_alone() -> None:
    """A missing privilege stops its table, names itself, and leaves the others alone (case 21)."""

    async def work(one: Site) -> None:
        one.grant("Read", "campaign", Depth.NONE)
        with pytest.raises(RouteStopped, match="campaign may not be read") as stopped:
            await plugin.fields(one.session, "campaign")
        assert "prvReadCampaign" in stopped.value.hint
        assert await one.load("contact", NAMES)

    on_site(work)

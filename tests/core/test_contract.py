"""The contract kit notices every broken promise, and only that one: one deliberately broken connector each."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import BaseModel, StrictInt

from crmsync.clock import stamp
from crmsync.errors import Denied
from crmsync.hookspecs import hookimpl
from crmsync.model import Field, Fields, Kind, Page, Query, Type
from crmsync.testing import ConnectorContract, bench, watching
from crmsync.testing.canonical import problem
from support.memory import Crm
from support.whole import PROMISES, WRITING, Contract, Whole, kept, missed


class BadSettings(Whole):
    class Settings(Whole.Settings):
        size: StrictInt = 0


class Indiscreet(Whole):
    class Settings(BaseModel):
        password: str
        size: int = 0
        labels: list[str] = []

    def check(self, settings: Any) -> None:
        if settings.password != "open sesame":
            raise Denied("no")


class OneAddress(Whole):
    def ready(self) -> dict[str, object]:
        return {"address": "http://127.0.0.1:8000"}


class LeavesTask(Whole):
    @asynccontextmanager
    async def log_in(self, settings: Any, _context: Any) -> AsyncIterator[Crm]:
        self.check(settings)
        self.beat = asyncio.create_task(asyncio.sleep(60))
        yield self


class LeavesFile(Whole):
    @asynccontextmanager
    async def log_in(self, settings: Any, _context: Any) -> AsyncIterator[Crm]:
        self.check(settings)
        self.opened()
        yield self

    def opened(self) -> None:
        Path(__file__).open()  # noqa: SIM115 - left open on purpose


class Gullible(Whole):
    def check(self, settings: Any) -> None:
        return


class Moody(Whole):
    asked = 0

    @hookimpl
    async def fields(self, session: Any, obj: str) -> Fields:
        Moody.asked += 1
        found = await super().fields(session, obj)
        return {name: replace(one, label=f"{name} {Moody.asked}") for name, one in found.items()}


class Sloppy(Whole):
    def change(self, query: Query, page: Page) -> Page:
        rows = [tuple("" if one is None else one for one in row) for row in page.rows]
        return page if query.kind is Kind.COUNT else replace(page, rows=rows)


class Overeager(Whole):
    def change(self, query: Query, page: Page) -> Page:
        return replace(page, columns=(*page.columns, "More"), rows=[(*row, "x") for row in page.rows])


class MarksEveryPage(Whole):
    def change(self, query: Query, page: Page) -> Page:
        return replace(page, mark=page.mark or self.now()) if query.kind is Kind.LOAD else page


def forgetful(kind: Kind) -> type[Whole]:
    class Forgetful(Whole):
        def change(self, query: Query, page: Page) -> Page:
            lost = query.kind is kind and query.cursor.resume
            return replace(page, rows=page.rows[1:]) if lost else page

    return Forgetful


class Fickle(Whole):
    def change(self, query: Query, page: Page) -> Page:
        if query.kind is Kind.LOAD and self.loads % 2 == 0:
            return replace(page, rows=[(*row[:-1], "other") for row in page.rows])
        return page


class Generous(Whole):
    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Page]:
        if query.kind is Kind.IDS:
            query = replace(query, ids=tuple(self.objects["Contact"]))
        async for page in super().fetch(session, query):
            yield page


class Miscounts(Whole):
    def change(self, query: Query, page: Page) -> Page:
        return replace(page, rows=[(99,)]) if query.kind is Kind.COUNT else page


class Prefetches(Whole):
    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Page]:
        self.next = asyncio.create_task(asyncio.sleep(60))
        async for page in super().fetch(session, query):
            yield page
        self.next.cancel()


class Impure(Whole):
    @hookimpl
    def map(self, page: Page) -> None:
        page.skip(page.rows[0], "not this one")


class Blocks(Whole):
    def change(self, query: Query, page: Page) -> Page:
        if page.mark is not None and query.kind is Kind.LOAD:
            time.sleep(0.1)
        return page


class MissesUpdates(Whole):
    def change(self, query: Query, page: Page) -> Page:
        title = [one.name for one in query.fields].index("Title") if query.kind is Kind.CHANGES else 0
        return page if not title else replace(page, rows=[row for row in page.rows if row[title] is None])


class RunsAhead(Whole):
    def change(self, query: Query, page: Page) -> Page:
        later = stamp(self.clock.now() + timedelta(hours=1))
        return replace(page, mark=page.mark and later) if query.kind is Kind.CHANGES else page


class KeepsQuiet(Whole):
    def change(self, query: Query, page: Page) -> Page:
        return replace(page, gone=()) if query.kind is Kind.DELETES else page


READING = [name for name in PROMISES if name not in WRITING]
BROKEN: list[tuple[str, type[Whole]]] = [
    ("test_settings_come_from_the_environment", BadSettings),
    ("test_settings_never_print_a_secret", Indiscreet),
    ("test_the_simulator_starts_twice_at_once", OneAddress),
    ("test_connect_closes_what_it_opened", LeavesTask),
    ("test_connect_closes_what_it_opened", LeavesFile),
    ("test_wrong_credentials_are_denied", Gullible),
    ("test_fields_are_there_and_stable", Moody),
    ("test_rows_hold_what_was_asked_for", Sloppy),
    ("test_rows_hold_what_was_asked_for", Overeager),
    ("test_pages_say_where_to_go_on", MarksEveryPage),
    ("test_a_read_resumes_from_any_page", forgetful(Kind.LOAD)),
    ("test_the_same_read_gives_the_same_rows", Fickle),
    ("test_a_read_by_id_gives_what_was_asked_for", Generous),
    ("test_the_count_agrees", Miscounts),
    ("test_leaving_a_read_early_closes_it", Prefetches),
    ("test_map_is_pure", Impure),
    ("test_no_hook_blocks_the_loop", Blocks),
    ("test_changes_follow_a_load", MissesUpdates),
    ("test_changes_follow_changes", RunsAhead),
    ("test_changes_resume", forgetful(Kind.CHANGES)),
    ("test_deletes_are_reported", KeepsQuiet),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PATIENCE", 0.2)


@pytest.mark.parametrize("promise", PROMISES)
def test_a_whole_connector_keeps_every_promise(promise: str) -> None:
    getattr(Contract(), promise)()


@pytest.mark.parametrize(("promise", "broken"), BROKEN)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_broken_promise_is_noticed_and_no_other(
    promise: str, broken: type[Whole], impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken is Blocks:
        monkeypatch.setattr(watching, "LONGEST_BLOCK", 0.08)
    assert missed(broken, READING) == [promise]


def test_every_promise_has_a_broken_connector() -> None:
    own = {"test_the_name_is_that_of_the_entry_point", "test_no_promise_is_left_out"}
    assert {name for name, _ in BROKEN} | own == set(READING)


def test_another_name_is_noticed() -> None:
    contract = type("Tried", (Contract,), {"connector": "another"})
    assert not kept(contract(), "test_the_name_is_that_of_the_entry_point")


def test_an_override_needs_a_reason() -> None:
    def unmarked(self: Any) -> None:
        return

    @pytest.mark.xfail(reason="this CRM cannot count")
    def marked(self: Any) -> None:
        raise AssertionError

    check = "test_no_promise_is_left_out"
    assert not kept(type("Tried", (Contract,), {"test_the_count_agrees": unmarked})(), check)
    assert kept(type("Tried", (Contract,), {"test_the_count_agrees": marked})(), check)


def test_a_source_has_to_be_given() -> None:
    class Careless(ConnectorContract):
        connector = "csv"

    with pytest.raises(NotImplementedError, match="override `source`"):
        Careless().test_map_is_pure()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Type.TEXT, ["x", " "], ["", "a\0b", 1]),
        (Type.INTEGER, [0, -5, None], [True, 1.0, "1"]),
        (Type.DECIMAL, [1, 1.5, "1234567890123456.75"], [True, "1.5", float("nan"), "abc", "1e20"]),
        (Type.BOOLEAN, [True, False], [0, 1, "true"]),
        (Type.DATE, ["1700-01-31"], ["2026-1-31", "2026-01-31T00:00:00.000Z"]),
        (Type.DATETIME, ["2026-01-31T08:15:00.000Z"], ["2026-01-31T08:15:00Z", "2026-01-31T08:15:00.000+00:00"]),
        (Type.TIME, ["08:15:00.000"], ["08:15:00", "8:15"]),
        (Type.MULTI, ["a;b", "a"], ["b;a", "a;a", ""]),
        (Type.REFERENCE, ["001"], ["", 1]),
    ],
)
def test_canonical_values_are_told_from_others(kind: Type, good: list[Any], bad: list[Any]) -> None:
    field = Field(name="F", type=kind)
    assert [value for value in good if problem(value, field)] == []
    assert [value for value in bad if not problem(value, field)] == []


def test_a_broken_promise_is_explained(tmp_path: Path) -> None:
    """An author's pytest shows the difference and not a bare AssertionError."""
    text = """
        from crmsync.testing import ConnectorContract
        from crmsync.plugins import wire
        from support.whole import Contract

        class TestTried(Contract):
            connector = "another"
    """
    (tmp_path / "test_tried.py").write_text(textwrap.dedent(text))
    here = Path(__file__).parent
    path = f"pythonpath={here} {here.parent}"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", path, "-k", "entry_point", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "AssertionError: assert 'memory' == 'another'" in done.stdout

"""Promises about fields and reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from copy import deepcopy

import pytest
from msgspec.structs import replace

from crmsync.model import Cursor, Direction, Field, Kind, Page
from crmsync.testing.bench import IDENTITY, Bench, Promises, end, fields_of, rows_of
from crmsync.testing.canonical import problem
from crmsync.testing.watching import watched

FEW_PAGES = 3
SOME = 5


class ReadingPromises(Promises):
    """What a read gives, and how it behaves."""

    def test_fields_are_there_and_stable(self) -> None:
        """Every object has fields, and asking twice gives the same answer."""

        async def promise(bench: Bench) -> None:
            for obj in bench.routes:
                fields = await bench.plugins.fields(bench.session, obj)
                assert fields, f"{obj} has no fields"
                assert all(name == one.name for name, one in fields.items()), f"{obj}: a key is not its field's name"
                assert fields == await bench.plugins.fields(bench.session, obj), f"{obj} has other fields each time"

        self.keep(promise)

    def test_rows_hold_what_was_asked_for(self) -> None:
        """Every row has an id and exactly the asked-for fields, in that order, in canonical values."""

        async def promise(bench: Bench) -> None:
            for route in bench.routes.values():
                fields = fields_of(route)
                count = sum(one.column in IDENTITY for one in route.maps)
                for asked in (fields, fields[:count] + fields[:count:-2]):
                    for page in await bench.pages(bench.query(Kind.LOAD, route, fields=asked)):
                        _check_rows(route.object, page, asked)

        self.keep(promise)

    def test_pages_say_where_to_go_on(self) -> None:
        """Every page but the last has `resume`, and only the last has `mark`."""

        async def promise(bench: Bench) -> None:
            pages = await bench.load()
            assert all(page.resume is not None and page.mark is None for page in pages[:-1])
            assert end(pages) is not None
            assert pages[-1].resume is None

        self.keep(promise)

    def test_a_read_resumes_from_any_page(self) -> None:
        """A new session that goes on from any page's `resume` finds everything the first read had not yet found."""

        async def run() -> None:
            async with self.source() as source:
                async with self.bench(source) as bench:
                    pages = await bench.load()
                assert len(pages) >= FEW_PAGES, f"{len(pages)} pages: the source needs records for three at least"
                for at in sorted({0, len(pages) // 2, len(pages) - 2}):
                    async with self.bench(source) as bench:
                        rest = await bench.pages(bench.query(Kind.LOAD, cursor=Cursor(resume=pages[at].resume)))
                    lost = rows_of(pages).keys() - rows_of([*pages[: at + 1], *rest]).keys()
                    assert not lost, f"resuming after page {at + 1} of {len(pages)} lost {sorted(lost)[:SOME]}"
                    assert end(rest)

        asyncio.run(run())

    def test_the_same_read_gives_the_same_rows(self) -> None:
        """Reading twice, while nothing changes, gives the same records with the same values."""

        async def promise(bench: Bench) -> None:
            assert rows_of(await bench.load()) == rows_of(await bench.load())

        self.keep(promise)

    def test_a_read_by_id_gives_what_was_asked_for(self) -> None:
        """Reading by id gives those records, with the values a full read has, and no row for one that is deleted."""

        async def promise(bench: Bench) -> None:
            gone = await bench.create()
            await bench.delete(gone)
            known = rows_of(await bench.load())
            asked = tuple(sorted(known)[:SOME])
            found = rows_of(await bench.pages(bench.query(Kind.IDS, ids=(*asked, gone))))
            assert found == {one: known[one] for one in asked}

        self.keep(promise)

    def test_the_count_agrees(self) -> None:
        """Counting an object gives as many records as reading it."""

        async def promise(bench: Bench) -> None:
            if Kind.COUNT not in bench.route.kinds:
                pytest.skip("this connector does not count")
            pages = await bench.pages(bench.query(Kind.COUNT, fields=()))
            assert pages, "a count is one page with one row of one value"
            assert pages[0].rows[0][0] == len(rows_of(await bench.load()))

        self.keep(promise)

    def test_leaving_a_read_early_closes_it(self) -> None:
        """When nobody wants the next page, the read ends at once and leaves no task behind."""

        async def promise(bench: Bench) -> None:
            before = asyncio.all_tasks()
            async with asyncio.timeout(SOME):
                async with aclosing(bench.plugins.fetch(bench.session, bench.query(Kind.LOAD))) as pages:
                    assert isinstance(await anext(pages), Page)
                await asyncio.sleep(0.05)
            left = asyncio.all_tasks() - before
            assert not left, f"a read that was left early goes on in {left}"

        self.keep(promise)

    def test_map_is_pure(self) -> None:
        """Mapping a page changes nothing of it, and gives the same page each time."""

        async def promise(bench: Bench) -> None:
            page = (await bench.load())[0]
            page = replace(page, rows=list(page.rows))
            before = deepcopy(page)
            first = bench.plugins.map(page, bench.route, Direction.PULL)
            assert page == before, "map changed the page it was given"
            assert first == bench.plugins.map(page, bench.route, Direction.PULL), "map answers differently each time"
            first.skip(first.rows[0], "tried by the kit")
            assert page == before, "what is done to the mapped page happens to the page it was made of"

        self.keep(promise)

    def test_no_hook_blocks_the_loop(self) -> None:
        """While hooks are asked and pages are read, everything else on the loop goes on."""

        async def promise(bench: Bench) -> None:
            async with watched() as turn:
                for obj in bench.routes:
                    await turn()
                    await bench.plugins.fields(bench.session, obj)
                    await turn()
                    await bench.plugins.scope(bench.session, obj)
                async for _ in bench.plugins.fetch(bench.session, bench.query(Kind.LOAD)):
                    await turn()

        self.keep(promise)


def _check_rows(obj: str, page: Page, asked: Sequence[Field]) -> None:
    assert page.columns == tuple(one.name for one in asked) or not page.rows, f"{obj}: other columns than asked for"
    for row in page.rows:
        assert len(row) == len(asked), f"{obj}: {len(row)} values for {len(asked)} fields"
        assert row[0], f"{obj}: a row without an id"
        wrong = [text for value, one in zip(row, asked, strict=True) if (text := problem(value, one))]
        assert not wrong, f"{obj} {row[0]}: {wrong}"

"""Promises about what happens in the CRM after a first read."""

from __future__ import annotations

import pytest

from crmsync.model import Cursor, Kind, Page
from crmsync.testing.bench import Bench, Promises, end, ended, rows_of

MANY = 20


class FollowingPromises(Promises):
    """What later reads find."""

    def test_changes_follow_a_load(self) -> None:
        """What is created or updated after a full read is found by reading changes from its mark, with new values."""

        async def promise(bench: Bench) -> None:
            pages = await bench.load()
            before, known = rows_of(pages), min(rows_of(pages))
            created = await bench.create()
            await bench.update(known)

            def both(pages: list[Page]) -> bool:
                rows = rows_of(pages)
                return created in rows and rows.get(known, before[known]) != before[known]

            found = await bench.follow(Kind.CHANGES, end(pages), both)
            assert created in rows_of(found), "a record that was created after the load is not among the changes"
            assert known in rows_of(found), "a record that was updated after the load is not among the changes"
            assert rows_of(found)[known] != before[known], "the changes have the updated record's old values"

        self.keep(promise)

    def test_changes_follow_changes(self) -> None:
        """The mark of one read of changes is where the next begins: an edit in between is found."""

        async def promise(bench: Bench) -> None:
            pages = await bench.load()
            first = await bench.create()
            found = await bench.follow(Kind.CHANGES, end(pages), lambda pages: first in rows_of(pages))
            second = await bench.create()
            found = await bench.follow(Kind.CHANGES, end(found), lambda pages: second in rows_of(pages))
            assert second in rows_of(found), "a record that was created between two reads of changes is in neither"

        self.keep(promise)

    def test_changes_resume(self) -> None:
        """A read of changes that was broken off goes on from its last `resume` without losing any."""

        async def promise(bench: Bench) -> None:
            pages = await bench.load()
            mark, enough = end(pages), min(len(pages[0].rows) + 1, MANY)  # for a second page, where pages are small
            created = {await bench.create() for _ in range(enough)}
            found = await bench.follow(Kind.CHANGES, mark, lambda pages: created <= rows_of(pages).keys())
            assert created <= rows_of(found).keys(), "not every record created after the load is among the changes"
            whole = await bench.pages(bench.query(Kind.CHANGES, cursor=Cursor(mark=mark)))
            for at, page in enumerate(whole[:-1]):
                cursor = Cursor(mark=mark, resume=page.resume)
                rest = await bench.pages(bench.query(Kind.CHANGES, cursor=cursor))
                lost = rows_of(whole).keys() - rows_of([*whole[: at + 1], *rest]).keys()
                assert not lost, f"resuming changes after page {at + 1} lost {sorted(lost)}"

        self.keep(promise)

    def test_deletes_are_reported(self) -> None:
        """A record that is deleted after the load is reported as gone, if the object has a feed of deletions."""

        async def promise(bench: Bench) -> None:
            if Kind.DELETES not in bench.route.kinds:
                pytest.skip("this object has no feed of deletions")
            known = await bench.create()
            pages = await bench.load()
            await bench.delete(known)
            found = await bench.follow(Kind.DELETES, end(pages), lambda pages: known in ended(pages))
            assert known in ended(found), "a record that was deleted after the load is not reported as gone"

        self.keep(promise)

"""Reads that travel together when calls are short: nobody is refused for the company, and the company costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from crmsync.errors import QuotaKept
from crmsync.model import Cursor, Kind, Page
from crmsync.pacing import Claim, Claims, claiming
from crmsync_salesforce import plugin
from crmsync_salesforce.resume import write_mark
from salesforce.orgs import Site, site

T = TypeVar("T")
PULLS, ACTIONS = Claims().pulls, Claims().actions


async def under(claim: Claim, work: Callable[[], Awaitable[T]]) -> T:
    """Do something that calls are made for."""
    with claiming(claim):
        return await work()


async def together(one: Site, *claims: Claim) -> list[Any]:
    """Reads of changes, asked for at once and in this order, where calls are left for actions alone; what came."""
    names = ("Contact", "Lead", "Account", "Campaign", "Opportunity", "Task", "User")
    cursor = Cursor(mark=write_mark("2026-05-06T11:30:00.000Z"))
    queries = [await one.query(obj, Kind.CHANGES, cursor=cursor) for obj in names[: len(claims)]]
    one.session.client.budget.tell(7_900, 10_000)
    one.server.statistics.reset()
    reads = [under(claim, lambda query=query: one.read(query)) for claim, query in zip(claims, queries, strict=True)]  # type: ignore[misc]
    return await asyncio.gather(*reads, return_exceptions=True)


def came(found: list[Any]) -> list[bool]:
    """Which of them have pages; the others were refused for their claim."""
    assert all(isinstance(one, (list, QuotaKept)) for one in found), found
    return [isinstance(one, list) and all(isinstance(page, Page) for page in one) for one in found]


@pytest.mark.parametrize("claims", [(PULLS, ACTIONS), (ACTIONS, PULLS)])
def test_an_action_is_not_refused_for_asking_beside_a_pull(claims: tuple[Claim, Claim]) -> None:
    """Whoever asks first: the one call is the action's, and the pull rides along."""

    async def main() -> None:
        async with site(3) as one:
            assert came(await together(one, *claims)) == [True, True]
            assert one.server.statistics.calls == 1

    asyncio.run(main())


def test_pulls_ride_along_in_calls_that_are_made_anyway_only() -> None:
    """Seven reads are two calls: the pulls in the one without an action are refused, and no call is spent."""

    async def main() -> None:
        async with site(3) as one:
            assert came(await together(one, ACTIONS, *[PULLS] * 6)) == [True] * 5 + [False] * 2
            assert one.server.statistics.calls == 1

    asyncio.run(main())


def test_a_describe_that_a_pull_was_refused_is_asked_for_by_the_action() -> None:
    """Both wait for the same one."""

    async def main() -> None:
        async with site(3) as one:
            one.session.client.budget.tell(7_900, 10_000)
            fields = [under(claim, lambda: _fields(one)) for claim in (PULLS, ACTIONS)]
            refused, found = await asyncio.gather(*fields, return_exceptions=True)
            assert isinstance(refused, QuotaKept)
            assert isinstance(found, int)

    asyncio.run(main())


async def _fields(one: Site) -> int:
    return len(await plugin.fields(one.session, "Contact"))

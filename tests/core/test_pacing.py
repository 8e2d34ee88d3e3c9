"""Pacing: waits that grow and obey, one attempt for many, a budget that is never passed."""

import asyncio

import pytest

from crmsync.errors import QuotaKept, QuotaSpent
from crmsync.pacing import Backoff, Budget, Claim, Claims, Flights, SingleFlight, claiming


def test_waits_grow_up_to_a_limit() -> None:
    """Each wait lies below a ceiling that doubles and ends at the longest."""
    pace = Backoff(first=1.0, longest=8.0, attempts=5)
    for attempt, ceiling in ((1, 1), (2, 2), (3, 4), (4, 8), (20, 8)):
        assert all(0 < pace.delay(attempt) <= ceiling for _ in range(50))
    assert pace.left(4)
    assert not pace.left(5)


def test_what_the_server_asks_is_obeyed() -> None:
    """A wait that the server asked for is taken exactly, however long."""
    assert Backoff(longest=1).delay(1, 120.0) == 120.0


def test_one_flight_for_all_who_wait() -> None:
    """Many callers at once cause one piece of work and share its result; the next one begins anew."""

    async def main() -> None:
        flight: SingleFlight[int] = SingleFlight()
        begun = 0

        async def work() -> int:
            nonlocal begun
            begun += 1
            await asyncio.sleep(0.01)
            return begun

        assert await asyncio.gather(*(flight.run(work) for _ in range(10))) == [1] * 10
        assert await flight.run(work) == 2

    asyncio.run(main())


def test_a_caller_who_leaves_stops_no_other() -> None:
    """Cancelling one who waits does not cancel the work for the others."""

    async def main() -> None:
        flight: SingleFlight[str] = SingleFlight()

        async def work() -> str:
            await asyncio.sleep(0.02)
            return "done"

        first = asyncio.create_task(flight.run(work))
        second = asyncio.create_task(flight.run(work))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == "done"

    asyncio.run(main())


def test_who_has_a_better_claim_does_not_share_a_refusal() -> None:
    """Work begun by a pull is refused the calls; an action that joined it makes them, and others join that."""

    async def main() -> None:
        flights: Flights[str] = Flights()
        budget = Budget(0.8)
        budget.tell(740, 1000)

        async def work() -> str:
            await asyncio.sleep(0)
            budget.reserve()
            return "done"

        async def ask(claim: Claim) -> str:
            with claiming(claim):
                return await flights.run("a", work)

        claims = Claims()
        asked = (ask(claims.pulls), ask(claims.actions), ask(claims.actions))
        refused, *done = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(refused, QuotaKept)
        assert (done, budget.pending) == (["done", "done"], 1)
        assert not flights.runs("a")

    asyncio.run(main())


def test_an_error_reaches_all_who_wait() -> None:
    """Work that fails fails for all who wait, and the next attempt is a new one."""

    async def main() -> None:
        flight: SingleFlight[None] = SingleFlight()

        async def work() -> None:
            await asyncio.sleep(0)
            raise ValueError("no")

        found = await asyncio.gather(flight.run(work), flight.run(work), return_exceptions=True)
        assert [str(one) for one in found] == ["no", "no"]

    asyncio.run(main())


def test_the_share_is_never_passed() -> None:
    """Calls are refused before the one that would pass the share, those under way counted."""
    budget = Budget(0.8)
    budget.reserve(1000)
    budget.settle(1000)
    budget.tell(76, 100)
    for _ in range(4):
        budget.reserve()
    with pytest.raises(QuotaSpent, match="76 of 100"):
        budget.reserve()
    assert budget.pending == 4


def test_figures_that_overtook_each_other() -> None:
    """An older figure that arrives later does not lower the use; a new day does."""
    budget = Budget(0.8)
    budget.tell(500, 1000)
    budget.tell(498, 1000)
    assert budget.used == 500
    budget.tell(3, 1000)
    assert budget.used == 3

"""What tests of writing ask of outcomes, whatever CRM they came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from crmsync.writes import Change, Outcome, Outcomes, Result


async def applied(
    apply: Callable[[Any, Sequence[Change]], Awaitable[Outcomes]], session: Any, changes: Sequence[Change]
) -> list[Outcome]:
    """What became of changes, sent at once; there must be an outcome for each."""
    found = list(await apply(session, list(changes)))
    assert len(found) == len(changes)
    return found


def results(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.result.value for one in outcomes]


def all_done(outcomes: Sequence[Outcome]) -> bool:
    return {one.result for one in outcomes} == {Result.DONE}

"""The steps of a run: ended, added up, and told."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from crmsync.model import Counts, Event
from crmsync.pull.run import Pull
from crmsync.store import records
from crmsync.store.batch import Step


def close_steps(pull: Pull, status: str = "succeeded") -> list[Step]:
    """End every step of the run that is still open, and hand it to the store with its next transaction."""
    ended = []
    for key, step in pull.steps.items():
        if step.ended_at is None:
            step = replace(step, ended_at=pull.now(), status=status if step.status == "in process" else step.status)  # noqa: PLW2901
            pull.steps[key] = step
            pull.store.defer(records.save_step, step)
        ended.append(step)
    return ended


def total(steps: Iterable[Step]) -> Counts:
    """The counts of several steps together."""
    return sum((step.counts for step in steps), Counts())


def events(connection: str, steps: Iterable[Step]) -> list[Event]:
    """What observers hear of ended steps."""
    return [
        Event(
            connection=connection, name="step", at=step.ended_at or step.started_at, run=step.run, object=step.object,
            operation=step.operation, counts=step.counts, message=step.message,
        )
        for step in steps
    ]  # fmt: skip

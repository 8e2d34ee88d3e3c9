"""Progress of a long command: bars where a person watches, plain lines where a log is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from crmsync.cli import screen
from crmsync.cli.work import on_terminal
from crmsync.progress import Progress

EVERY = 5.0  # seconds between two plain lines of one step

if TYPE_CHECKING:
    from crmsync.cli.terminal import Bars

Tell = Callable[[Progress], None]


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[Tell]:
    """A function that shows how far a step is, on standard error."""
    if quiet and not on_terminal():
        yield lambda _: None
    elif on_terminal():
        from crmsync.cli.terminal import Bars  # noqa: PLC0415 - as in screen

        with Bars() as bars:
            yield partial(_bar, bars)
    else:
        yield _Lines()


def _bar(bars: Bars, step: Progress) -> None:
    name = screen.plain(f"{step.operation} {step.object}")
    bars.show(name, step.done, step.total, count=count(step), left=left(step.seconds_left))


class _Lines:
    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, step: Progress) -> None:
        key = (step.object, step.operation)
        at, done = self._last.get(key, (float("-inf"), -1))
        now = time.monotonic()
        complete = step.total is not None and step.done >= step.total
        if step.done in (0, done) or (now - at < EVERY and not complete):
            return
        self._last[key] = (now, step.done)
        screen.mention(
            "  ".join(filter(None, [f"{step.operation} {step.object}", count(step), left(step.seconds_left)]))
        )


def count(step: Progress) -> str:
    """Records so far, of how many."""
    return f"{step.done:,}" if step.total is None else f"{step.done:,} of {max(step.total, step.done):,}"


def left(seconds: float | None) -> str:
    """The time that is left, in the unit a person would use."""
    if not seconds or seconds < 1:
        return ""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {unit} left"
    return f"about {seconds:.0f} s left"

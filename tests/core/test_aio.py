"""Hooks run in the shape their author chose, and what was opened is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Any

import pytest

from crmsync.aio import in_thread, is_async, only_makes, pages, settle


class Log:
    """What the generators below did."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def on_loop(self, n: int = 3) -> AsyncIterator[int]:
        try:
            for i in range(n):
                self.lines.append(f"made {i}")
                yield i
                await asyncio.sleep(0)
        finally:
            self.lines.append("closed")

    def in_thread(self, n: int = 3) -> Iterator[int]:
        try:
            for i in range(n):
                self.lines.append(f"made {i} {threading.current_thread() is threading.main_thread()}")
                yield i
        finally:
            self.lines.append("closed")


def test_a_value_is_settled_whether_it_has_to_be_awaited_or_not() -> None:
    async def run() -> tuple[int, int, int]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(3)
        return await settle(1), await settle(asyncio.sleep(0, 2)), await settle(future)

    assert asyncio.run(run()) == (1, 2, 3)


def test_a_class_is_a_value_and_is_not_called() -> None:
    async def run() -> Any:
        return await settle(Log)

    assert asyncio.run(run()) is Log


def test_shapes_are_told_apart() -> None:
    log = Log()
    shapes = (log.on_loop, settle, log.in_thread, len)
    assert [is_async(one) for one in shapes] == [True, True, False, False]
    assert [only_makes(one) for one in shapes] == [True, True, True, False]


@pytest.mark.parametrize("kind", ["on_loop", "in_thread"])
def test_both_kinds_of_generator_give_their_items_and_are_closed(kind: str) -> None:
    log = Log()

    async def run() -> list[int]:
        return [item async for item in pages(getattr(log, kind)())]

    assert asyncio.run(run()) == [0, 1, 2]
    assert log.lines[-1] == "closed"


def test_a_plain_generator_runs_off_the_loop() -> None:
    log = Log()

    async def run() -> None:
        async for _ in pages(log.in_thread(1)):
            pass

    asyncio.run(run())
    assert log.lines == ["made 0 False", "closed"]


@pytest.mark.parametrize("kind", ["on_loop", "in_thread"])
def test_leaving_early_closes(kind: str) -> None:
    log = Log()

    async def run() -> None:
        async with aclosing(pages(getattr(log, kind)(100))) as items:
            async for _ in items:
                break
        assert log.lines[-1] == "closed"

    asyncio.run(run())


def test_an_error_of_a_plain_generator_arrives() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no")

    async def run() -> None:
        async for _ in pages(broken()):
            pass

    with pytest.raises(ValueError, match="no"):
        asyncio.run(run())


def test_an_iterator_without_close_is_fine() -> None:
    async def run() -> list[int]:
        return [item async for item in pages(iter([1, 2]))]

    assert asyncio.run(run()) == [1, 2]


def test_a_cancelled_thread_is_waited_for() -> None:
    """What blocking work uses is not closed under it: cancelling returns only when the work is over."""
    done: list[str] = []

    def work() -> None:
        time.sleep(0.1)
        done.append("work")

    async def run() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        done.append("cancelled")

    asyncio.run(run())
    assert done == ["work", "cancelled"]


def test_cancelling_a_plain_generator_in_the_middle_of_a_page_closes_it() -> None:
    log = Log()

    def slow() -> Iterator[int]:
        try:
            time.sleep(0.1)
            yield 1
        finally:
            log.lines.append("closed")

    async def run() -> None:
        task = asyncio.ensure_future(anext(pages(slow())))
        await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert log.lines == ["closed"]

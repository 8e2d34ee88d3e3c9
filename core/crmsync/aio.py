"""Call a hook in the shape its author chose, and close what was opened.

What is `async` runs on the loop; what is plain runs in a thread, so that it may block. Hooks of one connection may run
in several threads at once.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class _End:
    """Stands for the end of an iterator, since StopIteration may not cross a thread."""


_END: Final = _End()


async def settle(value: T | Awaitable[T]) -> T:
    """The value, awaited if it has to be."""
    return await value if inspect.isawaitable(value) else value


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it only makes a coroutine or an asynchronous generator, whose body has not begun."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def only_makes(function: Callable[..., Any]) -> bool:
    """Whether calling it returns at once, with something that is driven afterwards."""
    return is_async(function) or inspect.isgeneratorfunction(function)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a thread. When cancelled it first waits for the work, which nothing can interrupt."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            await _patiently(task)
        if not task.cancelled():
            task.exception()
        raise


async def _patiently(task: asyncio.Future[Any]) -> None:
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        return


async def pages(source: AsyncIterator[T] | Iterator[T]) -> AsyncGenerator[T, None]:
    """Every item of either kind of iterator, on the loop or through a thread. Closing it closes `source`."""
    if isinstance(source, AsyncIterator):
        try:
            async for page in source:
                yield page
        finally:
            await _close(source)
    else:
        try:
            while not isinstance(page := await in_thread(_next, source), _End):
                yield page
        finally:
            await in_thread(getattr(source, "close", _nothing))


def _next(source: Iterator[Any]) -> Any:
    return next(source, _END)


def _nothing() -> None:
    return


async def _close(source: object) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()

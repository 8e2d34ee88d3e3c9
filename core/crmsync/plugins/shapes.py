"""What a plugin must look like: checked once at load, so that a mistake is named instead of hanging a sync."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence

from pluggy import HookImpl

from crmsync.aio import is_async
from crmsync.hookspecs import System

Impls = Mapping[str, Sequence[HookImpl]]
"""The implementations of one plugin, by hook."""

THINKING = frozenset({"system", "directions", "map", "log"})
"""Hooks that are plain and quick; the others do I/O and may be `async`."""

WRAPPABLE = frozenset({"fetch", "map", "apply"})
REQUIRED = ("system", "fetch", "fields")


def is_wrapper(impl: HookImpl) -> bool:
    """Whether this implementation wraps the others, in the new or the old style."""
    return impl.wrapper or impl.hookwrapper


def problem(name: str, impls: Impls) -> str:
    """Why the plugin of this entry-point name cannot be used; empty if it can."""
    return next(_problems(name, impls), "")


def _problems(name: str, impls: Impls) -> Iterator[str]:
    if not impls:
        yield "has no hooks: put @crmsync.hookimpl over them"
    for hook, some in impls.items():
        for impl in some:
            yield from _shape(hook, impl)
    yield from _connector(name, impls) if "system" in impls else _observer(impls)


def _shape(hook: str, impl: HookImpl) -> Iterator[str]:
    if is_wrapper(impl):
        if hook not in WRAPPABLE:
            yield f"wraps {hook}: only fetch, map and apply may be wrapped, since nobody may widen what may move"
    elif hook in THINKING and is_async(impl.function):
        yield f"has `async def {hook}`: {hook} only thinks and must be a plain `def`"
    elif hook == "fetch" and inspect.iscoroutinefunction(impl.function):
        yield "has `async def fetch` without `yield`: fetch must yield pages"
    elif hook != "fetch" and (inspect.isasyncgenfunction(impl.function) or inspect.isgeneratorfunction(impl.function)):
        yield f"yields in {hook}: only fetch yields, {hook} returns"


def _connector(name: str, impls: Impls) -> Iterator[str]:
    missing = [hook for hook in REQUIRED if all(map(is_wrapper, impls.get(hook, ())))]
    if missing:
        yield f"is a connector (it has `system`) without {' and '.join(missing)}"
    if len(impls["system"]) > 1:
        yield "has `system` more than once"
    system = impls["system"][0].function()
    if not isinstance(system, System):
        yield f"returns {type(system).__name__} from `system`, not a crmsync.System"
    elif system.name != name:
        yield f"calls itself {system.name!r} in `system`, but its entry point is named {name!r}: they must be equal"


def _observer(impls: Impls) -> Iterator[str]:
    for hook in ("fetch", "apply"):
        if not all(map(is_wrapper, impls.get(hook, ()))):
            yield (
                f"is an observer (it has no `system`) and would answer {hook} in the connector's place:"
                " use @crmsync.hookimpl(wrapper=True)"
            )

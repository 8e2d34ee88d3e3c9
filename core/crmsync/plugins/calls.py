"""The plugins of one connection behind typed calls, each hook called in the shape its author chose."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

import pluggy
from msgspec.structs import replace

from crmsync.aio import in_thread, is_async, only_makes, pages, settle
from crmsync.errors import CrmsyncError, PluginError, RouteStopped
from crmsync.hookspecs import Hooks, System
from crmsync.model import Direction, Event, Field, Fields, Page, Query, Route, Scope
from crmsync.plugins.shapes import is_wrapper
from crmsync.plugins.tracing import Trace
from crmsync.writes import Change, Outcomes


class Plugins:
    """The plugins of one connection, behind typed calls. What narrows is combined so that nobody can widen."""

    def __init__(self, name: str, manager: pluggy.PluginManager, problems: tuple[str, ...] = ()) -> None:
        self._name = name
        self._manager = manager
        self._hooks = cast("Hooks", manager.hook)
        self._trace = Trace()
        self._reported: set[str] = set()
        self.problems = problems
        (impl,) = manager.hook.system.get_hookimpls()
        self.system = cast("System", impl.function())

    async def fields(self, session: Any, obj: str) -> Fields:
        """The fields of `obj` that every plugin lets move; flags hold where every plugin grants them.

        Raises RouteStopped, also where a plugin fails: closed, not open.
        """
        answers = [await self._ask("fields", impl, session=session, obj=obj) for impl in self._asked("fields")]
        if not answers or not all(isinstance(answer, Mapping) for answer in answers):
            raise _broke_off(self._name, "fields", obj, "a mapping of names to fields was expected")
        seen: Fields = answers[0]
        for answer in answers[1:]:
            seen = {name: _both(one, answer[name]) for name, one in seen.items() if name in answer}
        return seen

    async def scope(self, session: Any, obj: str) -> Scope:
        """The rows and operations of `obj` that every plugin leaves open. Raises RouteStopped like `fields`."""
        whole = Scope()
        for impl in self._asked("scope"):
            answer = await self._ask("scope", impl, session=session, obj=obj)
            if not isinstance(answer, Scope):
                raise _broke_off(impl.plugin_name, "scope", obj, "a Scope was expected")
            whole = narrower(whole, answer)
        return whole

    def directions(self, route: Route) -> frozenset[Direction]:
        """The ways that the route and every plugin allow. Raises RouteStopped where a plugin fails."""
        allowed = route.directions
        for impl in self._asked("directions"):
            self._trace.called("directions", [impl.plugin_name], route=route)
            try:
                answer = frozenset(_call(impl, route=route))
            except CrmsyncError:
                raise
            except Exception as error:
                raise _broke_off(impl.plugin_name, "directions", route.object, error) from error
            self._trace.answered("directions", impl.plugin_name, answer)
            allowed &= answer
        return allowed

    async def fetch(self, session: Any, query: Query) -> AsyncGenerator[Page, None]:
        """The pages of a read, from the loop or through a thread; closing this closes the connector's side."""
        self._trace.called("fetch", self._who("fetch"), session=session, query=query)
        if self._blocks("fetch"):
            source = await in_thread(self._hooks.fetch, session=session, query=query)
        else:
            source = self._hooks.fetch(session=session, query=query)
        if not isinstance(source, AsyncIterator | Iterator):
            raise PluginError(f"fetch of {self._name!r} returned {type(source).__name__}: it must yield pages.")
        async with aclosing(pages(source)) as found:
            async for page in found:
                yield self._page("fetch", page)

    def map(self, page: Page, route: Route, direction: Direction) -> Page:
        """The page in columns (pull) or in fields (push)."""
        self._trace.called("map", self._who("map"), page=page, route=route, direction=direction)
        return self._page("map", self._hooks.map(page=page, route=route, direction=direction))

    @property
    def writes(self) -> bool:
        """Whether the connector writes to its CRM at all."""
        return not all(is_wrapper(impl) for impl in self._manager.hook.apply.get_hookimpls())

    async def apply(self, session: Any, changes: Sequence[Change]) -> Outcomes:
        """One outcome a change, in order. Raises PluginError if the connector does not write, or miscounts."""
        self._trace.called("apply", self._who("apply"), session=session, changes=changes)
        if not self.writes:
            raise PluginError(f"The connector {self._name!r} does not write to its CRM: it has no `apply`.")
        if self._blocks("apply"):
            answer = await in_thread(self._hooks.apply, session=session, changes=changes)
        else:
            answer = self._hooks.apply(session=session, changes=changes)
        outcomes: Outcomes | None = await settle(answer)
        self._trace.answered("apply", self._name, outcomes)
        if outcomes is None or len(outcomes) != len(changes):
            count = 0 if outcomes is None else len(outcomes)
            raise PluginError(f"apply of {self._name!r} gave {count} outcomes for {len(changes)} changes.")
        return outcomes

    def log(self, events: Sequence[Event]) -> None:
        """Tell every observer. One that fails is reported once, and stops neither the others nor the sync."""
        for impl in self._asked("log"):
            self._trace.called("log", [impl.plugin_name], events=events)
            try:
                _call(impl, events=events)
            except Exception as error:  # noqa: BLE001 - a broken listener must not stop a sync
                self._report(impl.plugin_name, error)

    def _report(self, plugin: str, error: Exception) -> None:
        if plugin not in self._reported:
            self._reported.add(plugin)
            told = f"{type(error).__name__}: {error}"
            logging.getLogger("crmsync.plugins").warning("the log hook of plugin %r failed: %s", plugin, told)

    async def _ask(self, hook: str, impl: pluggy.HookImpl, *, session: Any, obj: str) -> Any:
        plugin = impl.plugin_name
        self._trace.called(hook, [plugin], session=session, obj=obj)
        try:
            if is_async(impl.function):
                answer = await _call(impl, session=session, obj=obj)
            else:
                answer = await settle(await in_thread(_call, impl, session=session, obj=obj))
        except CrmsyncError as error:
            self._trace.answered(hook, plugin, error)
            raise
        except Exception as error:
            raise _broke_off(plugin, hook, obj, error) from error
        self._trace.answered(hook, plugin, answer)
        return answer

    def _asked(self, hook: str) -> list[pluggy.HookImpl]:
        """Implementations of a hook that everybody answers, the connector's first."""
        impls = getattr(self._manager.hook, hook).get_hookimpls()
        return sorted(impls, key=lambda impl: (impl.plugin_name != self._name, impl.plugin_name))

    def _who(self, hook: str) -> list[str]:
        return [impl.plugin_name for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls())]

    def _blocks(self, hook: str) -> bool:
        """Whether calling the hook may take its time: it is plain, and does not merely make a generator."""
        plain = [i for i in getattr(self._manager.hook, hook).get_hookimpls() if not is_wrapper(i)]
        return not all(only_makes(impl.function) for impl in plain)

    def _page(self, hook: str, page: Any) -> Page:
        if not isinstance(page, Page):
            raise PluginError(f"{hook} gave {type(page).__name__} where a Page was expected ({self._name!r}).")
        self._trace.answered(hook, self._name, page)
        return page


def _call(impl: pluggy.HookImpl, **arguments: Any) -> Any:
    return impl.function(*(arguments[name] for name in impl.argnames))


def _broke_off(plugin: str, hook: str, obj: str, error: object) -> RouteStopped:
    told = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error)
    return RouteStopped(
        f"{obj} is not synced, because the plugin {plugin!r} failed in `{hook}` ({told}).",
        hint="Repair or uninstall the plugin; what may move is not guessed.",
        code="plugin",
    )


def _both(one: Field, other: Field) -> Field:
    return replace(
        one,
        createable=one.createable and other.createable,
        updateable=one.updateable and other.updateable,
    )


def narrower(one: Scope, other: Scope) -> Scope:
    """What both scopes leave open."""
    return Scope(
        read=one.read and other.read,
        create=one.create and other.create,
        update=one.update and other.update,
        delete=one.delete and other.delete,
        where=(*one.where, *other.where),
        grants=(*one.grants, *other.grants),
        whole=one.whole or other.whole,  # the connector alone can tell
    )

"""Hooks are called in the shape their author chose, and can only narrow what may move."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from crmsync.errors import PluginError, RetryLater, RouteStopped
from crmsync.hookspecs import hookimpl
from crmsync.model import BOTH_WAYS, PULL_ONLY, Condition, Direction, Event, Field, Page, Query, Route, Scope
from crmsync.plugins import Plugins, wire
from crmsync.writes import Change, Result
from support.plugged import CHANGES, EVENT, QUERY, ROUTE, Async, Plain, fields, observer, pages


def test_a_connector_may_be_async() -> None:
    plugins = wire("acme", Async())
    assert plugins.system.title == "Acme"
    assert list(fields(plugins)) == ["Id", "Email", "Phone"]
    assert asyncio.run(plugins.scope(None, "Lead")).grants == ("Read on Lead",)
    assert [page.mark for page in pages(plugins)] == ["m"]
    assert [one.result for one in asyncio.run(plugins.apply(None, CHANGES))] == [Result.DONE]


def test_a_connector_may_be_plain_and_runs_in_threads() -> None:
    connector = Plain()
    plugins = wire("acme", connector)
    assert list(fields(plugins)) == ["Id", "Email"]
    assert asyncio.run(plugins.scope(None, "Lead")) == Scope()
    assert [page.mark for page in pages(plugins)] == ["m"]
    assert len(asyncio.run(plugins.apply(None, CHANGES))) == 1
    assert connector.threads == {False}


def test_a_plain_fetch_that_only_picks_a_generator_is_fine() -> None:
    class Picking(Async):
        @hookimpl
        def fetch(self, session: Any, query: Query) -> Any:
            return Async().fetch(session, query)

    assert [page.mark for page in pages(wire("acme", Picking()))] == ["m"]


def test_core_maps_by_default_and_a_connector_or_an_observer_may_map_otherwise() -> None:
    class Mapping(Async):
        @hookimpl
        def map(self, page: Page) -> Page:
            return Page(columns=("connector",))

    page = Page(columns=("Id", "Email"), rows=[("1", "a@x")])
    other = observer(map=lambda page: Page(columns=("observer",)))
    assert wire("acme", Async()).map(page, ROUTE, Direction.PULL).columns == ("crm_id", "email")
    assert wire("acme", Mapping()).map(page, ROUTE, Direction.PULL).columns == ("connector",)
    assert wire("acme", Mapping(), {"other": other}).map(page, ROUTE, Direction.PULL).columns == ("observer",)
    leaving = observer(map=lambda page: None)
    assert wire("acme", Async(), {"other": leaving}).map(page, ROUTE, Direction.PULL).columns == ("crm_id", "email")


@pytest.mark.rule("R-243")
def test_fields_are_what_every_plugin_names() -> None:
    """An observer takes fields and rights away; it can give none."""
    fewer = observer(fields=lambda session, obj: {"Id": Field(name="Id"), "Invented": Field(name="Invented")})
    found = fields(wire("acme", Async(), {"fewer": fewer}))
    assert list(found) == ["Id"]
    assert not found["Id"].updateable
    assert not found["Id"].createable


def test_a_scope_is_what_every_plugin_leaves_open() -> None:
    where = (Condition(field="Region", op="=", value="EMEA"),)
    one = observer(scope=lambda session, obj: Scope(delete=False, where=where, grants=("ask A",)))
    two = observer(scope=lambda session, obj: Scope(update=False, where=where))
    found = asyncio.run(wire("acme", Async(), {"b": two, "a": one}).scope(None, "Lead"))
    assert found == Scope(delete=False, update=False, where=where * 2, grants=("Read on Lead", "ask A"))


def test_directions_are_what_the_route_and_every_plugin_allow() -> None:
    one_way = observer(directions=lambda route: {Direction.PULL})
    assert wire("acme", Async()).directions(ROUTE) == BOTH_WAYS
    assert wire("acme", Async(), {"one": one_way}).directions(ROUTE) == PULL_ONLY
    wider = observer(directions=lambda route: BOTH_WAYS)
    assert wire("acme", Async(), {"w": wider}).directions(Route(object="A", entity="account")) == PULL_ONLY


def broken(*_: Any, **__: Any) -> Any:
    raise KeyError("oops")


@pytest.mark.parametrize("hook", ["fields", "scope", "directions"])
def test_a_plugin_that_fails_where_it_should_narrow_stops_the_object(hook: str) -> None:
    """Closed, not open; the message names plugin, hook and object."""
    functions = {
        "fields": lambda session, obj: broken(),
        "scope": lambda session, obj: broken(),
        "directions": lambda route: broken(),
    }
    plugins = wire("acme", Async(), {"bad": observer(**{hook: functions[hook]})})
    with pytest.raises(RouteStopped, match=rf"Lead is not synced, .* plugin 'bad' failed in `{hook}`.*KeyError"):
        ask(plugins, hook)


@pytest.mark.parametrize("hook", ["fields", "scope"])
def test_an_answer_of_another_kind_stops_the_object(hook: str) -> None:
    plugins = wire("acme", Async(), {"bad": observer(**{hook: lambda session, obj: ["Id"]})})
    with pytest.raises(RouteStopped, match="expected"):
        ask(plugins, hook)


def ask(plugins: Plugins, hook: str) -> None:
    if hook == "directions":
        plugins.directions(ROUTE)
    else:
        asyncio.run(getattr(plugins, hook)(None, "Lead"))


def test_what_a_crm_says_passes_through() -> None:
    def later(session: Any, obj: str) -> Any:
        raise RetryLater("busy", retry_after=5)

    with pytest.raises(RetryLater):
        fields(wire("acme", Async(), {"a": observer(fields=later)}))


def test_log_reaches_every_observer_and_a_broken_one_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Sequence[Event]] = []
    good = observer(log=lambda events: heard.append(list(events)))
    plugins = wire("acme", Async(), {"bad": observer(log=lambda events: broken()), "good": good})
    with caplog.at_level(logging.WARNING):
        plugins.log([EVENT])
        plugins.log([EVENT])
    assert heard == [[EVENT], [EVENT]]
    assert [record.message for record in caplog.records] == ["the log hook of plugin 'bad' failed: KeyError: 'oops'"]


def test_leaving_fetch_early_closes_the_connector_s_generator() -> None:
    closed: list[str] = []

    class Watched(Async):
        @hookimpl
        async def fetch(self, session: Any, query: Query) -> AsyncIterator[Any]:
            try:
                while True:
                    yield Page()
            finally:
                closed.append("closed")

    async def run() -> None:
        async with aclosing(wire("acme", Watched()).fetch(None, QUERY)) as found:
            await anext(found)
        assert closed == ["closed"]

    asyncio.run(run())


def test_a_connector_that_does_not_write_says_so() -> None:
    class Reading(Async):
        apply = None  # type: ignore[assignment]

    with pytest.raises(PluginError, match="has no `apply`"):
        asyncio.run(wire("acme", Reading()).apply(None, CHANGES))


def test_outcomes_are_counted() -> None:
    class Miscounting(Async):
        @hookimpl
        async def apply(self, changes: Sequence[Change]) -> Any:
            return []

    with pytest.raises(PluginError, match="gave 0 outcomes for 1 changes"):
        asyncio.run(wire("acme", Miscounting()).apply(None, CHANGES))


def test_what_fetch_yields_has_to_be_a_page() -> None:
    class Listing(Async):
        @hookimpl
        async def fetch(self, session: Any, query: Query) -> AsyncIterator[Any]:
            yield ["a row"]

    class Returning(Async):
        @hookimpl
        def fetch(self, session: Any, query: Query) -> Any:
            return [Page()]

    for plugin, said in (
        (Listing(), "fetch gave list where a Page"),
        (Returning(), "returned list: it must yield pages"),
    ):
        with pytest.raises(PluginError, match=said):
            pages(wire("acme", plugin))

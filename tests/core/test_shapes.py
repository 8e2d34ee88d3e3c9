"""A plugin of the wrong shape is refused by name, before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from crmsync.errors import PluginError
from crmsync.hookspecs import hookimpl
from crmsync.model import (
    PULL_ONLY,
    Page,
    Query,
    Route,
)
from crmsync.plugins import wire
from support.plugged import Async, observer, pages, wrapping


async def async_map(page: Page) -> Any:
    return page


async def async_log(events: Any) -> None:
    return None


async def async_directions(route: Route) -> Any:
    return PULL_ONLY


async def async_fetch(session: Any, query: Query) -> Any:
    return None


def yielding_fields(session: Any, obj: str) -> Iterator[Any]:
    yield {}


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (SimpleNamespace(), "has no hooks"),
        (observer(map=async_map), "has `async def map`: map only thinks and must be a plain `def`"),
        (observer(log=async_log), "has `async def log`"),
        (observer(directions=async_directions), "has `async def directions`"),
        (observer(fetch=async_fetch), "`async def fetch` without `yield`"),
        (observer(fields=yielding_fields), "yields in fields: only fetch yields"),
        (observer(fetch=lambda session, query: iter(())), "would answer fetch in the connector's place"),
        (observer(apply=lambda session, changes: []), "is an observer .* would answer apply"),
        (wrapping("fields"), "wraps fields: only fetch, map and apply may be wrapped"),
        (observer(fetsch=lambda session, query: None), "did you mean fetch"),
        (observer(map=lambda pages: None), "does not fit"),
    ],
)  # fmt: skip
def test_an_observer_of_the_wrong_shape_is_refused_by_name(plugin: Any, said: str) -> None:
    with pytest.raises(PluginError, match=f"The plugin 'odd' .*{said}"):
        wire("acme", Async(), {"odd": plugin})


def test_a_connector_of_the_wrong_shape_is_refused() -> None:
    class Unnamed(Async):
        name = "other"

    class Mute(Async):
        fields = None  # type: ignore[assignment]
        fetch = None  # type: ignore[assignment]

    class Vague(Async):
        @hookimpl
        def system(self) -> Any:
            return "acme"

    for plugin, said in (
        (Unnamed(), "calls itself 'other' in `system`, but its entry point is named 'acme'"),
        (Mute(), "without fetch and fields"),
        (Vague(), "returns str from `system`"),
    ):
        with pytest.raises(PluginError, match=said):
            wire("acme", plugin)


def test_roles_are_not_mixed_up() -> None:
    with pytest.raises(PluginError, match="is not the observer it should be"):
        wire("acme", Async(), {"acme2": type("Two", (Async,), {"name": "acme2"})()})
    with pytest.raises(PluginError, match="is not the connector it should be"):
        wire("acme", observer(log=lambda events: None))


def test_a_wrapper_is_an_observer() -> None:
    assert [page.mark for page in pages(wire("acme", Async(), {"w": wrapping("fetch")}))] == ["m"]

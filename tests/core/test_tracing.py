"""Every hook call can be seen, and no secret with it."""

from __future__ import annotations

import asyncio

import pytest

from crmsync.model import Direction
from crmsync.plugins import wire
from crmsync.writes import Change, Operation
from support.plugged import EVENT, QUERY, ROUTE, Async, fields, observer


def test_hooks_are_traced_without_secrets(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Session:
        def __repr__(self) -> str:
            return "hush"

    monkeypatch.setenv("CRMSYNC_TRACE_HOOKS", "1")
    plugins = wire("acme", Async(), {"bad": observer(log=lambda events: None)})

    async def run() -> None:
        await plugins.fields(Session(), "Lead")
        async for page in plugins.fetch(Session(), QUERY):
            plugins.map(page, ROUTE, Direction.PULL)
        await plugins.apply(
            Session(), [Change(operation=Operation.UPDATE, object="L", row=1, values={"api_token": "hush hush"})]
        )

    asyncio.run(run())
    plugins.directions(ROUTE)
    plugins.log([EVENT])
    printed = capsys.readouterr().err
    assert "hush" not in printed
    assert "fields(session=<Session>, obj='Lead') → acme" in printed
    assert "fetch ← acme: <Page 2 rows of ['Id', 'Email'] mark='m' resume=None>" in printed
    assert {line.split("(")[0].split(" ←")[0] for line in printed.splitlines()} >= {
        f"crmsync: {h}" for h in ("map", "log")
    }


def test_nothing_is_traced_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    fields(wire("acme", Async()))
    assert capsys.readouterr().err == ""

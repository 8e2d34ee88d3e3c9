"""The server of the simulators, where it meets what a loop does."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import pytest
from aiohttp import web

from crmsync.simulate.loopback import Loopback


@pytest.mark.parametrize("turns", range(6))
def test_whoever_connects_while_it_stops_is_let_go(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far a connection has come in, no socket is left open: the garbage collector does not complain."""
    complaints: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda one: complaints.append(str(one.exc_value)))

    async def nothing(_request: web.Request) -> web.StreamResponse:
        return web.Response()

    async def connect() -> None:
        async with Loopback(nothing) as server:
            with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))):
                for _ in range(turns):
                    await asyncio.sleep(0)

    asyncio.run(connect())
    gc.collect()
    assert complaints == []

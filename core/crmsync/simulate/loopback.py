"""Serving HTTP or https on loopback, and sending answers with what planted faults do to them on the way."""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from crmsync.simulate.certificate import Certificate, make_certificate
from crmsync.simulate.faults import Fault

ROOM = 1 << 20
TURNS = 5  # of the loop, in which a connection comes in
MOST_BODY = 200 * 1024 * 1024
WORTH_PACKING = 1400


class Loopback:
    """A port of this machine on which every request gets one answer; `async with` it, and then `url`.

    `url` has no slash at its end; `ca_file` is the certificate of the authority, with https.
    """

    def __init__(
        self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]], *, tls: bool = False, port: int = 0
    ) -> None:
        self.url = ""
        self.ca_file: str | None = None
        self._serve, self._tls, self._port = answer, tls, port
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start listening."""
        certificate = self._certificate()
        app = web.Application(client_max_size=MOST_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(
            app, access_log=None, max_line_size=ROOM, max_field_size=ROOM, shutdown_timeout=0.2, handle_signals=False
        )
        await runner.setup()
        assert runner.server is not None
        context = certificate.context if certificate else None
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(runner.server, "127.0.0.1", self._port, ssl=context)
        self._stack.push_async_callback(_stop, listening, runner)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and remove the certificate."""
        await self._stack.aclose()

    def _certificate(self) -> Certificate | None:
        if not self._tls:
            return None
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="crmsync-simulator-"))
        certificate = make_certificate(Path(folder))
        self.ca_file = str(certificate.ca_file)
        return certificate


async def _stop(listening: asyncio.Server, runner: web.AppRunner) -> None:
    """Leave no connection behind: neither one that is just coming in, nor one whose other end does not say good-bye."""
    for socket in listening.sockets:
        asyncio.get_running_loop().remove_reader(socket.fileno())  # asyncio loses what it accepts while it closes
    await _turns()
    listening.close()
    left = [one.transport for one in runner.server.connections] if runner.server else []
    await runner.cleanup()
    for transport in left:
        if transport is not None:
            transport.abort()
    await _turns()


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


def packed(request: web.Request, body: bytes, headers: dict[str, str]) -> bytes:
    """The body, compressed (and the header for it set) where the client takes that and it is worth it."""
    if "gzip" not in request.headers.get("Accept-Encoding", "") or len(body) <= WORTH_PACKING:
        return body
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    headers["Content-Encoding"] = "gzip"
    return packer.compress(body) + packer.flush()


async def deliver(
    request: web.Request, status: int, headers: Mapping[str, str], body: bytes, faults: list[Fault]
) -> web.StreamResponse:
    """Send an answer, but for what faults drop, cut off or strip from its headers."""
    if any(fault.action.get("drop") for fault in faults) and request.transport is not None:
        request.transport.close()
        return web.Response()  # aiohttp finds nobody to send it to
    stripped = {name.lower() for fault in faults for name in fault.action.get("strip", [])}
    cuts = [int(fault.action["cut"]) for fault in faults if "cut" in fault.action]
    kept = {key: value for key, value in headers.items() if key.lower() not in stripped}
    response = web.StreamResponse(status=status, headers=kept)
    if "date" in stripped:
        response.headers["Date"] = ""
    response.content_length = len(body)
    with suppress(ConnectionError):  # a client that has gone needs no answer
        await response.prepare(request)
        await response.write(body[: min(cuts)] if cuts else body)
        if cuts and request.transport is not None:
            request.transport.close()
            return response
        await response.write_eof()
    return response

"""The HTTP client: the hosts it was told of and no others, patience with faults, answers read to their end."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crmsync.errors import RetryLater, SettingsError
from crmsync.http import HttpClient, checked, http_date, is_loopback, origin
from crmsync.pacing import Backoff
from crmsync.simulate import make_certificate

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
QUICK = Backoff(first=0.005, attempts=3)


@asynccontextmanager
async def served(handler: Handler, ssl: Any = None) -> AsyncIterator[str]:
    """A server on loopback with one handler for everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl).start()
    yield f"{'https' if ssl else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def get(url: str, allowed: str = "", **options: Any) -> Any:
    async with HttpClient(backoff=QUICK, **options) as http:
        http.allow(allowed or url)
        return await http.request("GET", url)


@pytest.mark.parametrize("address", ["http://example.com", "ftp://localhost", "https://", "https://a@b.example", "x"])
def test_addresses_that_are_not_used(address: str) -> None:
    """Plain http goes to this machine only, and secrets never into an address."""
    with pytest.raises(SettingsError):
        checked(address)


def test_origins_are_spelled_one_way() -> None:
    """Case, a default port and a path do not make another origin."""
    assert origin("https://EXAMPLE.com/a?b") == origin("https://example.com:443") == "https://example.com:443"
    assert origin("http://[::1]:80") == "http://[::1]:80"
    assert is_loopback("127.9.9.9")
    assert is_loopback("localhost")
    assert not is_loopback("127.0.0.1.example.com")


def test_no_other_host() -> None:
    """Nothing is sent to a host that the client was not told of."""

    async def main() -> None:
        async with HttpClient() as http:
            http.allow("http://127.0.0.1:1")
            with pytest.raises(SettingsError, match="no host of this connection"):
                await http.request("GET", "http://127.0.0.1:2/")

    asyncio.run(main())


def test_redirects_stay_at_home() -> None:
    """A redirect within the host is followed, one to elsewhere is not, and no header of ours goes there."""

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/near":
            raise web.HTTPFound("/here")
        if request.path == "/far":
            raise web.HTTPFound("http://localhost:9/steal")
        return web.Response(text="here")

    async def main() -> None:
        async with served(handler) as url:
            assert (await get(f"{url}/near")).body == b"here"
            with pytest.raises(SettingsError, match="not followed"):
                await get(f"{url}/far")

    asyncio.run(main())


def test_passing_trouble_is_waited_out() -> None:
    """A 500, a proxy's page and a cut connection are tried again, and what came in the end is the answer."""
    turns = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal turns
        turns += 1
        if turns == 1:
            return web.Response(status=503)
        if turns == 2:
            assert request.transport is not None
            request.transport.close()
        return web.Response(text="fine")

    async def main() -> None:
        async with served(handler) as url:
            assert (await get(url)).body == b"fine"
        assert turns == 3

    asyncio.run(main())


def test_patience_ends() -> None:
    """Trouble that stays is returned as it is, or raised as something to try later; a POST is sent once."""
    turns = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal turns
        turns += 1
        return web.Response(status=502, text="<html>no</html>")

    async def main() -> None:
        nonlocal turns
        async with served(handler) as url:
            answer = await get(url)
            assert (answer.status, answer.html, turns) == (502, True, 3)
            turns = 0
            async with HttpClient(backoff=QUICK) as http:
                http.allow(url)
                await http.request("POST", url, body=b"x")
            assert turns == 1
        with pytest.raises(RetryLater, match=r"^127\.0\.0\.1 cannot be reached: Connect call failed"):
            await get(url)

    asyncio.run(main())


def test_a_cut_body_is_no_answer() -> None:
    """A body that ends before its length is tried again, and never taken for whole."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async def main() -> None:
        async with served(handler) as url:
            with pytest.raises(RetryLater) as caught:
                await get(url)
        assert "cut" in str(caught.value) or "reached" in str(caught.value)

    asyncio.run(main())


def test_retry_after_is_obeyed() -> None:
    """The server's own wait goes before ours, in seconds or as a date."""
    seen = []

    async def handler(_: web.Request) -> web.Response:
        seen.append(asyncio.get_running_loop().time())
        return web.Response(status=429 if len(seen) == 1 else 200, headers={"Retry-After": "1"})

    async def main() -> None:
        async with served(handler) as url:
            assert (await get(url)).retry_after == 1.0
        assert 0.9 < seen[1] - seen[0] < 3

    asyncio.run(main())


def test_counting_and_packing() -> None:
    """Packed bodies come unpacked; calls and bytes are counted as they went over the wire."""
    packed = gzip.compress(b"x" * 100_000)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async def main() -> None:
        async with served(handler) as url, HttpClient() as http:
            http.allow(url)
            assert len((await http.request("GET", url)).body) == 100_000
            assert (http.traffic.calls, http.traffic.bytes) == (1, len(packed))

    asyncio.run(main())


def test_a_private_authority(tmp_path: Path) -> None:
    """A certificate of a private authority is refused, with the setting that helps, until ca_file names it."""
    made = make_certificate(tmp_path)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="secret")

    async def main() -> None:
        async with served(handler, made.context) as url:
            with pytest.raises(RetryLater, match="ca_file"):
                await get(url)
            assert (await get(url, ca_file=str(made.ca_file))).body == b"secret"
        with pytest.raises(SettingsError, match="cannot be read"):
            await get("https://localhost", ca_file=str(tmp_path / "none.pem"))

    asyncio.run(main())


def test_dates() -> None:
    """The server's clock is read from its answers; what is no date is none."""
    found = http_date("Tue, 23 Mar 2027 00:00:00 GMT")
    assert found is not None
    assert found.isoformat() == "2027-03-23T00:00:00+00:00"
    assert http_date("") is http_date("soon") is None

"""The HTTP client that connectors build on: one host, no surprise redirects, TLS but on loopback, patient with faults.

Answers of any status are returned; what a body means is the connector's business. Raised are only RetryLater (network,
proxy or server trouble that patience did not cure) and SettingsError (an address that must not be used).
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
from msgspec import Struct, field
from yarl import URL

from crmsync.errors import RetryLater, SettingsError
from crmsync.pacing import Backoff

PASSING = frozenset({420, 425, 500, 502, 503, 504})
"""Statuses that may be gone the next time."""
TOO_MANY = 429
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HTML = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml version", b"<!--")


class Response(Struct, frozen=True):
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]  # case-insensitive
    body: bytes
    url: str
    began: float  # monotonic
    seconds: float

    @property
    def html(self) -> bool:
        """Whether the body is a page for people: a proxy, a maintenance notice."""
        head = self.body[:512].lstrip().lower()
        return head.startswith(_HTML[:4]) or (head.startswith(_HTML) and b"<html" in head)

    @property
    def date(self) -> datetime | None:
        """The server's clock when it answered, to the second."""
        return http_date(self.headers.get("Date", ""))

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asks to wait, from either form of Retry-After."""
        asked = self.headers.get("Retry-After", "").strip()
        if asked.isdigit():
            return float(asked)
        until, now = http_date(asked), self.date or datetime.now(UTC)
        return max(0.0, (until - now).total_seconds()) if until else None


def http_date(text: str) -> datetime | None:
    """The moment of an HTTP date; None for anything else."""
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def is_loopback(host: str | None) -> bool:
    """Whether a host name can only mean this machine."""
    if not host:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def checked(address: str) -> SplitResult:
    """The parts of an address that may be used: https, or http on loopback. Raises SettingsError."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or "@" in parts.netloc:
        raise SettingsError(f"{without_query(address)!r} is not an address.", hint="https://host is expected.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"{parts.hostname} is not on this machine, so only https is spoken to it.")
    return parts


def without_query(address: str) -> str:
    """An address as it may be shown: without query and fragment, where secrets could be."""
    return address.split("?", 1)[0].split("#", 1)[0][:200]


def origin(address: str) -> str:
    """Scheme, host and port of an address, spelled one way."""
    parts = checked(address)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host.lower()}:{port}"


class Traffic(Struct, kw_only=True):
    """What a client sent and received."""

    calls: int = 0
    bytes: int = 0


class HttpClient(Struct, kw_only=True):
    """A client for the origins it was told of, and for no others.

    `ca_file` names the certificates of a private authority. Counts every request that was answered in `traffic`.
    """

    ca_file: str | None = None
    connect_timeout: float = 30.0
    read_timeout: float = 300.0
    connections: int = 20
    backoff: Backoff = field(default_factory=Backoff)
    user_agent: str = "crmsync"
    traffic: Traffic = field(default_factory=Traffic)
    _origins: set[str] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool. Raises SettingsError for an unreadable `ca_file`."""
        timeout = aiohttp.ClientTimeout(
            total=None, connect=self.connect_timeout, sock_connect=self.connect_timeout, sock_read=self.read_timeout
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.connections, ssl=self._tls()),
            timeout=timeout,
            headers={"User-Agent": self.user_agent, "Accept-Encoding": "gzip, deflate"},
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=1 << 20,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _tls(self) -> ssl.SSLContext | bool:
        if self.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"ca_file {self.ca_file!r} cannot be read: {error}.") from error

    def allow(self, address: str) -> str:
        """Let this client speak to the origin of `address`, and return the origin. Raises SettingsError."""
        found = origin(address)
        self._origins.add(found)
        return found

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None,
        repeatable: bool | None = None,
    ) -> Response:  # fmt: skip
        """Send one request, again and again where that may help and does no harm.

        `repeatable` tells whether sending it twice changes nothing; by default that is so for GET and HEAD.
        """
        again = method in ("GET", "HEAD") if repeatable is None else repeatable
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._follow(method, url, headers, body)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if not again or not self.backoff.left(attempt):
                    raise RetryLater(_network(url, error), hint=_network_hint(error), code="network") from error
                response = None
            if response is not None and not (again and self._passing(response) and self.backoff.left(attempt)):
                return response
            await asyncio.sleep(self.backoff.delay(attempt, response.retry_after if response else None))

    @staticmethod
    def _passing(response: Response) -> bool:
        return response.status in PASSING or response.status == TOO_MANY or (
            response.html and response.status < 400  # noqa: PLR2004 - a page for people where data was asked for
        )  # fmt: skip

    async def _follow(self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None) -> Response:
        for _ in range(5):
            response = await self._send(method, url, headers, body)
            target = response.headers.get("Location")
            if response.status not in REDIRECTS or not target or method not in ("GET", "HEAD"):
                return response
            url = urljoin(url, target)
            if origin(url) not in self._origins:
                host = urlsplit(url).hostname
                raise SettingsError(f"{without_query(response.url)} sends on to {host}, which is not followed.")
        raise RetryLater(f"{without_query(url)} redirects in a circle.", code="redirect")

    async def _send(self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None) -> Response:
        if origin(url) not in self._origins:
            raise SettingsError(f"{urlsplit(url).hostname} is no host of this connection; nothing is sent to it.")
        assert self._session is not None
        began = time.monotonic()
        asked: Any = self._session.request(method, _encoded(url), headers=headers, data=body, allow_redirects=False)
        async with asked as answer:
            content = await answer.read()
            self.traffic.calls += 1
            self.traffic.bytes += int(answer.headers.get("Content-Length") or len(content))
            return Response(answer.status, answer.headers, content, url, began, time.monotonic() - began)


def _encoded(url: str) -> URL:
    return URL(url, encoded=True)


def _network(url: str, error: BaseException) -> str:
    host = urlsplit(url).hostname
    reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else str(error)
    said = reason or str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return f"{host} did not answer in time."
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"The connection to {host} was cut in the middle of an answer."
    return f"{host} cannot be reached: {said[:300]}."


def _network_hint(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "For a private certificate authority set ca_file."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Is the URL spelled right, and is there a network?"
    return ""

"""A running environment in a thread of its own, and a plain HTTP client, so that tests read from top to bottom."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from crmsync_dynamics.simulator import Org, Server

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
API = "/api/data/v9.2/"


class Answer:
    """One HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.json["error"]["code"])

    @property
    def text(self) -> str:
        """The message of a refusal."""
        return str(self.json["error"]["message"])


class Client:
    """A user of one running environment."""

    def __init__(self, server: Server, user: str = "full") -> None:
        self.server = server
        self.org = server.org
        self.site = server.site
        self.token = server.org.sessions.open(server.org.user(user)).text

    def as_user(self, name: str) -> "Client":
        """The same environment for somebody else."""
        return Client(self.server, name)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to an address or a path as it is; a body that is not bytes goes as JSON."""
        address = urlsplit(self.server.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
        sent = {"Authorization": f"Bearer {self.token}", **{key.replace("_", "-"): one for key, one in headers.items()}}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path.removeprefix(self.server.url), body, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, prefer: str = "", **options: str) -> Answer:
        """Read a resource under the service; keyword arguments are the system options without their dollar sign."""
        query = "&".join(f"${name}={quote(value, safe='')}" for name, value in options.items())
        joint = "&" if "?" in path else "?"
        more = {"Prefer": prefer} if prefer else {}
        return self.send("GET", f"{API}{path}{joint + query if query else ''}", **more)

    def rows(self, path: str, prefer: str = "", **options: str) -> list[dict[str, Any]]:
        """The rows of a query that must succeed."""
        answer = self.get(path, prefer, **options)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["value"]
        return found

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a control request that must succeed."""
        answer = self.send(method, f"/control/{path}", body)
        assert answer.status == 200, answer.body
        return answer.json

    def token_for(self, tenant: str | None = None, **form: str) -> Answer:
        """The answer of the token endpoint to a form."""
        where = f"/{tenant or self.server.ready['tenant_id']}/oauth2/v2.0/token"
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", where, urlencode(form).encode(), Content_Type=kind)


@contextmanager
def running(org: Org, *, tls: bool = False) -> Iterator[Server]:
    """The environment behind a port, served by a thread of its own."""
    started, stop = threading.Event(), asyncio.Event()
    holder: dict[str, Any] = {}

    async def serve() -> None:
        async with Server(org, tls=tls) as server:
            holder["server"], holder["loop"] = server, asyncio.get_running_loop()
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield holder["server"]
    finally:
        holder["loop"].call_soon_threadsafe(stop.set)
        thread.join(10)

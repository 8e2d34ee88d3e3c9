"""A running org in a thread of its own, and a plain HTTP client, so that the tests can be read from top to bottom."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

from crmsync_salesforce.simulator import Org, Server

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


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
        """The errorCode of a refusal."""
        return str(self.json[0]["errorCode"])


class Client:
    """A user of one running org."""

    def __init__(self, server: Server, user: str = "full") -> None:
        self.server = server
        self.org = server.org
        self.site = server.site
        self.token = server.org.sessions.open(server.org.user(user)).token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; a body that is not bytes goes as JSON."""
        address = urlsplit(self.server.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
        sent = {"Authorization": f"Bearer {self.token}", **{key.replace("_", "-"): one for key, one in headers.items()}}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def rest(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to a path under the version."""
        return self.send(method, f"/services/data/v62.0{path}", body, **headers)

    def query(self, text: str, resource: str = "query", **headers: str) -> Any:
        """The body of a query that must succeed."""
        answer = self.rest("GET", f"/{resource}?q={quote(text)}", **headers)
        assert answer.status == 200, answer.body
        return answer.json

    def names(self, text: str, field: str = "Name") -> list[Any]:
        """One column of a query's first page."""
        return [record[field] for record in self.query(text)["records"]]

    def refused(self, text: str) -> str:
        """The code with which a query is refused."""
        answer = self.rest("GET", f"/query?q={quote(text)}")
        assert answer.status == 400, answer.body
        return answer.code

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a control request that must succeed."""
        answer = self.send(method, f"/control/{path}", body)
        assert answer.status == 200, answer.body
        return answer.json

    def token_for(self, **form: str) -> Answer:
        """The answer of the token endpoint to a form."""
        text = "&".join(f"{key}={quote(value, safe='')}" for key, value in form.items())
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", "/services/oauth2/token", text.encode(), Content_Type=kind)


@contextmanager
def running(org: Org, *, tls: bool = False) -> Iterator[Server]:
    """The org behind a port, served by a thread of its own."""
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

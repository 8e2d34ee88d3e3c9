"""A simulator in a thread of its own, and a plain HTTP client, so that tests read from top to bottom."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import pytest

from crmsync.clock import Clock
from crmsync.simulate import Server

A = TypeVar("A", bound="Answer")
C = TypeVar("C")
S = TypeVar("S", bound=Server[Any, Any])


class Answer:
    """One HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Asking(Generic[A]):
    """Somebody with a token who asks a running simulator."""

    answer: ClassVar[Callable[..., Any]] = Answer

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> A:
        """Send a request to an address or a path as it is; a body that is not bytes goes as JSON."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
        sent = {"Authorization": f"Bearer {self.token}", **{key.replace("_", "-"): one for key, one in headers.items()}}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path.removeprefix(self.url), body, sent)
            response = connection.getresponse()
            answer: A = self.answer(response.status, dict(response.getheaders()), response.read())
            return answer
        finally:
            connection.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a control request that must succeed."""
        answer = self.send(method, f"/control/{path}", body)
        assert answer.status == 200, answer.body
        return answer.json


@contextmanager
def served(server: S) -> Iterator[S]:
    """The server while it runs in a thread of its own."""
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with server:
            loops.append(asyncio.get_running_loop())
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)


@contextmanager
def starting(
    make: Callable[..., Any],
    running: Callable[[Any], AbstractContextManager[Any]],
    client: Callable[..., C],
    clock: Clock,
) -> Iterator[Callable[..., C]]:
    """Starts orgs with chosen traits, `start(records=10, user="full")`, and gives a client of each."""
    with ExitStack() as stack:

        def start(records: int = 20, *, user: str = "full", **traits: Any) -> C:
            org = make(records, 7, clock=traits.pop("clock", clock), **traits)
            return client(stack.enter_context(running(org)), user)

        yield start


def real_data(crm: str) -> Path:
    """The folder of what real servers of a CRM answered, which is not part of the project; skips where it is not."""
    folder = Path(__file__).parents[2].parent / "shared" / "data" / crm
    if not folder.is_dir():
        pytest.skip(f"NOT COMPARED WITH REAL DATA: there is no folder of it at {folder}")
    return folder

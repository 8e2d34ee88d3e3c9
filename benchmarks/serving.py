"""A stand-in for a vendor's server: a loopback port that answers with bytes rendered before.

It prints its address as a line of JSON and serves until it is ended. What it holds is set by a POST to /setup:
{"records": 100000, "moved": false, "pause": 0}, where `pause` is how long an answer takes, in seconds. It compares
nothing and checks nobody; it is only fast.
"""

from __future__ import annotations

import json
import signal
import socketserver
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Generic, TypeVar

from benchmarks.ledger import Ledger

KEPT = 200_000  # records up to which answers are kept
L = TypeVar("L", bound=Ledger)
Answer = tuple[int, bytes, dict[str, str]]
JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class StandIn(ABC, Generic[L]):
    """What is served, and what was asked."""

    def __init__(self, counted: Callable[[], L]) -> None:
        self.url = ""
        self.records, self.moved, self.pause = 2_000, False, 0.0
        self.fields: tuple[str, ...] = ()
        self.asked = 0
        self.ledger = counted()
        self._counted = counted
        self._kept: dict[object, bytes] = {}

    @abstractmethod
    def served(self, request: Request) -> Answer:
        """The answer to a request of a client."""

    def ready(self) -> dict[str, Any]:
        """How to reach it."""
        return {"url": self.url, "access_token": "00D000000000001!A"}

    def answer(self, request: Request) -> Answer:
        """The answer to any request."""
        if request.target == "/setup":
            return self._setup(json.loads(request.body))
        self.asked += 1
        time.sleep(self.pause)
        return self.served(request)

    def keep(self, key: object, render: Callable[[], bytes]) -> bytes:
        """What was rendered before, or is now."""
        if key in self._kept:
            return self._kept[key]
        made = render()
        if self.records <= KEPT:
            self._kept[key] = made
        return made

    def _setup(self, asked: dict[str, Any]) -> Answer:
        said = {"asked": self.asked, "fields": self.fields, **self.ledger.told()}
        self.ledger, self.asked = self._counted(), 0
        self.records, self.moved, self.pause = asked["records"], asked["moved"], asked["pause"]
        self._kept.clear() if self.records > KEPT else None
        return as_json(said)


def as_json(value: object, status: int = 200) -> Answer:
    """A value as an answer."""
    return status, json.dumps(value).encode(), {"Content-Type": JSON}


class Handler(socketserver.StreamRequestHandler):
    """Keeps a connection, a thread each: requests in, bytes out."""

    disable_nagle_algorithm = True
    standin: StandIn[Any]

    def handle(self) -> None:
        """Answer requests until the other side has enough."""
        while (line := self.rfile.readline()) and len(words := line.decode("latin-1").split()) > 1:
            given: dict[str, str] = {}
            while (header := self.rfile.readline()) not in (b"\r\n", b"\n", b""):
                name, _, value = header.decode("latin-1").partition(":")
                given[name.lower()] = value.strip()
            body = self.rfile.read(int(given.get("content-length", 0)))
            status, content, headers = self.standin.answer(Request(words[0], words[1], given, body))
            headers |= {"Date": formatdate(usegmt=True), "Content-Length": str(len(content))}
            lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
            self.connection.sendall(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
            self.connection.sendall(content)


class Server(socketserver.ThreadingTCPServer):
    """A loopback port that nobody waits for at the end."""

    daemon_threads = True
    request_queue_size = 50


def serve(standin: StandIn[Any]) -> None:
    """Say where, and serve until SIGTERM, after which whatever was opened around this is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Server(("127.0.0.1", 0), Handler) as server:
        Handler.standin = standin
        standin.url = f"http://127.0.0.1:{server.server_address[1]}"
        print(json.dumps(standin.ready()), flush=True)
        sys.setswitchinterval(0.001)
        server.serve_forever()

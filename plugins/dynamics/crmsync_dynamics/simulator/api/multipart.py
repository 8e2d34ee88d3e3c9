"""The multipart bodies of `$batch`: requests taken apart as strictly as the vendor does, and answers put together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from msgspec import Struct, field

from crmsync_dynamics.simulator.errors import Refusal

_BOUNDARY = re.compile(r'multipart/mixed\s*;.*?boundary="?([^";,\s]+)', re.IGNORECASE)
_LINE = b"\r\n"


class Part(Struct, frozen=True):
    """One part of a multipart body, or the request inside it: headers by lower-case name, and what follows them."""

    headers: dict[str, str]
    body: bytes
    line: str = ""

    @property
    def boundary(self) -> str | None:
        """What separates the parts inside, when this is a set of them."""
        return boundary_of(self.headers.get("content-type", ""))


class Answered(Struct):
    """One answer, as it goes back in a part."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_id: str = ""


class ChangeSet(Struct):
    """The answers of a change set that was carried out."""

    answers: list[Answered] = field(default_factory=list)


def boundary_of(content_type: str) -> str | None:
    """The boundary a multipart content type names."""
    found = _BOUNDARY.match(content_type.strip())
    return found[1] if found else None


def unreadable() -> Refusal:
    """The answer to a body whose lines do not end as they must, or that has no end."""
    return Refusal("0x80048d19", "Error identified in Payload provided by the user: Stream was not readable.")


def split(body: bytes, boundary: str) -> list[Part]:
    """The parts of a body in order; raises Refusal when a line of the framing ends in anything but CRLF."""
    mark = _LINE + b"--" + boundary.encode()
    pieces = (_LINE + body).split(mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - what is before and after the end
        raise unreadable()
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    if not piece.startswith(_LINE):
        raise unreadable()
    head, found, body = piece[len(_LINE) :].partition(_LINE + _LINE)
    if not found:
        raise unreadable()
    return Part(_headers(head.split(_LINE)), body)


def request_in(part: Part) -> Part:
    """The request a part carries; its `line` is the request line."""
    head, found, body = part.body.partition(_LINE + _LINE)
    if not found:
        if not head.endswith(_LINE):
            raise unreadable()
        head = head[: -len(_LINE)]
    first, *rest = head.split(_LINE)
    if b"\n" in first or not first:
        raise unreadable()
    return Part(_headers(rest), body.removesuffix(_LINE), first.decode())


def _headers(lines: Sequence[bytes]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, found, value = line.decode().partition(":")
        if not found or "\n" in value:
            raise unreadable()
        headers[name.strip().lower()] = value.strip()
    return headers


def render(answers: Sequence[Answered | ChangeSet], boundary: str) -> bytes:
    """The body that carries the answers, each change set in a part of its own."""
    pieces = []
    for number, one in enumerate(answers):
        if isinstance(one, Answered):
            pieces.append(_single(one))
            continue
        inner = f"changesetresponse_{number}_{boundary.partition('_')[2]}"
        head = f"Content-Type: multipart/mixed; boundary={inner}".encode()
        pieces.append(head + _LINE + _LINE + render(one.answers, inner))
    mark = b"--" + boundary.encode()
    return b"".join(mark + _LINE + piece + _LINE for piece in pieces) + mark + b"--" + _LINE


def _single(answer: Answered) -> bytes:
    outer = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary"}
    if answer.content_id:
        outer["Content-ID"] = answer.content_id
    line = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()
    return _lines(outer) + _LINE + line + _LINE + _lines(answer.headers) + _LINE + answer.body


def _lines(headers: Mapping[str, str]) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())

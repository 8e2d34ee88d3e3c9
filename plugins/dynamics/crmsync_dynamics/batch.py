"""`$batch`: many requests in one call, and its answer taken apart again, one reply for each change in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from uuid import uuid4

from crmsync_dynamics.errors import Fault
from crmsync_dynamics.faults import read_fault
from crmsync_dynamics.items import Reply, Request

MOST = 1000
"""Requests in one batch; the vendor takes no more."""

_LINE = b"\r\n"
_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)', re.IGNORECASE)
_PART = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
_FAILED = 400


def kind(boundary: str) -> str:
    """The content type of a body with this boundary."""
    return f'multipart/mixed; boundary="{boundary}"'


def new_boundary() -> str:
    """What separates the parts; no value holds it."""
    return f"batch_{uuid4().hex}"


def compose(groups: Sequence[Sequence[Request]], root: str, boundary: str) -> bytes:
    """The body of a batch: each group is one request, or several that are done all or none.

    `root` is the path of the service; every address inside is absolute.
    """
    parts = [_group(group, root, f"changeset_{at}_{boundary}") for at, group in enumerate(groups)]
    return _multipart(parts, boundary)


def _multipart(parts: Iterable[bytes], boundary: str) -> bytes:
    mark = b"--" + boundary.encode()
    return b"".join(mark + _LINE + part + _LINE for part in parts) + mark + b"--" + _LINE


def _group(group: Sequence[Request], root: str, boundary: str) -> bytes:
    if len(group) == 1:
        return _PART + _request(group[0], root)
    inside = [_PART + f"Content-ID: {at}\r\n".encode() + _request(one, root) for at, one in enumerate(group, 1)]
    return f"Content-Type: {kind(boundary)}".encode() + _LINE + _LINE + _multipart(inside, boundary)


def _request(one: Request, root: str) -> bytes:
    headers = dict(one.headers)
    if one.body is not None:
        headers["Content-Type"] = "application/json"
    lines = [f"{one.method} {root}/{one.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return _LINE + "\r\n".join(lines).encode() + _LINE + _LINE + (one.body or b"")


def replies(body: bytes, content_type: str, count: int) -> list[Reply | None]:
    """One reply for each group, in order: of several requests the last, or the one that failed; None where none came.

    Raises ValueError for a body that is no answer to a batch.
    """
    found: list[Reply | None] = [_reply(part) for part in _parts(body, content_type)]
    if len(found) > count:
        raise ValueError(f"{len(found)} answers to {count} requests")
    return found + [None] * (count - len(found))


def _parts(body: bytes, content_type: str) -> list[tuple[Mapping[str, str], bytes]]:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ValueError("the answer to a batch has no parts")
    pieces = (_LINE + body).split(_LINE + b"--" + found[1].encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - what is before and after the end
        raise ValueError("the answer to a batch was cut")
    return [_headed(piece.removeprefix(_LINE)) for piece in pieces[1:-1]]


def _headed(piece: bytes) -> tuple[Mapping[str, str], bytes]:
    head, _, body = piece.partition(_LINE + _LINE)
    lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}, body


def _reply(part: tuple[Mapping[str, str], bytes]) -> Reply:
    headers, body = part
    if _BOUNDARY.search(kind_of := headers.get("content-type", "")):
        inside = [_reply(one) for one in _parts(body, kind_of)]
        return next((one for one in inside if one.fault is not None), inside[-1])
    line, _, rest = body.partition(_LINE)
    words = line.split()
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 - version and status
        raise ValueError("a part of the answer to a batch has no status")
    return of_http(int(words[1]), *_headed(rest) if not rest.startswith(_LINE) else ({}, rest))


def of_http(status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """The reply of a status, headers with names in lower case, and a body."""
    fault = None
    if status >= _FAILED:
        said = f"The server answered HTTP {status} without saying why."
        fault = read_fault(body, status) or Fault(f"HTTP_{status}", said, status)
    wait = headers.get("retry-after", "")
    after = float(wait) if wait.isdigit() else None
    return Reply(status=status, headers=headers, body=body, fault=fault, retry_after=after)

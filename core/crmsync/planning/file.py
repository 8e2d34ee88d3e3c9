"""A saved plan: a line of JSON for what it is a plan of, one for each change, and one that seals them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from crmsync.errors import SettingsError
from crmsync.store.history.planned import Item

FORMAT = 1


class Header(Struct, frozen=True, kw_only=True):
    """What a plan was made of: it is carried out on nothing else. `made_at` is canonical."""

    connection: str
    org: str
    database: str
    settings: str
    made_at: str
    format: int = FORMAT


class _Seal(Struct, frozen=True, kw_only=True):
    sha256: str


async def save(path: Path, header: Header, found: AsyncIterator[Item]) -> int:
    """Write a plan to a file that only its owner may read; how many changes it has. Raises SettingsError."""
    beside = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            number = await _write(file, header, found)
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"The plan cannot be written to {path}: {error.strerror}.") from None
    return number


async def _write(file: BinaryIO, header: Header, found: AsyncIterator[Item]) -> int:
    seal, number = hashlib.sha256(), 0

    def put(one: Header | Item) -> None:
        line = msgspec.json.encode(one) + b"\n"
        seal.update(line)
        file.write(line)

    put(header)
    async for one in found:
        put(one)
        number += 1
    file.write(msgspec.json.encode(_Seal(sha256=seal.hexdigest())) + b"\n")
    return number


def load(path: Path) -> tuple[Header, list[Item]]:
    """A plan as it was saved. Raises SettingsError for what is none, was cut off or was changed."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise SettingsError(f"The plan {path} cannot be read: {error.strerror}.") from None
    if not lines:
        raise SettingsError(f"{path} is no plan.")
    header = _decoded(path, lines[0])
    try:
        seal = msgspec.json.decode(lines[-1], type=_Seal)
    except msgspec.MsgspecError:
        raise SettingsError(f"The plan {path} has no end: it was not saved whole.") from None
    if hashlib.sha256(b"".join(lines[:-1])).hexdigest() != seal.sha256:
        raise SettingsError(f"The plan {path} was changed after it was saved.", hint="Make a new one: crmsync plan.")
    return header, list(_items(lines[1:-1]))


def _decoded(path: Path, line: bytes) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.MsgspecError:
        raise SettingsError(f"{path} is no plan.", hint="`crmsync plan --save FILE` writes one.") from None
    if header.format != FORMAT:
        raise SettingsError(f"{path} is a plan of another version of crmsync.", hint="Make a new one: crmsync plan.")
    return header


def _items(lines: list[bytes]) -> Iterator[Item]:
    return (msgspec.json.decode(line, type=Item) for line in lines)

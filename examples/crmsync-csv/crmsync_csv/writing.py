"""Changes to a file: under a lock, as texts, so that what nobody names stays as it is, and saved all at once."""

from __future__ import annotations

import codecs
import csv
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import crmsync
from crmsync import Change, Operation, Outcome, Result, Type, Value
from crmsync.clock import stamp
from crmsync.values import FROM_TEXT
from crmsync_csv.folder import FILES, Folder, types_of, understood

PATIENCE = 30.0
"""Seconds to wait for another process that writes into the folder."""


def write(session: Folder, changes: Sequence[Change]) -> list[Outcome]:
    """One outcome a change. Raises RetryLater or RouteStopped where none of them was written."""
    obj = changes[0].object
    path = session.path / FILES[obj]
    try:
        with _locked(session.path):
            sheet = Sheet(path.name, list(session.lines(obj)), stamp(session.clock.now()))
            outcomes = [sheet.write(change) for change in changes]
            _save(path, sheet.lines)
    except sqlite3.OperationalError as error:
        raise crmsync.RetryLater(f"{path} is being written by another process.") from error
    except OSError as error:
        raise crmsync.RouteStopped(f"{path} cannot be written: {error.strerror}.", hint="Allow it.") from error
    return outcomes


class Sheet:
    """The lines of an object's file while they are changed."""

    def __init__(self, file: str, lines: list[list[str]], now: str) -> None:
        self.records, _ = understood(file, lines)
        self.lines, self.types = lines, types_of(lines[0])
        self.by_id = {line[self._at("Id")]: line for line in lines[1:] if len(line) > self._at("Id")}
        self.now = max([now, *(str(one["ModifiedAt"]) for one in self.records.values())])  # changes are found by it

    def write(self, change: Change) -> Outcome:
        """What becomes of one change."""
        try:
            return OPERATIONS.get(change.operation, Sheet.unknown)(self, change)
        except ValueError as error:
            return _refused(change, str(error))

    def create(self, change: Change) -> Outcome:
        """A new line. Its id is the key of the change: what is sent again is found there already."""
        crm_id = change.key or uuid4().hex
        if crm_id not in self.by_id:
            self.by_id[crm_id] = self._put([], {"Id": crm_id, **change.values})
            self.lines.append(self.by_id[crm_id])
        return Outcome(result=Result.DONE, crm_id=crm_id)

    def update(self, change: Change) -> Outcome:
        """Other texts where the change names them."""
        if self._gone(change):
            return Outcome(result=Result.GONE, code="gone", message=f"{change.object} {change.crm_id} was deleted.")
        self._put(self.by_id[str(change.crm_id)], change.values)
        return Outcome(result=Result.DONE, crm_id=change.crm_id)

    def delete(self, change: Change) -> Outcome:
        """The line stays, so that later reads tell that it is gone."""
        if not self._gone(change):
            if "Deleted" not in self.types:
                self.lines[0].append("Deleted")
                self.types["Deleted"] = Type.BOOLEAN
            self._put(self.by_id[str(change.crm_id)], {"Deleted": True})
        return Outcome(result=Result.DONE, crm_id=change.crm_id)

    def unknown(self, change: Change) -> Outcome:
        """What a folder of files has no idea of."""
        return _refused(change, f"a folder of CSV files knows no {change.operation}")

    def _at(self, name: str) -> int:
        return list(self.types).index(name)

    def _gone(self, change: Change) -> bool:
        return self.records.get(str(change.crm_id), {"Deleted": True}).get("Deleted") is True

    def _put(self, line: list[str], values: Mapping[str, Value]) -> list[str]:
        texts = {name: self._text(name, value) for name, value in values.items()}
        line += [""] * (len(self.types) - len(line))
        for name, text in {**texts, "ModifiedAt": self.now}.items():
            line[self._at(name)] = text
        return line

    def _text(self, name: str, value: Value) -> str:
        if name not in self.types:
            raise ValueError(f"there is no column {name}")
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        try:
            FROM_TEXT[self.types[name]](text)
        except ValueError as error:
            raise ValueError(f"{name} could not be read again, since it is {error}") from error
        return text


OPERATIONS: dict[Operation, Callable[[Sheet, Change], Outcome]] = {
    Operation.CREATE: Sheet.create,
    Operation.UPDATE: Sheet.update,
    Operation.DELETE: Sheet.delete,
}


def _refused(change: Change, why: str) -> Outcome:
    who = f"{change.object} {change.crm_id}" if change.crm_id else f"A new {change.object}"
    return Outcome(result=Result.REFUSED, code="refused", message=f"{who}: {why}.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time, in whatever process. Unlike a file of its own, the lock ends with the process."""
    with closing(sqlite3.connect(folder / ".lock", timeout=PATIENCE, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def _save(path: Path, lines: Sequence[Sequence[str]]) -> None:
    """Put a new file in place of the old one: whoever reads sees either of them, also after a crash."""
    with path.open("rb") as old:
        first = old.readline()
    encoding = "utf-8-sig" if first.startswith(codecs.BOM_UTF8) else "utf-8"
    new = path.with_name(f".{path.name}.new")
    with new.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, lineterminator="\r\n" if first.endswith(b"\r\n") else "\n").writerows(lines)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, new)
    new.replace(path)

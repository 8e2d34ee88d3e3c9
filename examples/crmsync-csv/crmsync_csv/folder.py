"""The session: a folder of CSV files, read anew for every question."""

from __future__ import annotations

import csv
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import crmsync
from crmsync import Condition, Identity, Skipped, Type, Usage, Value
from crmsync.clock import Clock
from crmsync.values import FROM_TEXT

FILES = {"Company": "companies.csv", "Person": "people.csv"}
TYPES = {"Id": Type.REFERENCE, "CompanyId": Type.REFERENCE, "ModifiedAt": Type.DATETIME, "Deleted": Type.BOOLEAN}
TESTS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

Record = dict[str, Value]


@dataclass
class Folder:
    """Where the files are."""

    path: Path
    page_size: int
    clock: Clock

    @property
    def identity(self) -> Identity:
        """The folder stands for the org."""
        return Identity(org=str(self.path), address=str(self.path))

    def usage(self) -> Usage:
        """Reading files costs no calls."""
        return Usage()

    def header(self, obj: str) -> dict[str, Type]:
        """The columns of an object's file with their types."""
        return types_of(next(self.lines(obj), []))

    def read(self, obj: str) -> tuple[dict[str, Record], list[Skipped]]:
        """Every record by id, and those that cannot be understood."""
        return understood(FILES[obj], list(self.lines(obj)))

    def lines(self, obj: str) -> Iterator[list[str]]:
        """The lines of an object's file, its header first."""
        path = self.path / FILES[obj]
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                yield from csv.reader(file)
        except OSError as error:
            raise crmsync.RouteStopped(f"{path} cannot be read: {error.strerror}.", hint="Put it there.") from error


def types_of(header: Sequence[str]) -> dict[str, Type]:
    """The columns of a header with their types."""
    return dict(_typed(column) for column in header)


def understood(file: str, lines: Sequence[list[str]]) -> tuple[dict[str, Record], list[Skipped]]:
    """The records of a file's lines by id, and those that cannot be understood."""
    types = types_of(lines[0] if lines else [])
    records: dict[str, Record] = {}
    refused = []
    for line in lines[1:]:
        texts = dict(zip(types, line, strict=False))
        try:
            record = _record(types, texts)
        except ValueError as error:
            refused.append(Skipped(texts.get("Id", ""), f"{file}: {error}", dict(texts)))
        else:
            records[str(record["Id"])] = record
    return records, refused


def _typed(column: str) -> tuple[str, Type]:
    name, _, kind = column.strip().partition(":")
    return name, Type(kind) if kind else TYPES.get(name, Type.TEXT)


def _record(types: dict[str, Type], texts: dict[str, str]) -> Record:
    record = {name: FROM_TEXT[types[name]](text) if text else None for name, text in texts.items()}
    if not (record.get("Id") and record.get("ModifiedAt")):
        raise ValueError("Id and ModifiedAt are needed")
    return record


def matches(record: Record, where: Sequence[Condition]) -> bool:
    """Whether a record passes every test."""
    return all(_passes(record.get(one.field), one) for one in where)


def _passes(value: Value, test: Condition) -> bool:
    if test.op == "in":
        return isinstance(test.value, tuple) and value in test.value
    if value is None or test.value is None:
        return test.op in ("=", "!=") and (value is test.value) is (test.op == "=")
    return bool(TESTS[test.op](value, test.value))

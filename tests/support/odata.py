"""A small OData 4 server that is no Dynamics: `$metadata` alone tells its tables, and what it does not know it ignores.

No log-in, no annotations, no change tracking, no versions; pages of a few rows with relative links. It lacks more where
a test says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
from aiohttp import web

from crmsync.clock import Clock
from support.service import Service

PAGE = 7
Row = dict[str, Any]
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[()]|[^\s()]+)")


class Table:
    """One entity set."""

    def __init__(self, name: str, type_: str, key: str, columns: dict[str, str]) -> None:
        self.name, self.type, self.key, self.columns = name, type_, key, columns
        self.rows: list[Row] = []

    def edmx(self) -> str:
        properties = "".join(f'<Property Name="{name}" Type="{kind}"/>' for name, kind in self.columns.items())
        key = f'<Key><PropertyRef Name="{self.key}"/></Key>'
        return f'<EntityType Name="{self.type}">{key}{properties}</EntityType>'


class PlainServer(Service):
    """Serves tables.

    Options that it `refuses` are answered with the status `refusal`, those that it `ignores` not heard, a path that it
    does not know with the status `unknown`; it `forgets` as many places of reads as are asked for first.
    """

    ROOT = "/odata/v4/crm"

    def __init__(
        self, tables: Sequence[Table], clock: Clock, *, refuses: Collection[str] = (), refusal: int = 500,
        ignores: Collection[str] = (), unknown: int = 404, forgets: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(clock)
        self.refuses, self.refusal, self.ignores, self.unknown = refuses, refusal, ignores, unknown
        self.forgets = forgets
        self.tables = {one.name: one for one in tables}

    async def answered(self, request: web.Request) -> web.Response:
        path = urlsplit(request.raw_path)
        name = path.path.removeprefix(self.ROOT).strip("/")
        given = dict(parse_qsl(path.query))
        if name == "$metadata":
            return web.Response(text=self._metadata(), content_type="application/xml")
        table = self.tables.get(name)
        if table is None:
            return _failure(self.unknown, "Not Found")
        if given.keys() & set(self.refuses):
            return _failure(self.refusal, "This is not implemented")
        if "$skiptoken" in given and self.forgets:
            self.forgets -= 1
            return _failure(410, "There is no such page any more")
        given = {key: value for key, value in given.items() if key not in self.ignores}
        try:
            return web.Response(body=msgspec.json.encode(_page(table, given)), content_type="application/json")
        except (KeyError, ValueError) as error:
            return _failure(400, str(error))

    def _metadata(self) -> str:
        types = "".join(one.edmx() for one in self.tables.values())
        sets = "".join(f'<EntitySet Name="{one.name}" EntityType="crm.{one.type}"/>' for one in self.tables.values())
        return (
            '<?xml version="1.0"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
            '<edmx:DataServices><Schema Namespace="crm" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
            f'{types}<EntityContainer Name="all">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
        )


def _failure(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": str(status), "message": message}}, status=status)


def _page(table: Table, given: dict[str, str]) -> Row:
    unknown = given.keys() - {"$select", "$filter", "$orderby", "$top", "$count", "$skiptoken"}
    if unknown:
        raise ValueError(f"unknown option {unknown.pop()}")
    rows = [row for row in table.rows if _test(given["$filter"])(row)] if "$filter" in given else list(table.rows)
    for part in reversed(given.get("$orderby", table.key).split(",")):
        name, _, way = part.strip().partition(" ")
        rows.sort(key=lambda row: (row[name] is not None, row[name]), reverse=way == "desc")
    start, many = int(given.get("$skiptoken", "0")), len(rows)
    shown = rows[start : start + PAGE]
    names = given["$select"].split(",") if "$select" in given else list(table.columns)
    body: Row = {"@odata.context": "$metadata", "value": [{name: row[name] for name in names} for row in shown]}
    if given.get("$count") == "true":
        body["@odata.count"] = many
    if start + PAGE < many:
        again = {**given, "$skiptoken": str(start + PAGE)}
        body["@odata.nextLink"] = f"{table.name}?" + "&".join(f"{key}={quote(one)}" for key, one in again.items())
    return body


def _test(text: str) -> Callable[[Row], bool]:
    tokens = iter([*(found[1] for found in _TOKEN.finditer(text)), ""])
    return _Filter(tokens).whole()


class _Filter:
    """`a eq 1 and (b ge 2020-01-01T00:00:00Z or c eq null)`, by descent."""

    def __init__(self, tokens: Iterator[str]) -> None:
        self._tokens = tokens
        self._now = next(tokens)

    def whole(self) -> Callable[[Row], bool]:
        found = self._either()
        if self._now:
            raise ValueError(f"{self._now} was not expected")
        return found

    def _take(self) -> str:
        taken, self._now = self._now, next(self._tokens, "")
        return taken

    def _either(self) -> Callable[[Row], bool]:
        tests = [self._both()]
        while self._now == "or":
            self._take()
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Callable[[Row], bool]:
        tests = [self._one()]
        while self._now == "and":
            self._take()
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Callable[[Row], bool]:
        if self._now == "(":
            self._take()
            found = self._either()
            self._take()
            return found
        name, operator, value = self._take(), self._take(), _value(self._take())
        return lambda row: _compared(row[name], operator, value)


def _value(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    known = {"null": None, "true": True, "false": False}
    return known[text] if text in known else int(text) if text.lstrip("-").isdigit() else text


def _compared(one: Any, operator: str, other: Any) -> bool:
    if operator in ("eq", "ne"):
        return (one == other) is (operator == "eq")
    if one is None or other is None:
        return False
    return bool({"lt": one < other, "le": one <= other, "gt": one > other, "ge": one >= other}[operator])

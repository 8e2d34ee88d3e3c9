"""From the vendor's JSON to canonical values, column by column, since that is what the speed needs.

A page that cannot be read as a whole is read again row by row, and only the rows at fault are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct, field

from crmsync import values
from crmsync.errors import RetryLater
from crmsync.model import Skipped, Type, Value
from crmsync_dynamics.tables import Column

REFERS = "@Microsoft.Dynamics.CRM.lookuplogicalname"
SHOWN = "@OData.Community.Display.V1.FormattedValue"
_LINK = b'"@odata.nextLink"'
_NEXT = re.compile(rb'(?<!\\)"@odata\.nextLink"\s*:\s*"((?:[^"\\]|\\.)*)"')
_ENDS = 65_536
_WORDS = frozenset({"String", "Memo", "Edm.String"})
SLICE = 500
"""Rows that are turned into columns at a time, and back: so many fit the processor's caches, which is twice as fast."""
_SECONDS = 20  # characters of 2026-05-04T10:30:15Z

Values = Sequence[Value]


class Decoded(Struct):
    """A page as columns in the order of the decoder's."""

    columns: list[Values]
    count: int
    gone: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    next: str | None = None
    delta: str | None = None
    total: int | None = None


def next_link(body: bytes) -> str | None:
    """The address of the next page, before anything is decoded: it stands in front of the records or behind them."""
    at = body.find(_LINK, max(0, len(body) - _ENDS))
    found = _NEXT.search(body, at - 1) if at > 0 else _NEXT.search(body, 0, _ENDS) if _LINK in body[:_ENDS] else None
    return msgspec.json.decode(b'"' + found[1] + b'"', type=str) if found else None


@lru_cache(maxsize=256)
def decoder(columns: tuple[Column, ...], *, tracked: bool = False) -> Decoder:
    """The decoder for these columns, made once: making one costs more than an idle read."""
    return Decoder(columns, tracked=tracked)


class Decoder:
    """Reads pages of exactly these columns; `tracked` ones also hold what was deleted."""

    def __init__(self, columns: Sequence[Column], *, tracked: bool = False) -> None:
        self.columns = tuple(columns)
        names: dict[str, Any] = {one.wire: _json_type(one) for one in self.columns if one.wire}
        names |= {one.wire + REFERS: str | None for one in self.columns if one.target}
        names |= {one.wire + SHOWN: str | None for one in self.columns if one.named}
        self._odd = False  # whether the page has characters that no text may have
        self._tracked = tracked and not names.keys() & {"id", "reason"}
        if self._tracked:
            names |= {"id": str | None, "reason": str | None}
        self._at = {wire: at for at, wire in enumerate(names)}
        rename = {f"c{at}": wire for at, wire in enumerate(names)}
        members = [(f"c{at}", kind, None) for at, kind in enumerate(names.values())]
        self._row: Any = msgspec.defstruct("Row", members, rename=rename, gc=False)
        self._page = msgspec.json.Decoder(_page_of(self._row))
        self._loose = msgspec.json.Decoder(_page_of(msgspec.Raw))

    def __call__(self, body: bytes) -> Decoded:
        """The page's columns. Raises RetryLater for a body that is no page."""
        self._odd = b"\\u0000" in body
        try:
            page = self._page.decode(body)
            return self._decoded(page, page.value, [])
        except (msgspec.MsgspecError, ValueError, OverflowError):
            return self._row_by_row(body)

    def _decoded(self, page: Any, rows: Sequence[Any], skipped: list[Skipped]) -> Decoded:
        gone: list[str] = []
        raw = self._taken_apart(rows)
        reasons = raw[self._at["reason"]] if self._tracked else ()
        if any(why is not None for why in reasons):
            gone = [str(one).lower() for one, why in zip(raw[self._at["id"]], reasons, strict=True) if why is not None]
            rows = [row for row, why in zip(rows, reasons, strict=True) if why is None]
            raw = self._taken_apart(rows)
        columns: list[Values] = [self._column(one, raw, len(rows)) for one in self.columns]
        if self._odd:
            columns = [
                [values.text(value) if type(value) is str else value for value in column] for column in columns
            ]  # fmt: skip
        return Decoded(columns, len(rows), gone, skipped, page.next, page.delta, page.total)

    def _taken_apart(self, rows: Sequence[Any]) -> list[list[Any]]:
        columns: list[list[Any]] = [[] for _ in self._at]
        for start in range(0, len(rows), SLICE):
            some = map(msgspec.structs.astuple, rows[start : start + SLICE])
            for column, part in zip(columns, zip(*some, strict=True), strict=True):
                column.extend(part)
        return columns

    def _column(self, one: Column, raw: Sequence[Sequence[Any]], count: int) -> Values:
        if not count:
            return ()
        if not one.wire:
            return [None] * count
        found = raw[self._at[one.wire]]
        if one.named:
            return [None if text is None else values.text(text) for text in raw[self._at[one.wire + SHOWN]]]
        if one.target:
            refers = raw[self._at[one.wire + REFERS]]
            return [value if to == one.target else None for value, to in zip(found, refers, strict=True)]
        return converted(found, one)

    def _row_by_row(self, body: bytes) -> Decoded:
        try:
            page = self._loose.decode(body)
        except msgspec.MsgspecError as error:
            said = "The server's answer to a query is no page of records; it may have been cut on its way."
            raise RetryLater(said, code="not_json") from error
        good, skipped = [], []
        for raw in page.value:
            try:
                row = msgspec.json.decode(raw, type=self._row)
                self._decoded(page, [row], [])
                good.append(row)
            except (msgspec.MsgspecError, ValueError, OverflowError) as error:
                skipped.append(self._skipped(raw, f"cannot be read: {error}"))
        return self._decoded(page, good, skipped)

    def _skipped(self, raw: msgspec.Raw, reason: str) -> Skipped:
        try:
            row = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.MsgspecError:
            row = {}
        shown = {key: _show(value) for key, value in row.items() if "@" not in key}
        return Skipped(str(row.get(self.columns[0].wire) or ""), reason, shown)


def _page_of(row: Any) -> Any:
    members: list[tuple[str, Any, Any] | tuple[str, Any]] = [
        ("value", list[row]),
        ("next", str | None, None),
        ("delta", str | None, None),
        ("total", int | None, None),
    ]
    rename = {"next": "@odata.nextLink", "delta": "@odata.deltaLink", "total": "@odata.count"}
    return msgspec.defstruct("Page", members, rename=rename)


def _json_type(one: Column) -> Any:
    kind = one.field.type
    if kind is Type.BOOLEAN:
        return bool | None
    if kind is Type.INTEGER:
        return int | float | str | None  # large ones are texts where a server is careful
    if kind is Type.DECIMAL:
        return msgspec.Raw
    if kind in (Type.DATE, Type.DATETIME, Type.TIME, Type.MULTI):
        return str | None
    if kind is Type.TEXT and one.field.native in _WORDS:
        return str | None
    return str | int | None  # choices, versions and some servers' ids are numbers


def converted(found: Sequence[Any], one: Column) -> Values:
    """A column's values in canonical form. Raises ValueError."""
    kind = one.field.type
    if one.options and kind is Type.TEXT:
        return [None if value is None else one.options.get(value, str(value)) for value in found]
    if kind is Type.TEXT and one.field.native in _WORDS:
        return [value or None for value in found] if "" in found else found
    if kind is Type.BOOLEAN:
        return [None if value is None else not value for value in found] if one.negated else found
    return _CONVERT[kind](found, one.options)


def _texts(found: Sequence[Any], _: Mapping[int, str]) -> Values:
    return [None if value is None else str(value) or None for value in found]


def _references(found: Sequence[Any], _: Mapping[int, str]) -> Values:
    return [value if type(value) is str or value is None else str(value) for value in found]


def _whole(found: Sequence[Any], _: Mapping[int, str]) -> Values:
    return [value if value is None or type(value) is int else values.integer(str(value)) for value in found]


def _decimals(found: Sequence[Any], _: Mapping[int, str]) -> Values:
    texts = [None if value is None else bytes(value).decode().strip('"') for value in found]
    return [None if text is None or text == "null" else values.decimal(text) for text in texts]


def _stamps(found: Sequence[Any], _: Mapping[int, str]) -> Values:
    """Moments; the vendor's usual form in place, since a call a value is what costs here."""
    return [
        value
        if value is None
        else f"{value[:19]}.000Z"
        if len(value) == _SECONDS and value[19] == "Z" and value[10] == "T"
        else values.moment(value)
        for value in found
    ]


def _moments(kind: Type) -> Callable[[Sequence[Any], Mapping[int, str]], Values]:
    return lambda found, _: values.column_from_json(found, kind)


def _several(found: Sequence[Any], options: Mapping[int, str]) -> Values:
    return [None if not value else chosen(value, options) for value in found]


def chosen(text: str, options: Mapping[int, str]) -> Value:
    """The labels of several choices, from "1,9"."""
    parts = [one.strip() for one in text.split(",") if one.strip()]
    known = [options.get(int(one), one) if one.lstrip("-").isdigit() else one for one in parts]
    return values.multi(";".join(known))


_CONVERT: dict[Type, Callable[[Sequence[Any], Mapping[int, str]], Values]] = {
    Type.TEXT: _texts, Type.REFERENCE: _references, Type.INTEGER: _whole, Type.DECIMAL: _decimals,
    Type.DATE: _moments(Type.DATE), Type.DATETIME: _stamps, Type.TIME: _moments(Type.TIME),
    Type.MULTI: _several,
}  # fmt: skip


def _show(value: Any) -> Value:
    return value if value is None or isinstance(value, bool) else str(value).encode("utf-8", "replace").decode()

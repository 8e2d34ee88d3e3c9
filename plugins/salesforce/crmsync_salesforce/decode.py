"""From the vendor's JSON and CSV to canonical values, column by column, since that is what the speed needs.

A page that cannot be read as a whole is read again row by row, and only the rows at fault are refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import msgspec

from crmsync import values
from crmsync.errors import RetryLater
from crmsync.model import Field, Skipped, Type, Value
from crmsync_salesforce.errors import Fault, Faulty
from crmsync_salesforce.query import SHORT_ID, whole_id

csv.field_size_limit(2**31 - 1)

Column = Sequence[Value]
_NEXT = re.compile(rb'"nextRecordsUrl"\s*:\s*"([^"\\]+)"')
_HEAD = 400
PART = 2_000
_STRINGS = frozenset({Type.TEXT, Type.REFERENCE, Type.DATE, Type.DATETIME, Type.TIME, Type.MULTI})
_AS_THEY_COME = frozenset({Type.BOOLEAN})


@dataclass(slots=True)
class Decoded:
    """A page as columns in the order of the decoder's fields."""

    columns: list[Column]
    count: int
    skipped: list[Skipped] = field(default_factory=list)
    done: bool = True
    next: str | None = None
    total: int | None = None


@lru_cache(maxsize=512)
def json_decoder(fields: tuple[Field, ...]) -> JsonDecoder:
    """The decoder for these fields, made once: making one costs more than an idle read."""
    return JsonDecoder(fields)


def next_address(body: bytes) -> str | None:
    """The address of the next page, which stands in front of the records, before anything is decoded."""
    found = _NEXT.search(body, 0, _HEAD)
    return found[1].decode() if found else None


class JsonDecoder:
    """Reads query pages with exactly these fields. Made once a read; the struct behind it is made from the fields."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        names = [f"c{at}" for at in range(len(self.fields))]
        rename = dict(zip(names, (one.name for one in self.fields), strict=True))
        members = [(key, _json_type(one), None) for key, one in zip(names, self.fields, strict=True)]
        row: Any = msgspec.defstruct("Row", members, rename=rename, gc=False)
        self._rows = msgspec.json.Decoder(_page_of(row))
        self._raw = msgspec.json.Decoder(_page_of(dict[str, msgspec.Raw]))
        self._convert = [at for at, one in enumerate(self.fields) if one.type not in _AS_THEY_COME]
        self._texts = [at for at, one in enumerate(self.fields) if one.type in (Type.TEXT, Type.REFERENCE)]
        self._ids = [at for at, one in enumerate(self.fields) if one.type is Type.REFERENCE]

    def __call__(self, body: bytes) -> Decoded:
        """The page's columns. Raises RetryLater for a body that is no query page."""
        try:
            page = self._rows.decode(body)
            columns = self._columns(page.records, body)
        except (msgspec.MsgspecError, ValueError, OverflowError):
            return self._row_by_row(body)
        return Decoded(columns, len(page.records), [], page.done, page.nextRecordsUrl, page.totalSize)

    def _columns(self, records: Sequence[Any], body: bytes) -> list[Column]:
        columns: list[Any] = list(zip(*map(msgspec.structs.astuple, records), strict=True)) or [()] * len(self.fields)
        for at in self._convert:
            type_ = self.fields[at].type
            if type_ in _STRINGS:
                if type_ is not Type.TEXT and type_ is not Type.REFERENCE:
                    columns[at] = values.column_from_json(columns[at], type_)
            elif type_ is Type.INTEGER:
                columns[at] = [_whole(value) for value in columns[at]]
            else:
                columns[at] = [
                    value
                    if value is None or type(value) is int
                    else int(value)
                    if type(value) is float and value.is_integer()
                    else _decimal(value)
                    for value in columns[at]
                ]
        nul = b"\\" in body and b"\\u0000" in body  # one character is found ten times as fast as six
        for at in self._texts:
            if nul or "" in columns[at]:
                columns[at] = [None if value is None else values.text(value) for value in columns[at]]
        for at in self._ids:
            columns[at] = _whole_ids(columns[at])
        return columns

    def _row_by_row(self, body: bytes) -> Decoded:
        try:
            page = self._raw.decode(body)
            records: list[dict[str, Any]] = [{k: _unraw(v) for k, v in one.items()} for one in page.records]
            head = (page.done, page.nextRecordsUrl, page.totalSize)
        except msgspec.MsgspecError:
            records, head = _by_hand(body)
        rows, skipped = [], []
        for record in records:
            try:
                rows.append(tuple(_one(record.get(f.name), f) for f in self.fields))
            except (ValueError, OverflowError) as error:
                skipped.append(_skipped(record, f"cannot be read: {error}"))
        columns: list[Column] = list(zip(*rows, strict=True)) or [()] * len(self.fields)
        return Decoded(columns, len(rows), skipped, *head)


def _whole_ids(column: Column) -> Column:
    """A column of ids in their long form; a server that gives the short one gives nothing else."""
    first = next((value for value in column if value is not None), "")
    if len(str(first)) != SHORT_ID:
        return column
    return [None if value is None else whole_id(str(value)) for value in column]


def _json_type(one: Field) -> Any:
    if one.type is Type.BOOLEAN:
        return bool | None
    if one.type is Type.INTEGER:
        return int | float | None
    if one.type is Type.DECIMAL:
        return int | float | None if 0 < one.digits <= values.DIGITS else msgspec.Raw
    return str | None


def _page_of(row: Any) -> Any:
    members: list[tuple[str, Any, Any] | tuple[str, Any]] = [
        ("records", list[row]),
        ("done", bool),
        ("nextRecordsUrl", str | None, None),
        ("totalSize", int | None, None),
    ]
    return msgspec.defstruct("Page", members)


def _whole(value: float | None) -> int | None:
    if value is None or type(value) is int:
        return value
    if value != int(value):
        raise ValueError(f"not a whole number: {value!r}")
    return int(value)


def _decimal(value: Any) -> Value:
    if value is None or type(value) is int:
        return value
    if type(value) is float:
        return int(value) if value.is_integer() else value
    text = bytes(value)
    return None if text == b"null" else values.decimal(text.decode().strip('"'))


def _unraw(raw: msgspec.Raw) -> Any:
    text = bytes(raw)
    if text[:1] in b"-0123456789":
        return Decimal(text.decode())
    return msgspec.json.decode(text)


def _by_hand(body: bytes) -> tuple[list[dict[str, Any]], tuple[bool, str | None, int | None]]:
    """What the strict decoder refuses, half of a character for example, the lenient one may still read."""
    try:
        page = json.loads(body.decode("utf-8", "surrogateescape"), parse_float=Decimal, parse_int=Decimal)
        records, done = list(page["records"]), bool(page["done"])
    except (ValueError, KeyError, TypeError) as error:
        said = "The server's answer to a query is no page of records; it may have been cut on its way."
        raise RetryLater(said, code="not_json") from error
    total = page.get("totalSize")
    return records, (done, page.get("nextRecordsUrl"), int(total) if total is not None else None)


def _one(value: Any, one: Field) -> Value:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return values.FROM_TEXT[one.type](str(value))
    if isinstance(value, str):
        value.encode()
        if one.type is Type.REFERENCE:
            value = whole_id(value)
        return values.FROM_TEXT[one.type](value)
    if isinstance(value, dict | list) and one.type is Type.TEXT:
        return json.dumps(value, ensure_ascii=False, default=str)
    return values.from_json(value, one.type)


def _skipped(record: dict[str, Any], reason: str) -> Skipped:
    shown = {key: _show(value) for key, value in record.items() if key != "attributes"}
    return Skipped(str(record.get("Id") or ""), reason, shown)


def _show(value: Any) -> Value:
    return value if value is None or isinstance(value, bool) else str(value).encode("utf-8", "replace").decode()


class CsvDecoder:
    """Reads bulk result pages; columns are found by the header, whatever their order."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.header: list[str] | None = None

    def __call__(self, body: bytes) -> Decoded:
        """The whole page at once. Raises as `parts` does."""
        found = list(self.parts(body))
        columns: list[Column] = [list(chain(*same)) for same in zip(*(one.columns for one in found), strict=True)]
        return Decoded(columns, sum(one.count for one in found), [bad for one in found for bad in one.skipped])

    def parts(self, body: bytes) -> Iterator[Decoded]:
        """The page in parts of at most 2,000 rows, at least one. Raises Faulty BULK_COLUMNS for a missing column."""
        if b"\0" in body:
            body = body.replace(b"\0", b"")
        try:
            text, broken = body.decode("utf-8-sig"), False
        except UnicodeDecodeError:
            text, broken = body.decode("utf-8-sig", "surrogateescape"), True
        parts = _parts(text)
        header, rows = self._headed(next(parts, []))
        yield self._table(header, rows, broken=broken)
        for part in parts:
            yield self._table(header, part, broken=broken)

    def _headed(self, rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
        if not rows or rows[0] == ["No records found for this query"]:
            return [], []
        lower = [cell.lower() for cell in rows[0]]
        if self.header is not None and lower != self.header and "id" not in lower:
            return self.header, rows  # a page without a header of its own
        self.header = lower
        return lower, rows[1:]

    def _table(self, header: list[str], rows: list[list[str]], *, broken: bool) -> Decoded:
        at = {name: place for place, name in enumerate(header)}
        missing = [one.name for one in self.fields if one.name.lower() not in at]
        if missing and header:
            raise Faulty(Fault("BULK_COLUMNS", f"bulk results lack {', '.join(missing[:10])}"))
        if not rows:
            return Decoded([()] * len(self.fields), 0)
        places = [at[one.name.lower()] for one in self.fields]
        if broken or len(rows[0]) != len(header):
            return self._row_by_row(header, rows, places)
        try:
            raw = list(zip(*rows, strict=True))
            columns = [values.column_from_text(raw[n], f.type) for n, f in zip(places, self.fields, strict=True)]
            for place, one in enumerate(self.fields):
                if one.type is Type.REFERENCE:
                    columns[place] = _whole_ids(columns[place])
            return Decoded(columns, len(rows))
        except (ValueError, OverflowError):
            return self._row_by_row(header, rows, places)

    def _row_by_row(self, header: list[str], rows: list[list[str]], places: list[int]) -> Decoded:
        good, skipped = [], []
        for row in rows:
            if not row:
                continue
            try:
                if len(row) != len(header):
                    raise ValueError(f"{len(row)} cells under {len(header)} columns")  # noqa: TRY301 - both are caught
                good.append(tuple(_one(row[n] or None, f) for n, f in zip(places, self.fields, strict=True)))
            except (ValueError, OverflowError) as error:
                record = dict(zip(header, row, strict=False))
                record["Id"] = record.get("id", "")
                skipped.append(_skipped(record, f"cannot be read: {error}"))
        columns: list[Column] = list(zip(*good, strict=True)) or [()] * len(self.fields)
        return Decoded(columns, len(good), skipped)


def _parts(text: str) -> Iterator[list[list[str]]]:
    """The rows of a CSV, some thousand at a time: what fits the processor's caches is read twice as fast."""
    if text.startswith('"') and text.endswith('"\n'):
        lines = text[1:-2].split('"\n"')
        width = lines[0].count('","') + 1
        for start in range(0, len(lines), PART):
            rows = _split(lines[start : start + PART], width)
            if rows is None:
                text = '"' + '"\n"'.join(lines[start:]) + '"\n'
                break
            yield rows
        else:
            return
    reader = csv.reader(io.StringIO(text, newline=""))
    while rows := list(islice(reader, PART)):
        yield rows


def _split(lines: list[str], width: int) -> list[list[str]] | None:
    """The cells of lines in which every cell stands in quotes and holds none, as nearly all of the vendor's do.

    A row of so many cells with just the quotes between them holds no other one, so nothing was split that belongs
    together: what comes before the first line that is otherwise has been read as any reader of CSV would.
    """
    rows = [line.split('","') for line in lines]
    if any(len(row) != width for row in rows):
        return None
    return rows if sum(line.count('"') for line in lines) == 2 * (width - 1) * len(lines) else None

"""From the vendor's JSON and CSV to canonical values, column by column, since that is what the speed needs.

A page that cannot be read as a whole is read again row by row, and only the rows at fault are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from crmsync import values
from crmsync.errors import RetryLater
from crmsync.model import Field, Row, Skipped, Type, Value
from crmsync_salesforce.cells import Part, parts_of
from crmsync_salesforce.errors import Fault, Faulty
from crmsync_salesforce.query import SHORT_ID, whole_id

Column = Sequence[Value]
_NEXT = re.compile(rb'"nextRecordsUrl"\s*:\s*"([^"\\]+)"')
_HEAD = 400
_TEXTS = frozenset({Type.TEXT, Type.REFERENCE})
_FILLED = Annotated[str, msgspec.Meta(min_length=1)]
"""What nearly every text of a page is, told by the decoder in passing; a page with an empty one is decoded anew."""


@dataclass(slots=True)
class Decoded:
    """A page as rows, whose values are in the order of the decoder's fields."""

    rows: list[Row]
    skipped: list[Skipped] = field(default_factory=list)
    done: bool = True
    next: str | None = None
    total: int | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def column(self, at: int) -> list[Value]:
        """The values at one place of every row."""
        return [row[at] for row in self.rows]


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
        self._rows = msgspec.json.Decoder(_page_of(_row_of(self.fields, _FILLED)))
        self._any_rows = msgspec.json.Decoder(_page_of(_row_of(self.fields, str)))
        self._raw = msgspec.json.Decoder(_page_of(dict[str, msgspec.Raw]))
        looked_at = [(f"c{at}", one.type) for at, one in enumerate(self.fields) if one.type is not Type.BOOLEAN]
        self._columns = [(name, type_) for name, type_ in looked_at if type_ is not Type.TEXT]
        self._columns_and_texts = looked_at

    def __call__(self, body: bytes) -> Decoded:
        """The page's columns. Raises RetryLater for a body that is no query page."""
        nul = b"\\" in body and b"\\u0000" in body  # one character is found ten times as fast as six
        if not nul:
            with suppress(msgspec.MsgspecError, ValueError, OverflowError):
                return self._whole(self._rows.decode(body))
        try:
            return self._whole(self._any_rows.decode(body), clean=True)
        except (msgspec.MsgspecError, ValueError, OverflowError):
            return self._row_by_row(body)

    def _whole(self, page: Any, *, clean: bool = False) -> Decoded:
        """The page at once, its columns converted in place; `clean` where texts may be empty or hold a NUL."""
        records = page.records
        for name, type_ in self._columns_and_texts if clean else self._columns:
            column = list(map(attrgetter(name), records))
            converted = _converted(column, type_, clean=clean)
            if converted is not column:
                for record, value in zip(records, converted, strict=True):
                    setattr(record, name, value)
        rows = list(map(msgspec.structs.astuple, records))
        return Decoded(rows, [], page.done, page.nextRecordsUrl, page.totalSize)

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
        return Decoded(rows, skipped, *head)


def _converted(column: list[Any], type_: Type, *, clean: bool) -> Column:
    if type_ in _TEXTS:
        texts = [None if value is None else values.text(value) for value in column] if clean else column
        return _whole_ids(texts) if type_ is Type.REFERENCE else texts
    if type_ is Type.INTEGER:
        return [_whole(value) for value in column]
    if type_ is not Type.DECIMAL:
        return values.column_from_json(column, type_)
    kinds = set(map(type, column))
    if kinds <= {int, type(None)}:
        return column
    if kinds <= {int, float, type(None)}:  # equal numbers are one number, whole or not
        known = {value: _decimal(value) for value in set(column)}
        return list(map(known.__getitem__, column))
    return [_decimal(value) for value in column]


def _whole_ids(column: Column) -> Column:
    """A column of ids in their long form; a server that gives the short one gives nothing else."""
    first = next((value for value in column if value is not None), "")
    if len(str(first)) != SHORT_ID:
        return column
    return [None if value is None else whole_id(str(value)) for value in column]


def _row_of(fields: Sequence[Field], text: Any) -> Any:
    """A struct with these fields, whose texts are of the type `text`."""
    members = [(f"c{at}", _json_type(one, text), None) for at, one in enumerate(fields)]
    rename = {f"c{at}": one.name for at, one in enumerate(fields)}
    return msgspec.defstruct("Row", members, rename=rename, gc=False)


def _json_type(one: Field, text: Any) -> Any:
    if one.type is Type.BOOLEAN:
        return bool | None
    if one.type is Type.INTEGER:
        return int | float | None
    if one.type is Type.DECIMAL:
        return int | float | None if 0 < one.digits <= values.DIGITS else msgspec.Raw
    return text | None


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
        return Decoded([row for one in found for row in one.rows], [bad for one in found for bad in one.skipped])

    def parts(self, body: bytes) -> Iterator[Decoded]:
        """The page in parts of at most 2,000 rows, at least one. Raises Faulty BULK_COLUMNS for a missing column."""
        if b"\0" in body:
            body = body.replace(b"\0", b"")
        try:
            text, broken = body.decode("utf-8-sig"), False
        except UnicodeDecodeError:
            text, broken = body.decode("utf-8-sig", "surrogateescape"), True
        parts = parts_of(text)
        header, rest = self._headed(next(parts, Part()))
        yield self._table(header, rest, broken=broken)
        for part in parts:
            yield self._table(header, part, broken=broken)

    def _headed(self, part: Part) -> tuple[list[str], Part]:
        first = part.first()
        if not first or first == ["No records found for this query"]:
            return [], Part()
        lower = [cell.lower() for cell in first]
        if self.header is not None and lower != self.header and "id" not in lower:
            return self.header, part  # a page without a header of its own
        self.header = lower
        return lower, part.behind_first()

    def _table(self, header: list[str], part: Part, *, broken: bool) -> Decoded:
        at = {name: place for place, name in enumerate(header)}
        missing = [one.name for one in self.fields if one.name.lower() not in at]
        if missing and header:
            raise Faulty(Fault("BULK_COLUMNS", f"bulk results lack {', '.join(missing[:10])}"))
        if not part.first():
            return Decoded([])
        places = [at[one.name.lower()] for one in self.fields]
        if broken or len(part.columns) != len(header):
            return self._row_by_row(header, part.rows(), places)
        try:
            columns = [
                values.column_from_text(part.columns[n], f.type) for n, f in zip(places, self.fields, strict=True)
            ]
        except (ValueError, OverflowError):
            return self._row_by_row(header, part.rows(), places)
        for place, one in enumerate(self.fields):
            if one.type is Type.REFERENCE:
                columns[place] = _whole_ids(columns[place])
        return Decoded(list(zip(*columns, strict=True)))

    def _row_by_row(self, header: list[str], rows: Sequence[Sequence[str]], places: list[int]) -> Decoded:
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
        return Decoded(good, skipped)

"""From the vendor's CSV to canonical values, column by column; rows at fault alone are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crmsync import values
from crmsync.model import Field, Type
from crmsync_salesforce.cells import Part, parts_of
from crmsync_salesforce.decoded import Decoded, one_of, refused, whole_ids
from crmsync_salesforce.errors import Fault, Faulty


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
                columns[place] = whole_ids(columns[place])
        return Decoded(list(zip(*columns, strict=True)))

    def _row_by_row(self, header: list[str], rows: Sequence[Sequence[str]], places: list[int]) -> Decoded:
        good, skipped = [], []
        for row in rows:
            if not row:
                continue
            try:
                if len(row) != len(header):
                    raise ValueError(f"{len(row)} cells under {len(header)} columns")  # noqa: TRY301 - both are caught
                good.append(tuple(one_of(row[n] or None, f) for n, f in zip(places, self.fields, strict=True)))
            except (ValueError, OverflowError) as error:
                record = dict(zip(header, row, strict=False))
                record["Id"] = record.get("id", "")
                skipped.append(refused(record, f"cannot be read: {error}"))
        return Decoded(good, skipped)

"""Bulk results: read in parts, by the quick way where it is safe, and gone on with in the middle of a page."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.model import Field, Type
from crmsync_salesforce import cells as csv_cells
from crmsync_salesforce.bulk import _behind
from crmsync_salesforce.decode_csv import CsvDecoder
from crmsync_salesforce.decoded import Decoded

FIELDS = (Field(name="Id", type=Type.REFERENCE), Field(name="Name"), Field(name="Notes"))
cells = st.text(st.sampled_from('ab,"\n;é '), max_size=8)
rows = st.lists(st.tuples(st.just("003"), cells, cells), max_size=12)


def written(table: list[tuple[str, str, str]], quoting: int) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow([one.name for one in FIELDS])
    writer.writerows(table)
    return out.getvalue().encode()


def read(body: bytes) -> list[tuple[object, ...]]:
    return [row for part in CsvDecoder(FIELDS).parts(body) for row in part.rows]


@given(rows, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.integers(1, 5))
def test_parts_hold_what_any_reader_of_csv_finds(table: list[tuple[str, str, str]], quoting: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_cells, "PART", size)
        assert read(written(table, quoting)) == [tuple(cell or None for cell in row) for row in table]


def test_a_column_at_another_place_and_a_byte_order_mark() -> None:
    body = "\ufeff".encode() + b'"Notes","Id","Name"\n"n","003","Ann"\n'
    assert read(body) == [("003", "Ann", "n")]


def parts(*counts: int) -> Iterator[Decoded]:
    return iter([Decoded([(at,) for at in range(count)]) for count in counts])


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (0, [(2, 2, False), (2, 4, False), (1, 5, True)]),
        (2, [(2, 4, False), (1, 5, True)]),
        (4, [(1, 5, True)]),
        (5, [(0, 5, True)]),
    ],
)
def test_a_page_is_gone_on_with_behind_the_parts_that_were_read(within: int, expected: list[object]) -> None:
    assert [(found.count, done, last) for found, done, last in _behind(parts(2, 2, 1), within)] == expected

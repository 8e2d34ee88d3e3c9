"""Decoding: the same values from JSON and from CSV, type by type, and one bad row costs only itself."""

import json
from collections.abc import Sequence

import pytest

from crmsync.errors import RetryLater
from crmsync.model import Field, Type
from crmsync_salesforce.decode import JsonDecoder, next_address
from crmsync_salesforce.decode_csv import CsvDecoder
from crmsync_salesforce.decoded import Decoded
from crmsync_salesforce.errors import Faulty

WIDE, PLACE, FAR = "1234567890123456.78", "37.774929000000001", "4000-12-31T23:59:59.000"

KINDS: list[tuple[Field, str, str, object]] = [
    (Field(name="Text"), '"Łódź, \\"x\\"\\r\\nnew line"', '"Łódź, ""x""\r\nnew line"', 'Łódź, "x"\r\nnew line'),
    (Field(name="Emoji"), '"🎉"', '"🎉"', "🎉"),
    (Field(name="Ref", type=Type.REFERENCE), '"003000000000001AAA"', '"003000000000001AAA"', "003000000000001AAA"),
    (Field(name="Int", type=Type.INTEGER), "7", '"7"', 7),
    (Field(name="Int2", type=Type.INTEGER), "1000.0", '"1000.0"', 1000),
    (Field(name="Small", type=Type.DECIMAL, digits=10, scale=2), "12.50", '"12.5"', 12.5),
    (Field(name="Whole", type=Type.DECIMAL, digits=10), "1.0E7", '"1.0E7"', 10_000_000),
    (Field(name="Wide", type=Type.DECIMAL, digits=18, scale=2), WIDE, f'"{WIDE}"', WIDE),
    (Field(name="Latitude", type=Type.DECIMAL, digits=18, scale=15), PLACE, f'"{PLACE}"', PLACE),
    (Field(name="Fits", type=Type.DECIMAL, digits=18, scale=2), "1500000.25", '"1500000.25"', 1500000.25),
    (Field(name="Yes", type=Type.BOOLEAN), "true", '"true"', True),
    (Field(name="No", type=Type.BOOLEAN), "false", '"false"', False),
    (Field(name="Old", type=Type.DATE), '"1700-01-01"', '"1700-01-01"', "1700-01-01"),
    (Field(name="Far", type=Type.DATETIME), f'"{FAR}+0000"', f'"{FAR}Z"', f"{FAR}Z"),
    (Field(name="Clock", type=Type.TIME), '"13:30:00.000Z"', '"13:30:00.000Z"', "13:30:00.000"),
    (Field(name="Chosen", type=Type.MULTI), '"B;A"', '"B;A"', "A;B"),
    (Field(name="Nothing"), "null", '""', None),
    (Field(name="NoNumber", type=Type.DECIMAL), "null", '""', None),
    (Field(name="NoTime", type=Type.DATETIME), "null", '""', None),
]  # fmt: skip
"""Field, its JSON, its CSV cell, its canonical value."""

ID = Field(name="Id", type=Type.REFERENCE)


def page(records: Sequence[str], **more: object) -> bytes:
    head = json.dumps({"totalSize": len(records), "done": True, **more})[:-1]
    return f'{head}, "records": [{",".join(records)}]}}'.encode()


def rows(found: Decoded) -> list[tuple[object, ...]]:
    return list(found.rows)


@pytest.mark.parametrize(("field", "as_json", "as_csv", "value"), KINDS, ids=[kind[0].name for kind in KINDS])
def test_one_value_from_both(field: Field, as_json: str, as_csv: str, value: object) -> None:
    """Row 50 of the sheet: JSON and CSV come to one canonical value of one type."""
    body = page([f'{{"attributes":{{"type":"X"}},"{field.name}":{as_json}}}'])
    ((from_json,),) = rows(JsonDecoder([field])(body))
    ((from_csv,),) = rows(CsvDecoder([field])(f'"{field.name}"\n{as_csv}\n'.encode()))
    assert (from_json, type(from_json)) == (from_csv, type(from_csv)) == (value, type(value))


def test_every_digit_survives_a_bad_neighbour() -> None:
    """When a page is read row by row because one value is odd, wide numbers keep their digits all the same."""
    fields = [ID, Field(name="N", type=Type.DECIMAL, digits=18), Field(name="B", type=Type.BOOLEAN)]
    body = page(['{"Id":"1","N":1234567890123456.78,"B":true}', '{"Id":"2","N":1,"B":"perhaps"}'])
    found = JsonDecoder(fields)(body)
    assert rows(found) == [("1", "1234567890123456.78", True)]
    assert [one.id for one in found.skipped] == ["2"]
    assert "perhaps" in found.skipped[0].reason


def test_half_a_character() -> None:
    """A row with half a character is refused by name; its neighbours are read."""
    found = JsonDecoder([ID, Field(name="T")])(page(['{"Id":"1","T":"\\ud83d"}', '{"Id":"2","T":"fine"}']))
    assert rows(found) == [("2", "fine")]
    assert [one.id for one in found.skipped] == ["1"]


def test_nul_in_json() -> None:
    """NUL characters are dropped, and an empty text is null, from JSON too."""
    found = JsonDecoder([ID, Field(name="T")])(page(['{"Id":"1","T":"a\\u0000b"}', '{"Id":"2","T":""}']))
    assert rows(found) == [("1", "ab"), ("2", None)]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"records": 7, "done": true}', b'{"done": true}'])
def test_what_is_no_page(body: bytes) -> None:
    """A body that is no page of records is never taken for an empty one."""
    with pytest.raises(RetryLater):
        JsonDecoder([ID])(body)


def test_the_next_address_stands_in_front() -> None:
    """The next page can be asked for before this one is decoded."""
    body = page([], nextRecordsUrl="/services/data/v62.0/query/0r8x-2000", done=False)
    assert next_address(body) == "/services/data/v62.0/query/0r8x-2000"
    assert next_address(page([])) is None


def test_csv_with_everything_in_it() -> None:
    """Rows 15, 16, 18 and 19 of the sheet: byte order mark, NUL, line breaks, quotes, huge cells, UTF-8."""
    huge = "x" * 200_000
    body = b"\xef\xbb\xbf" + f'"Id","T"\n"1","a\r\nb ""c"", ö"\n"2","n\0ul"\n"3","{huge}"\n'.encode()
    found = CsvDecoder([ID, Field(name="T")])(body)
    assert rows(found) == [("1", 'a\r\nb "c", ö'), ("2", "nul"), ("3", huge)]


def test_columns_in_any_order() -> None:
    """Columns are found by the header, in any order and case; one too many does no harm."""
    found = CsvDecoder([ID, Field(name="A"), Field(name="B")])(b'"B","extra","id","a"\n"b","x","1","a"\n')
    assert rows(found) == [("1", "a", "b")]


def test_a_missing_column_is_not_null() -> None:
    """A column that is not in the results is no column of nulls."""
    with pytest.raises(Faulty, match="lack B"):
        CsvDecoder([ID, Field(name="B")])(b'"Id"\n"1"\n')


def test_pages_without_a_header() -> None:
    """A further page that repeats no header is read under the first one's."""
    decoder = CsvDecoder([ID, Field(name="T")])
    assert rows(decoder(b'"T","Id"\n"a","1"\n')) == [("1", "a")]
    assert rows(decoder(b'"b","2"\n"c","3"\n')) == [("2", "b"), ("3", "c")]


@pytest.mark.parametrize("body", [b"", b'"Id","T"\n', b"No records found for this query"])
def test_no_rows(body: bytes) -> None:
    """No rows come in several spellings."""
    assert CsvDecoder([ID, Field(name="T")])(body).count == 0


def test_bad_csv_rows() -> None:
    """A row with a wrong value, a wrong number of cells or broken bytes is refused alone."""
    body = b'"Id","D"\n"1","2026-01-01"\n"2","soon"\n"3"\n"4","2026-01-02"\n'
    found = CsvDecoder([ID, Field(name="D", type=Type.DATE)])(body)
    assert rows(found) == [("1", "2026-01-01"), ("4", "2026-01-02")]
    assert [one.id for one in found.skipped] == ["2", "3"]
    broken = CsvDecoder([ID, Field(name="T")])(b'"Id","T"\n"1","\xff\xfe"\n"2","fine"\n')
    assert rows(broken) == [("2", "fine")]
    assert [one.id for one in broken.skipped] == ["1"]

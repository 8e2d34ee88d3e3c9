"""Canonical forms: one spelling for each value, however it came."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync import values
from crmsync.model import Type


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("2026-01-01T00:00:00.000+0000", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
        ("2026-01-01T02:00:00.5+02:00", "2026-01-01T00:00:00.500Z"),
        ("2026-01-01 10:00", "2026-01-01T10:00:00.000Z"),
        ("1700-01-01T00:00:00.000+0000", "1700-01-01T00:00:00.000Z"),
        ("4000-12-31T23:59:59.000+0000", "4000-12-31T23:59:59.000Z"),
    ],
)
def test_moments(spelled: str, canonical: str) -> None:
    """A moment is UTC with milliseconds, in any year."""
    assert values.moment(spelled) == canonical


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("1000", 1000),
        ("1000.0", 1000),
        ("1.0E7", 10_000_000),
        ("-0.50", -0.5),
        ("0.000", 0),
        ("5.", 5),
        ("123456789012345678", "123456789012345678"),
        ("12345678901234.567", "12345678901234.567"),
        ("37.774929000000001", "37.774929000000001"),
        ("1E20", "100000000000000000000"),
        ("", None),
    ],
)
def test_decimals(spelled: str, canonical: object) -> None:
    """Up to fifteen digits a number, beyond those its plain text."""
    assert values.decimal(spelled) == canonical
    assert type(values.decimal(spelled)) is type(canonical)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**25), max_value=10**25))
def test_no_digit_of_a_decimal_is_lost(number: Decimal) -> None:
    """Whatever is written comes back with every digit."""
    found = values.decimal(str(number))
    assert found is not None
    assert Decimal(str(found)) == number
    if isinstance(found, str):
        assert re.fullmatch(r"-?\d+(\.\d+)?", found)


@pytest.mark.parametrize(
    ("type_", "spelled"),
    [(Type.DATE, "soon"), (Type.DATETIME, "soon"), (Type.INTEGER, "1.5"), (Type.DECIMAL, "-"), (Type.BOOLEAN, "maybe"),
     (Type.TIME, "noon"), (Type.DECIMAL, "NaN")],
)  # fmt: skip
def test_what_is_none_of_the_type_is_refused(type_: Type, spelled: str) -> None:
    """A value that is none of its type raises, so that its row can be set aside."""
    with pytest.raises(ValueError, match=r"not a|neither"):
        values.FROM_TEXT[type_](spelled)


@pytest.mark.parametrize("type_", list(Type))
def test_empty_is_null(type_: Type) -> None:
    """An empty text is no value, whatever the type."""
    assert values.FROM_TEXT[type_]("") is None
    assert list(values.column_from_text(["", ""], type_)) == [None, None]


def test_texts_have_no_nul() -> None:
    """NUL characters are dropped."""
    assert values.text("a\0b") == "ab"
    assert values.text("\0") is None


def test_chosen_values_are_a_set() -> None:
    """The order in which values were chosen does not matter, nor does a repetition."""
    assert values.multi("b;a;b") == values.multi("a;b") == "a;b"


def test_times_and_dates() -> None:
    """A time has milliseconds and no zone; a date loses a time behind it without shifting."""
    assert values.time("13:30:00.000Z") == values.time("13:30:00") == "13:30:00.000"
    assert values.date("1700-02-28") == "1700-02-28"
    assert values.date("2026-01-31T23:00:00.000Z") == "2026-01-31"


def test_json_values() -> None:
    """Decoded JSON comes to the same forms as text."""
    assert values.from_json(1000.0, Type.INTEGER) == 1000
    assert values.from_json(True, Type.BOOLEAN) is True
    assert values.from_json(True, Type.TEXT) == "true"
    assert values.from_json(12, Type.TEXT) == "12"
    assert values.from_json("b;a", Type.MULTI) == "a;b"
    with pytest.raises(ValueError, match="expected"):
        values.from_json({"a": 1}, Type.DATE)


@given(st.lists(st.sampled_from(["true", "false", ""]), max_size=20))
def test_columns_are_their_values(cells: list[str]) -> None:
    """A column converts as its values do, one by one."""
    assert list(values.column_from_text(cells, Type.BOOLEAN)) == [values.boolean(cell) for cell in cells]

"""Values to write: some that differ from each other, and every kind of value that a CRM can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmsync.clock import stamp
from crmsync.model import Field, Type, Value
from crmsync.values import DIGITS, decimal

Given = Mapping[str, Sequence[Value]]

_RUN = uuid4().hex[:6]  # so that what another run left in the CRM is not taken for what this one wrote
_LONGEST = 60  # characters
_LARGEST = 2**31 - 1
_BEGIN, _FIRST_DAY, _LAST_DAY = datetime(2026, 1, 1, tzinfo=UTC), date(1900, 1, 1), date(2199, 12, 31)
_CHARACTERS = st.characters(exclude_categories=("Cc", "Cn", "Co", "Cs", "Zl", "Zp"))


def choices(field: Field, given: Given) -> Sequence[Value]:
    """The values to choose from, where the field does not take any of its type."""
    return given.get(field.name) or field.values


def sample(field: Field, number: int, given: Given) -> Value:
    """One of many values that differ from each other; None where it takes the CRM to know any."""
    if chosen := choices(field, given):
        return chosen[number % len(chosen)]
    make = _SAMPLES.get(field.type)
    return None if make is None else make(field, number)


def anything(field: Field, given: Given) -> SearchStrategy[Value] | None:
    """Any value that the field can hold, and none that a CRM may tidy up; None where it takes the CRM to know any."""
    chosen = choices(field, given)
    if chosen and field.type is Type.MULTI:
        return st.sets(st.sampled_from([str(one) for one in chosen]), min_size=1).map(_joined)
    if chosen:
        return st.sampled_from(chosen)
    make = _ANYTHING.get(field.type)
    return None if make is None else make(field)


def _text(field: Field, number: int) -> Value:
    return f"Kit {_RUN} {number}"[-(field.length or _LONGEST) :]


def _whole(field: Field, number: int) -> Value:
    return (number + 1) % int(10 ** (field.digits or DIGITS))


def _number(field: Field, number: int) -> Value:
    return _scaled(field, (number + 1) % 10 ** _digits(field)[0])


def _digits(field: Field) -> tuple[int, int]:
    return (field.digits, field.scale) if field.digits else (DIGITS, 2)


def _scaled(field: Field, number: int) -> Value:
    return decimal(str(Decimal(number).scaleb(-_digits(field)[1])))


_SAMPLES: dict[Type, Callable[[Field, int], Value]] = {
    Type.TEXT: _text,
    Type.MULTI: _text,
    Type.INTEGER: _whole,
    Type.DECIMAL: _number,
    Type.BOOLEAN: lambda _, number: number % 2 == 0,
    Type.DATE: lambda _, number: (_BEGIN + timedelta(days=number)).date().isoformat(),
    Type.DATETIME: lambda _, number: stamp(_BEGIN + timedelta(seconds=number)),
    Type.TIME: lambda _, number: f"{(_BEGIN + timedelta(seconds=number)):%H:%M:%S}.000",
}


def _texts(field: Field, without: str = "") -> SearchStrategy[str]:
    """Texts in all scripts, of a length that fits however the CRM counts, and without space around them."""
    longest = min(field.length or _LONGEST, _LONGEST)
    return (
        st.text(_CHARACTERS.filter(lambda one: one not in without), min_size=1, max_size=longest)
        .map(str.strip)
        .filter(lambda one: 0 < len(one.encode("utf-16-le")) // 2 <= longest)
    )


def _joined(values: set[str]) -> Value:
    return ";".join(sorted(values))


def _multi(field: Field) -> SearchStrategy[Value]:
    part = Field(name=field.name, length=min(field.length or _LONGEST, _LONGEST) // 4)
    return st.sets(_texts(part, without=";"), min_size=1, max_size=3).map(_joined)


def _integers(field: Field) -> SearchStrategy[Value]:
    most = min(10**field.digits - 1, _LARGEST) if field.digits else _LARGEST
    return st.integers(-most, most)


def _decimals(field: Field) -> SearchStrategy[Value]:
    most = 10 ** _digits(field)[0] - 1
    return st.integers(-most, most).map(partial(_scaled, field))


def _times(_: Field) -> SearchStrategy[Value]:
    return st.times().map(lambda one: f"{one:%H:%M:%S}.000")


def _moments(_: Field) -> SearchStrategy[Value]:
    days = st.dates(_FIRST_DAY, _LAST_DAY)
    return st.builds(partial(datetime.combine, tzinfo=UTC), days, st.times()).map(
        lambda one: stamp(one.replace(microsecond=0))
    )


_ANYTHING: dict[Type, Callable[[Field], SearchStrategy[Value]]] = {
    Type.TEXT: _texts,
    Type.MULTI: _multi,
    Type.INTEGER: _integers,
    Type.DECIMAL: _decimals,
    Type.BOOLEAN: lambda _: st.booleans(),
    Type.DATE: lambda _: st.dates(_FIRST_DAY, _LAST_DAY).map(lambda one: one.isoformat()),
    Type.DATETIME: _moments,
    Type.TIME: _times,
}

"""What the CRM would refuse is found out before it is sent, and said so that a person can correct it."""

from __future__ import annotations

import re

import pytest

from crmsync.model import Field, Type, Value
from crmsync.push.refusals import prepared


def field(type_: Type = Type.TEXT, **more: object) -> Field:
    return Field(name="F", type=type_, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "kind", "canonical"),
    [
        ("x", field(length=1), "x"),
        (None, field(), None),
        (1, field(Type.BOOLEAN), True),
        (0, field(Type.BOOLEAN), False),
        ("TRUE", field(Type.BOOLEAN), True),
        ("b;a", field(Type.MULTI, restricted=True, values=("a", "b")), "a;b"),
        ("2026-01-31T10:00:00+02:00", field(Type.DATETIME), "2026-01-31T08:00:00.000Z"),
        ("2026-01-31T10:00:00", field(Type.DATE), "2026-01-31"),
        ("12.50", field(Type.DECIMAL, digits=4, scale=2), 12.5),
        ("12345678901234567.25", field(Type.DECIMAL, digits=19, scale=2), "12345678901234567.25"),
        (99, field(Type.INTEGER, digits=2), 99),
        (0.5, field(Type.DECIMAL, digits=2, scale=2), 0.5),
        (-0.25, field(Type.DECIMAL, digits=2, scale=2), -0.25),
        (1e-7, field(Type.DECIMAL, digits=2, scale=2), 1e-7),
        (-99, field(Type.INTEGER, digits=2), -99),
    ],
)
def test_what_fits_is_made_canonical(given: Value, kind: Field, canonical: Value) -> None:
    """Whatever spelling a program used, the connector gets one form."""
    found = prepared(given, kind)
    assert (found, type(found)) == (canonical, type(canonical))


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("xy", field(length=1), "2 characters, and the CRM takes 1"),
        (None, field(nullable=False), "may not be empty"),
        (
            "Maybe",
            field(restricted=True, values=("Yes", "No")),
            "'Maybe' is not offered by the CRM, which has: Yes",
        ),
        ("a;z", field(Type.MULTI, restricted=True, values=("a", "b")), "'z' is not offered"),
        ("soon", field(Type.DATE), "not a date"),
        ("soon", field(Type.DATETIME), "not a date-time"),
        (2, field(Type.BOOLEAN), "neither true nor false"),
        ("1.5", field(Type.INTEGER), "not a whole number"),
        (100, field(Type.INTEGER, digits=2), "3 digits before the point, and the CRM takes 2"),
        ("123.4", field(Type.DECIMAL, digits=4, scale=2), "3 digits before the point"),
        (1e21, field(Type.DECIMAL, digits=18, scale=2), "22 digits"),
    ],
)
def test_what_does_not_fit_says_why(given: Value, kind: Field, said: str) -> None:
    """The reason names the limit or what is on offer."""
    with pytest.raises(ValueError, match=re.escape(said)):
        prepared(given, kind)

"""What the contract kit writes is canonical and fits its field, whatever the field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmsync.model import Field, Type
from crmsync.push.refusals import refused
from crmsync.testing.canonical import problem
from crmsync.testing.samples import anything, sample

FIELDS = [
    *(Field(name=f"Any{kind}", type=kind) for kind in Type if kind is not Type.REFERENCE),
    *(Field(name=f"Text{length}", length=length) for length in (1, 2, 15)),
    *(Field(name=f"Whole{digits}", type=Type.INTEGER, digits=digits) for digits in (1, 8, 18)),
    *(Field(name=f"Part{n}", type=Type.DECIMAL, digits=n, scale=scale) for n, scale in ((3, 2), (18, 2), (18, 15))),
    Field(name="Money", type=Type.DECIMAL, digits=18),
    Field(name="Short", type=Type.MULTI, length=15),
    Field(name="Choice", restricted=True, values=("Hot", "Cold")),
    Field(name="Choices", type=Type.MULTI, restricted=True, values=("b", "a", "c")),
]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_values_are_canonical_and_fit(field: Field) -> None:
    """Neither the connector nor the engine would have a reason to refuse them."""
    every = anything(field, {})
    assert every is not None

    @settings(max_examples=60)
    @given(every | st.integers(0, 300).map(lambda number: sample(field, number, {})))
    def fits(value: str | float | bool | None) -> None:
        assert value is not None
        assert problem(value, field) == ""
        assert refused(value, field) == ""

    fits()


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_samples_differ(field: Field) -> None:
    """One after the other is another value, so that a write can be told from none."""
    assert sample(field, 0, {}) != sample(field, 1, {})


def test_the_source_knows_better() -> None:
    """Values that the source gives are taken in place of any of the type; ids come from nowhere else."""
    email = Field(name="Email")
    found = {sample(email, number, {"Email": ["a@x.org", "b@x.org"]}) for number in range(5)}
    assert found == {"a@x.org", "b@x.org"}
    owner = Field(name="OwnerId", type=Type.REFERENCE)
    assert anything(owner, {}) is None
    assert sample(owner, 0, {}) is None
    assert sample(owner, 0, {"OwnerId": ["005X"]}) == "005X"

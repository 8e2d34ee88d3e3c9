"""Everything a connector promises, as tests that are written already."""

from __future__ import annotations

from crmsync.testing.carrying import CarryingPromises
from crmsync.testing.creating import CreatingPromises
from crmsync.testing.facts import FactPromises
from crmsync.testing.following import FollowingPromises
from crmsync.testing.losing import LosingPromises
from crmsync.testing.reading import ReadingPromises
from crmsync.testing.refusing import RefusingPromises
from crmsync.testing.writing import WritingPromises


class WritingContract(WritingPromises, CreatingPromises, RefusingPromises, LosingPromises, CarryingPromises):
    """Only what is promised of writing: for one more object, or other settings, of a connector that has a contract."""


class ConnectorContract(FactPromises, ReadingPromises, FollowingPromises, WritingContract):
    """Subclass it, name the `connector`, override `source`; pytest does the rest.

    A promise that a connector cannot keep is overridden with an `xfail` that says why.
    """

    def test_no_promise_is_left_out(self) -> None:
        """An overridden promise is marked `xfail` with a reason, so that nobody thinks it is kept."""
        for name in dir(ConnectorContract):
            mine = getattr(type(self), name)
            if name.startswith("test_") and mine is not getattr(ConnectorContract, name):
                marks = [mark for mark in getattr(mine, "pytestmark", []) if mark.name == "xfail"]
                assert any(mark.kwargs.get("reason") for mark in marks), f"{name} is overridden without an xfail"

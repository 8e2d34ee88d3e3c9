"""The contract kit notices every broken promise about writing, and only that one; and says what it leaves out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.testing import Source, bench, carrying, watching
from support.broken import BROKEN, Blocks, KeepsNoKeys, MayOnlyUpdate, OneWay, OnlyReads
from support.whole import WRITING, Contract, Whole, missed


@pytest.mark.parametrize(("promise", "connector"), BROKEN)
def test_a_broken_promise_is_noticed_and_no_other(
    promise: str, connector: type[Whole], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "PATIENCE", 0.2)
    monkeypatch.setattr(carrying, "EXAMPLES", 15)
    if connector is Blocks:
        monkeypatch.setattr(watching, "LONGEST_BLOCK", 0.08)
    assert missed(connector, WRITING) == [promise]


def test_every_promise_has_a_broken_connector() -> None:
    assert {name for name, _ in BROKEN} == set(WRITING)


def reason(connector: type[Whole], promise: str, **source: Any) -> str:
    """Why the kit skips a promise of this connector."""

    class Tried(Contract):
        broken = connector

        @asynccontextmanager
        async def source(self) -> AsyncIterator[Source]:
            async with Contract.source(self) as whole:
                yield replace(whole, **source)

    with pytest.raises(pytest.skip.Exception) as skipped:
        getattr(Tried(), promise)()
    return str(skipped.value)


@pytest.mark.parametrize("promise", WRITING)
def test_a_connector_that_does_not_write_is_asked_for_nothing(promise: str) -> None:
    """Promises about writing are skipped, with the reason, where nothing is written or the object is one-way."""
    assert "has no `apply`" in reason(OnlyReads, promise)
    assert reason(OneWay, promise) == "Contact is one-way: nothing of it goes to the CRM"


def test_promises_are_skipped_with_the_reason() -> None:
    """What these credentials may not do, and what the source does not offer, is skipped and said."""
    assert reason(MayOnlyUpdate, "test_a_create_sent_twice_makes_one_record") == (
        "these credentials may not create records of Contact"
    )
    assert "may not delete" in reason(MayOnlyUpdate, "test_a_delete_is_done_also_where_it_was_done_before")
    assert missed(MayOnlyUpdate, WRITING) == []
    assert "keeps no keys" in reason(KeepsNoKeys, "test_a_create_sent_twice_makes_one_record")
    assert "no values that the CRM refuses" in reason(Whole, "test_a_refused_record_stops_no_other", refused={})
    assert "cannot lose answers" in reason(Whole, "test_an_update_without_an_answer_is_unknown", lose=None)
    assert "names no owner" in reason(Whole, "test_the_wished_owner_owns_the_new_record", owner="")

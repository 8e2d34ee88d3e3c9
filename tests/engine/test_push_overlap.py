"""A batch is confirmed while the next one travels: whatever happens to either, each edit is sent once."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Any

import pytest

from crmsync.errors import CrmsyncError, RetryLater
from crmsync.store.sending import edits
from support.engine import Engine

LEADS, BATCH = 450, 200
STATES = "SELECT state, COUNT(*) FROM crmsync_edit GROUP BY state"


@pytest.fixture
def edited(engine: Engine) -> Engine:
    """Leads with a new title here, enough for three batches."""
    for number in range(LEADS):
        engine.crm.put("Lead", f"00Q{number:04}", LastName=f"Lead {number}", Title="old")
    engine.crm.page_size = LEADS
    engine.sync()
    engine.sql("UPDATE person SET title = 'new'")
    return engine


def on_batch(engine: Engine, number: int, do: Callable[[], object]) -> None:
    """Do something when so many batches were written, before the answers to the last of them are heard."""

    def heard() -> None:
        if len(engine.crm.calls_of) == number:
            do()

    engine.crm.after_apply = heard


def broken_off(engine: Engine) -> None:
    """A cycle that may end with an error."""
    with suppress(CrmsyncError, ConnectionError):
        engine.sync()


def all_is_sent_once(engine: Engine) -> None:
    """A further cycle sends what is left, nothing was written twice, and each edit is in the journal once."""
    engine.crm.after_apply = lambda: None
    engine.sync()
    sent = [one.crm_id for one in engine.crm.written]
    assert sorted(map(str, sent)) == sorted(engine.crm.objects["Lead"])
    assert engine.one("SELECT COUNT(*) FROM crmsync_journal WHERE side = 'marketing'") == LEADS
    assert engine.verify().ok


def test_a_slow_disk_does_not_hold_up_the_next_batch(edited: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It travels while the answers to the one before are still being written."""
    second, confirm = Event(), edits.confirm
    waited: list[bool] = []

    def slow(*args: Any) -> None:
        waited.append(second.wait(10))
        confirm(*args)

    on_batch(edited, 2, second.set)
    monkeypatch.setattr(edits, "confirm", slow)
    edited.sync()
    assert waited == [True, True, True]
    all_is_sent_once(edited)


@pytest.mark.parametrize(("error", "then"), [(RetryLater("not now"), "pending"), (ConnectionError("cut"), "sent")])
def test_a_batch_that_breaks_off_takes_no_other_along(edited: Engine, error: Exception, then: str) -> None:
    """The one before is confirmed, the one after waits; of its own edits is known what the connector knows."""
    original = edited.crm._apply

    def refuses() -> None:
        raise error

    def second(change: Any) -> Any:
        if len(edited.crm.calls_of) == 2 and then == "pending":  # nothing of it is written
            raise error
        return original(change)

    edited.crm._apply = second  # type: ignore[method-assign]
    on_batch(edited, 2, refuses)
    broken_off(edited)
    states = dict(edited.sql(STATES))
    assert states == ({"done": 200, "pending": 250} if then == "pending" else {"done": 200, "sent": 200, "pending": 50})
    edited.crm._apply = original  # type: ignore[method-assign]
    all_is_sent_once(edited)


def test_answers_that_cannot_be_stored_stop_what_has_not_left(edited: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches were on their way, the third stays; the next cycle finds out what the first two have written."""

    def full(*_args: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(edits, "confirm", full)
        broken_off(edited)
    assert edited.crm.calls_of == [BATCH, BATCH]
    assert dict(edited.sql(STATES)) == {"sent": 400, "pending": 50}
    all_is_sent_once(edited)


def test_nothing_is_left_running_where_the_database_fails_twice(
    edited: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the answers nor what has not left can be written: the cycle ends with that, and leaves no task behind."""

    def full(*_args: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    on_batch(edited, 2, _refuse)
    with monkeypatch.context() as patch:
        patch.setattr(edits, "confirm", full)
        patch.setattr(edits, "unsend", full)
        broken_off(edited)
    gc.collect()
    assert "never retrieved" not in caplog.text
    all_is_sent_once(edited)


def _refuse() -> None:
    raise ConnectionError("cut")


def test_an_edit_made_while_a_later_batch_travels_is_not_lost(edited: Engine) -> None:
    """A row of the first batch is edited while the second is on its way: it goes again, on what was written."""
    on_batch(edited, 2, lambda: edited.sql("UPDATE person SET title = 'newer' WHERE crm_id = '00Q0000'"))
    edited.sync()
    open_ = edited.sql("SELECT base, state FROM crmsync_edit WHERE state <> 'done'")
    assert open_ == [("new", "pending")]
    edited.sync()
    assert edited.crm.objects["Lead"]["00Q0000"]["Title"] == "newer"
    assert edited.verify().ok

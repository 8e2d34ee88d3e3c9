"""What core does for every connector: rotated secrets, and what becomes of a batch that ends early."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from crmsync.connectors.concluding import conclude
from crmsync.connectors.delivering import Batch, Known
from crmsync.connectors.rotating import Rotating
from crmsync.errors import Denied
from crmsync.writes import Outcome, Result


def test_a_secret_that_was_set_anew_goes_before_what_replaced_the_old_one() -> None:
    """The vendor's newest is used; once the user changes the setting it is forgotten; neither is shown."""
    vault: dict[str, str] = {}
    first = Rotating("token", SecretStr("first"), vault)
    first.replace(None)
    assert first.newest == "first"
    first.replace("second")
    assert first.newest == "second"
    assert Rotating("token", SecretStr("other"), vault).newest == "other"
    assert "second" not in repr(first)
    assert "first" not in repr(first)
    assert "first" not in vault["token"]


class Item:
    outcome: Outcome | None = None


def test_what_ends_a_batch_is_raised_only_where_nothing_was_written() -> None:
    """A batch of which a part is written tells an outcome a change: the rest comes later, for the reason given."""

    async def stop(batch: Batch[None, Known, Item], done: int) -> None:
        for one in batch.items[:done]:
            one.outcome = Outcome(result=Result.DONE)
        raise Denied("The user was disabled.", code="off")

    def ended(done: int) -> list[str]:
        batch = Batch[None, Known, Item](None, "lead", None, [Item(), Item()])  # type: ignore[arg-type]
        outcomes = asyncio.run(conclude(batch, stop(batch, done), lambda _: Denied(), lambda: None))
        return [one.result.value for one in outcomes]

    assert ended(1) == ["done", "retry"]
    with pytest.raises(Denied, match="disabled"):
        ended(0)

"""What core does for every connector: rotated secrets, and what becomes of a batch that is refused or ends early."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from crmsync.connectors.applying import Writer
from crmsync.connectors.concluding import conclude
from crmsync.connectors.delivering import Batch, Known
from crmsync.connectors.faults import Faulty, moved
from crmsync.connectors.rotating import Rotating
from crmsync.errors import Denied, SchemaMoved
from crmsync.model import Field, Value
from crmsync.writes import Change, Operation, Outcome, Result


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


@dataclass
class Sent:
    """A change, and what a vendor says of it."""

    change: Change
    values: Mapping[str, Value] = field(default_factory=dict)
    outcome: Outcome | None = None
    fault: Fault | None = None

    def __post_init__(self) -> None:
        self.values = self.change.values


@dataclass
class Fault:
    code: str = "no_such_field"
    message: str = "It is not taken."
    status: int = 400


@dataclass
class Session:
    """Objects whose fields are those given, whenever they are asked for."""

    fields: Mapping[str, Field]

    @property
    def describes(self) -> Session:
        return self

    async def last(self, obj: str) -> Session:
        del obj
        return self

    fresh = last

    def forget(self, obj: str) -> None:
        del obj


async def _refuse(batch: Batch[Session, Session, Sent]) -> None:
    for one in batch.items:
        one.fault, one.outcome = Fault(), Outcome(result=Result.RETRY, code="moved", message="The schema moved.")


def test_a_field_that_is_refused_though_it_is_there_is_refused_by_a_rule() -> None:
    """Reading the schema again would not cure it; where the field is gone it does, and the call waits for that."""
    writer: Writer[Session, Batch[Session, Session, Sent], Sent] = Writer(
        batch=Batch, item=Sent, operations={Operation.UPDATE: _refuse}, faulty=Faulty,
        ours=lambda error, obj: moved(obj, error), moved=lambda _: True, whole=lambda *_: True,
        refused=lambda fault: Outcome(result=Result.REFUSED, code=fault.code, message=fault.message),
    )  # fmt: skip
    change = Change(operation=Operation.UPDATE, object="lead", row=1, crm_id="1", values={"title": "x"})

    def applied(*, updateable: bool) -> list[str]:
        session = Session({"title": Field(name="title", updateable=updateable)})
        return [one.result.value for one in asyncio.run(writer.apply(session, [change]))]

    assert applied(updateable=True) == ["refused"]
    with pytest.raises(SchemaMoved):
        applied(updateable=False)

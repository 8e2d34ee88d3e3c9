"""What is written comes back as it was: every type, through collections and through uploads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crmsync import values
from crmsync.clock import stamp
from crmsync.model import Field, Kind, Type, Value
from crmsync_salesforce import ingest, wire
from salesforce.orgs import Site, site
from salesforce.writes import contacts, create, send, update, written
from support.written import all_done

ROWS = 8
FIELDS: dict[str, dict[str, Any]] = {
    "Text__c": {"type": "string", "length": 80},
    "Long__c": {"type": "textarea", "length": 32_000},
    "Phone__c": {"type": "phone"},
    "Pick__c": {"type": "picklist", "picklist": ["A", "B"]},
    "Many__c": {"type": "multipicklist", "length": 255},
    "Flag__c": {"type": "boolean"},
    "Count__c": {"type": "int", "digits": 9},
    "Wide__c": {"type": "double", "precision": 18, "scale": 4},
    "Money__c": {"type": "currency", "precision": 12, "scale": 2},
    "Day__c": {"type": "date"},
    "Moment__c": {"type": "datetime"},
    "Clock__c": {"type": "time"},
    "Owner__c": {"type": "reference", "targets": ["User"]},
}


def texts(most: int, breaks: str = "") -> st.SearchStrategy[str | None]:
    """Texts as the org keeps them: trimmed, with line breaks in its own spelling."""
    letters = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
    some = st.one_of(letters, st.sampled_from([*filter(None, breaks.split("|")), '"', ",", ";", "#N/A"]))
    return st.lists(some, max_size=most // 8).map(lambda parts: "".join(parts).strip() or None)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Value]:
    most = 10**precision - 1
    return st.integers(-most, most).map(lambda number: values.decimal(f"{Decimal(number).scaleb(-scale):f}"))


def moments() -> st.SearchStrategy[str]:
    first, last = datetime(1700, 1, 1), datetime(4000, 12, 31)  # noqa: DTZ001 - the zone is set below
    return st.datetimes(first, last).map(lambda one: stamp(one.replace(microsecond=0, tzinfo=UTC)))


STRATEGIES: dict[str, st.SearchStrategy[Value]] = {
    "Text__c": texts(80),
    "Long__c": texts(800, "\r\n|\r\n\r\n"),
    "Phone__c": texts(40),
    "Pick__c": st.sampled_from(["A", "B", None]),
    "Many__c": st.sets(st.sampled_from(["Ä", "b c", "#N/A", "x"])).map(lambda some: ";".join(sorted(some)) or None),
    "Flag__c": st.booleans(),
    "Count__c": st.integers(-(10**9) + 1, 10**9 - 1) | st.none(),
    "Wide__c": decimals(18, 4) | st.none(),
    "Money__c": decimals(12, 2) | st.none(),
    "Day__c": st.dates().map(str) | st.none(),
    "Moment__c": moments() | st.none(),
    "Clock__c": st.times().map(lambda one: one.isoformat("milliseconds")) | st.none(),
}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Site, list[str], Callable[..., Any]]]:
    """An org with a field of every type, some contacts, and a way to run a coroutine beside it."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        one: Site = runner.run(stack.enter_async_context(site(5, settings={"bulk": "always"})))
        for name, definition in FIELDS.items():
            one.org.add_field("Contact", {"name": name, **definition})
        try:
            yield one, contacts(one, ROWS), runner.run
        finally:
            runner.run(stack.aclose())


async def _round(one: Site, ids: list[str], given: list[dict[str, Value]]) -> None:
    changes = [replace(update(crm_id, "Contact"), values=row) for crm_id, row in zip(ids, given, strict=False)]
    assert all_done(await send(one, *changes))
    pages = await one.read(await one.query("Contact", Kind.IDS, ["Id", *FIELDS], ids=tuple(ids[: len(given)])))
    found = {record.pop("Id"): record for page in pages for record in page.records()}
    for crm_id, row in zip(ids, given, strict=False):
        assert {name: found[crm_id][name] for name in row} == row


@pytest.mark.parametrize("uploaded", [False, True])
def test_every_value_comes_back(
    running: tuple[Site, list[str], Callable[..., Any]], monkeypatch: pytest.MonkeyPatch, uploaded: bool
) -> None:
    """Written and read again, a value of any type that the org can hold is the same, of the same type."""
    one, ids, run = running
    users = [str(row["Id"]) for row in one.org.records("User")][:3]
    every = {**STRATEGIES, "Owner__c": st.sampled_from([*users, None])}
    monkeypatch.setattr(ingest, "_COLLECTION", 0 if uploaded else 200)
    jobs = len(one.server.site.jobs)

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.fixed_dictionaries({}, optional=every).filter(bool), min_size=1, max_size=ROWS))
    def check(rows: list[dict[str, Value]]) -> None:
        before = written(one)
        run(_round(one, ids, rows))
        assert uploaded or written(one) == before + 1

    check()
    assert (len(one.server.site.jobs) > jobs) is uploaded


def test_every_value_of_a_new_record_comes_back(running: tuple[Site, list[str], Callable[..., Any]]) -> None:
    """The same for a create, by REST and by SOAP, whose form has no types."""
    one, _, run = running
    row: Mapping[str, Value] = {
        "Text__c": "<a & b>", "Long__c": "a\r\nb", "Flag__c": True, "Count__c": 7, "Wide__c": "12345678901234.5678",
        "Day__c": "2026-01-31", "Moment__c": "2026-01-31T08:15:00.000Z", "Clock__c": "08:15:00.000", "Many__c": "A;B",
        "Money__c": None,
    }  # fmt: skip

    async def check() -> None:
        plain = create("Contact", LastName="New", **row)  # type: ignore[arg-type]
        made = await send(one, plain, replace(plain, wish=replace(plain.wish, mail=True)))
        assert all_done(made)
        for outcome in made:
            await _read(str(outcome.crm_id))

    async def _read(crm_id: str) -> None:
        pages = await one.read(await one.query("Contact", Kind.IDS, ["Id", *row], ids=(crm_id,)))
        assert pages[0].records() == [{"Id": crm_id, **row}]

    run(check())


WRONG: list[tuple[Type, Value]] = [
    (Type.TEXT, 7), (Type.INTEGER, "7"), (Type.INTEGER, 7.5), (Type.DECIMAL, "1e5"), (Type.DECIMAL, True),
    (Type.DECIMAL, float("nan")), (Type.BOOLEAN, "true"), (Type.BOOLEAN, 2), (Type.DATE, "31.1.2026"),
    (Type.DATETIME, "2026-01-31 08:15"), (Type.TIME, "8:15"), (Type.TEXT, "\ud800"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "value"), WRONG)
def test_what_is_no_value_of_its_type_is_told_without_repeating_it(type_: Type, value: Value) -> None:
    """A wrong value is found before it is sent, and its field is named, for JSON and for an upload alike."""
    fields = {"F": Field(name="F", type=type_)}
    for spell in (wire.record, wire.cells):
        with pytest.raises(wire.Unfit, match=r"^F: ") as caught:
            spell({"F": value}, fields)
        assert caught.value.field == "F"


def test_numbers_keep_every_digit() -> None:
    """A number with more digits than a float holds goes out digit by digit, as a number and not as a text."""
    fields = {"W": Field(name="W", type=Type.DECIMAL), "B": Field(name="B", type=Type.BOOLEAN)}
    assert wire.record({"W": "12345678901234567890.12", "B": 1}, fields) == b'{"W":12345678901234567890.12,"B":true}'
    assert wire.cells({"W": "12345678901234567890.12", "B": 0}, fields) == {
        "W": "12345678901234567890.12",
        "B": "false",
    }

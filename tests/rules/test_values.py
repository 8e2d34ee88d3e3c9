"""Values arrive as the CRM has them: whole, exact, in any script, and empty when they were emptied."""

from __future__ import annotations

from typing import Any

import pytest

from crmsync.simulate.server import as_bytes
from crmsync_salesforce.simulator import Server
from support.records import columns, edit_first, ids, value
from support.simulated import Simulated


@pytest.mark.rule("R-093")
def test_an_emptied_value_is_null_here(sim: Simulated) -> None:
    """A text, a number and a date; each is journalled, and a column that may not be read any more is left alone."""
    full: dict[str, Any] = {"Title": "CTO", "Budget__c": 5, "Birthdate": "1990-01-31", "Department": "R", "Phone": "1"}
    crm_id = edit_first(sim, "Contact", full)
    sim.sync()
    sim.org.hide_field("full", "Contact", "Phone")
    sim.later()
    sim.org.update("Contact", crm_id, dict.fromkeys(full))
    run = sim.sync().run
    names = ("title", "budget__c", "birthdate", "phone")
    assert [value(sim, name, crm_id) for name in names] == [None, None, None, "1"]
    sql = "SELECT field, old, new FROM crmsync_journal WHERE run = ? ORDER BY field"
    assert sim.sql(sql, run) == [("birthdate", "1990-01-31", None), ("budget__c", 5, None), ("title", "CTO", None)]


@pytest.mark.rule("R-220")
def test_a_lookup_brings_the_id(sim: Simulated) -> None:
    """Of 18 characters, and nothing of the record it refers to."""
    account = ids(sim, "Account")[0]
    sim.org.add_field(
        "Lead", {"name": "Partner__c", "type": "reference", "targets": ["Account"], "relationship": "Partner__r"}
    )
    crm_id = edit_first(sim, "Lead", {"Partner__c": account})
    sim.sync()
    assert value(sim, "partner__c", crm_id) == account
    assert len(account) == 18
    assert [one for one in columns(sim) if "partner" in one] == ["partner__c"]
    sim.org.add_field("Contact", {"name": "Boss__c", "type": "reference", "targets": ["User"]})
    boss = ids(sim, "User")[0]
    sim.later()
    contact = edit_first(sim, "Contact", {"Boss__c": boss[:15]})
    sim.sync()
    assert value(sim, "boss__c", contact) == boss


TEXTS = {
    "256 characters": "x" * 256,
    "32,768 characters": "y" * 32_768,
    "131,072 characters": "z" * 131_072,
    "30,001 bytes of several-byte characters": "é" * 15_000 + "x",
    "131,072 characters of three bytes": "漢" * 131_072,
    "emoji and lines": "👩‍💻\r\nщщ世\t\"quoted\", 'too'" * 3_000,
}


@pytest.mark.rule("R-227", "R-228")
@pytest.mark.parametrize("bulk", ["never", "always"])
def test_a_text_of_any_length_and_script_arrives_whole(sim: Simulated, bulk: str) -> None:
    """Far beyond 255 characters and 30,000 bytes, read page by page or in bulk."""
    sim.own = {"bulk": bulk}
    leads = dict(zip(TEXTS, ids(sim, "Lead"), strict=False))
    for name, crm_id in leads.items():
        sim.org.update("Lead", crm_id, {"Web_Activity__c": TEXTS[name]})
    sim.sync()
    for name, crm_id in leads.items():
        held = (sim.org.get("Lead", crm_id) or {})["Web_Activity__c"]
        assert len(held) >= len(TEXTS[name]), name
        assert value(sim, "web_activity__c", crm_id) == held, name
    assert sim.verify().ok


@pytest.mark.rule("R-227")
def test_a_plain_text_field_holds_more_than_255_characters(sim: Simulated) -> None:
    """Also one that the CRM calls a string, and it may be changed here as well."""
    sim.org.add_field("Lead", {"name": "Long__c", "type": "string", "length": 1300})
    crm_id = edit_first(sim, "Lead", {"Long__c": "x" * 1300})
    sim.sync()
    assert value(sim, "long__c", crm_id) == "x" * 1300
    sim.sql("UPDATE person SET title = ? WHERE crm_id = ?", "y" * 300, crm_id)
    assert value(sim, "title", crm_id) == "y" * 300


@pytest.mark.rule("R-229")
@pytest.mark.parametrize("bulk", ["never", "always"])
def test_numbers_arrive_exactly(sim: Simulated, bulk: str) -> None:
    """A percent with decimals, an amount of 18 digits with decimals (on the wire), zero and negative ones."""
    sim.own = {"bulk": bulk}
    sim.org.add_field("Opportunity", {"name": "Exact__c", "type": "currency", "precision": 18, "scale": 2})
    deals = ids(sim, "Opportunity")
    given = [(12.5, 1234567890.12), (0.25, -99999999999.99), (100, 0), (0, 1111.25)]
    for crm_id, (percent, amount) in zip(deals, given, strict=True):
        sim.org.update("Opportunity", crm_id, {"Discount__c": percent, "Exact__c": amount})

    def widen(server: Server) -> None:
        reply = server._reply

        async def wide(*asked: Any) -> Any:
            done = await reply(*asked)
            done.body = as_bytes(done.body).replace(b"1111.25", b"1234567890123456.78")
            return done

        server._reply = wide  # type: ignore[method-assign, assignment]

    sim.faults = widen
    sim.sync()
    found = [tuple(value(sim, one, crm_id, "opportunity") for one in ("discount__c", "exact__c")) for crm_id in deals]
    assert found == [*given[:3], (0, "1234567890123456.78")]
    assert sim.verify().ok


@pytest.mark.rule("R-233")
def test_an_address_with_an_emoji_arrives_unchanged(sim: Simulated) -> None:
    """In the first load and in a later cycle."""
    first, second = ids(sim, "Lead")[:2]
    sim.org.update("Lead", first, {"Email": "ada👩‍💻@example.com"})
    sim.sync()
    sim.later()
    sim.org.update("Lead", second, {"Email": "💌@exämple.com"})
    sim.sync()
    assert [value(sim, "email", one) for one in (first, second)] == ["ada👩‍💻@example.com", "💌@exämple.com"]


@pytest.mark.rule("R-234")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_unsubscribed_follows_the_crms_opt_out(sim: Simulated, name: str) -> None:
    """Set, then cleared."""
    crm_id = edit_first(sim, name, {"HasOptedOutOfEmail": False})
    sim.sync()
    seen = [value(sim, "unsubscribed", crm_id)]
    for opted in (True, False):
        sim.later()
        sim.org.update(name, crm_id, {"HasOptedOutOfEmail": opted})
        sim.sync()
        seen.append(value(sim, "unsubscribed", crm_id))
    assert seen == [0, 1, 0]

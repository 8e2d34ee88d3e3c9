"""What the vendor says becomes an outcome: what happened, whether it may be sent again, and what to do next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from crmsync.writes import Change, Operation, Outcome, Result, Wish
from crmsync_salesforce import ingest, plugin
from crmsync_salesforce.errors import POLICIES, Fault, Policy
from crmsync_salesforce.outcomes import HINTS, of_fault
from salesforce.orgs import site
from salesforce.writes import KEY, create, send, value, written
from support.written import all_done

UPDATE = Change(operation=Operation.UPDATE, object="Lead", row=1, crm_id="00Q000000000001AAA")
ENDED = {"ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD"}
OWN_HINT = {"DUPLICATES_DETECTED", "INVALID_OPERATION"}


def outcome(code: str, message: str = "why", *, change: Change = UPDATE, fields: Sequence[str] = ()) -> Outcome:
    return of_fault(Fault(code, message, tuple(fields)), change, refers=False)


@pytest.mark.parametrize("code", sorted(code for code, policy in POLICIES.items() if policy is Policy.RECORD))
def test_every_refusal_says_what_to_do(code: str) -> None:
    """Every code that concerns one record is a refusal with a hint of its own, or says that the record is gone."""
    if code in ENDED:
        assert outcome(code).result is Result.GONE
    elif code != "INVALID_CROSS_REFERENCE_KEY":
        found = outcome(code, fields=["Title"])
        assert (found.result, found.code, found.message, found.fields) == (Result.REFUSED, code, "why", ("Title",))
        assert found.hint
        assert code in HINTS or code in OWN_HINT


@pytest.mark.parametrize("code", sorted(code for code, policy in POLICIES.items() if policy is Policy.RETRY))
def test_what_passes_may_be_sent_again(code: str) -> None:
    """Every code that tells of trouble that passes leaves the change for later."""
    assert outcome(code).result is Result.RETRY


def test_a_code_nobody_has_seen_is_a_refusal() -> None:
    """An unknown code of one record concerns that record, and is kept as it came."""
    found = outcome("BRAND_NEW")
    assert (found.result, found.code) == (Result.REFUSED, "BRAND_NEW")
    assert found.hint


def test_an_id_that_refers_to_nobody() -> None:
    """An invalid reference in a change that refers to no other record can only mean the record itself."""
    fault = Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    assert of_fault(fault, UPDATE, refers=False).result is Result.GONE
    assert of_fault(fault, UPDATE, refers=True).result is Result.REFUSED


def test_what_is_gone_is_done_where_it_was_to_go() -> None:
    """A record to delete, or a member to remove, that is not there is what was wanted."""
    delete = Change(operation=Operation.DELETE, object="Lead", row=1, crm_id="00Q000000000001AAA")
    remove = Change(operation=Operation.MEMBER, object="CampaignMember", row=1, wish=Wish(remove=True))
    for change in (delete, remove):
        found = outcome("ENTITY_IS_DELETED", change=change)
        assert (found.result, found.code) == (Result.DONE, "absent")


def test_messages_are_short_and_keep_no_secrets() -> None:
    """What the vendor says is kept to 400 characters, without anything that looks like a secret."""
    found = outcome("CUSTOM_APEX_ERROR", "call failed: Bearer 00Dxx!AQ0secretsecret " + "x" * 900)
    assert len(found.message) <= 400
    assert "secretsecret" not in found.message


@pytest.mark.parametrize(
    ("error", "code", "message", "fields"),
    [
        ("A_B:the text:Title,Email --", "A_B", "the text", ("Title", "Email")),
        ("A_B:the: text: --", "A_B", "the: text", ()),
        ("A_B:two\nlines:Title --", "A_B", "two\nlines", ("Title",)),
        ("A_B:no end", "A_B", "no end", ()),
        ("a sentence", "UNKNOWN", "a sentence", ()),
        ("", "UNKNOWN", "no reason was given", ()),
    ],
)
def test_the_error_of_an_uploaded_row(error: str, code: str, message: str, fields: tuple[str, ...]) -> None:
    """Code, text and fields stand in one cell of the failed rows, whatever the text holds."""
    found = ingest._fault(error)
    assert (found.code, found.message, found.fields) == (code, message, fields)


def test_the_key_field_is_ours_alone() -> None:
    """The field that holds our keys is never offered for the sync, and another name or none can be set."""

    async def main() -> None:
        for name, settings in (
            ("crmsync_key__c", {}),
            ("Ours__c", {"key_field": "ours__C"}),
            ("X__c", {"key_field": ""}),
        ):
            async with site(5, settings=settings) as one:
                one.org.add_field("Lead", {**KEY, "name": name})
                assert (name in await plugin.fields(one.session, "Lead")) is (name == "X__c")
                made = await send(one, create(key="k1"))
                assert all_done(made)
                kept = value(one, "Lead", str(made[0].crm_id), name)
                assert kept == (None if name == "X__c" else "k1")
                assert written(one, "POST") == (1 if name == "X__c" else 0)

    asyncio.run(main())


def test_a_key_field_we_may_not_fill_is_not_used() -> None:
    """A field that is no external id, or that the user may not edit, keeps no keys: the create goes without."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Lead", KEY)
            one.org.user("full").fixed_fields.add(("Lead", "crmsync_key__c"))
            one.org.add_field("Contact", {**KEY, "external_id": False})
            assert all_done([*await send(one, create(key="k1")), *await send(one, create("Contact", LastName="K"))])
            assert written(one, "POST") == 2

    asyncio.run(main())

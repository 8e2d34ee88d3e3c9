"""Metadata of a real environment, as it was recorded, is read as the rules of the vendor's documentation have it."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import web

from crmsync.clock import SystemClock
from crmsync.hookspecs import Context
from crmsync.model import Type
from crmsync.simulate import Loopback
from crmsync_dynamics import csdl, documented
from crmsync_dynamics.session import connect
from crmsync_dynamics.settings import DynamicsSettings
from crmsync_dynamics.tables import Table, labels

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "dynamics"
absent = pytest.mark.skipif(not DATA.exists(), reason=f"LOUD: the recorded metadata is not at {DATA}")
_CASTS = {"LookupAttributeMetadata": ("Lookup", "Customer", "Owner")}


@cache
def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "metadata" / f"{name}.json").read_text())
    return found


def _label(text: str | None) -> dict[str, Any] | None:
    """A label without one for the caller's language, as users of a language that is not installed get it."""
    listed = [{"Label": text, "LanguageCode": 1033}] if text else []
    return {"LocalizedLabels": listed, "UserLocalizedLabel": None}


def _attribute(one: dict[str, Any]) -> dict[str, Any]:
    sets = one.get("OptionSet")
    options = [{**o, "Label": _label(o["Label"])} for o in sets["Options"]] if sets and "Options" in sets else None
    shared = bool(sets and sets.get("IsGlobal"))
    return {
        **one, "AttributeTypeName": {"Value": one["AttributeTypeName"]}, "DisplayName": _label(one["DisplayName"]),
        "RequiredLevel": {"Value": one["RequiredLevel"]},
        "DateTimeBehavior": {"Value": one["DateTimeBehavior"]} if one.get("DateTimeBehavior") else None,
        "OptionSet": {"Options": options} if options and not shared else None,
        "GlobalOptionSet": {"Options": options} if options and shared else None,
    }  # fmt: skip


@cache
def _attributes(name: str) -> list[dict[str, Any]]:
    return [_attribute(one) for one in recorded(name)["Attributes"]]


def _answer(path: str) -> Any:
    name = path.split("'")[1]
    found, tail = recorded(name), path.partition(")")[2].strip("/")
    if tail == "ManyToOneRelationships":
        return {"value": found["ManyToOneRelationships"]}
    if not tail:
        return {**found, "DisplayName": _label(found["DisplayName"])}
    cast = tail.rpartition(".")[2] if "." in tail else ""
    kinds = _CASTS.get(cast, (cast.removesuffix("AttributeMetadata"),))
    return {"value": [one for one in _attributes(name) if not cast or _is(one, kinds)]}


def _is(one: dict[str, Any], kinds: tuple[str, ...]) -> bool:
    return one["AttributeType"] in kinds or one["AttributeTypeName"]["Value"] == f"{kinds[0]}Type"


async def _serve(request: web.Request) -> web.StreamResponse:
    path = urlsplit(request.raw_path).path.rpartition("/api/data/v9.2/")[2]
    if path == "WhoAmI":
        return web.json_response({"UserId": "", "OrganizationId": "1"})
    if not path.startswith("EntityDefinitions"):
        return web.Response(status=404)
    return web.Response(body=msgspec.json.encode(_answer(path)), content_type="application/json")


@cache
def tables() -> dict[str, Table]:
    async def run() -> dict[str, Table]:
        async with Loopback(_serve) as server:
            settings = DynamicsSettings(url=server.url, flow="none")
            async with connect(settings, Context(connection="t", clock=SystemClock())) as session:
                names = ("contact", "lead", "account", "opportunity", "campaign", "task", "connection")
                return {name: (await session.describes.fresh(name)).table for name in names}

    return asyncio.run(run())


@absent
def test_columns_are_those_of_the_resource() -> None:
    """Logical columns stay, shadows, files and virtual ones go, and activities keep what they inherit (2.5)."""
    lead, task = tables()["lead"].columns, tables()["task"].columns
    valid = {
        one["LogicalName"]
        for one in recorded("lead")["Attributes"]
        if one["IsValidODataAttribute"] and one["AttributeType"] not in ("Virtual", "PartyList")
    }
    assert valid <= {one.attribute for one in lead.values()}
    assert {"address1_line1", "address1_composite", "owninguser"} <= lead.keys()
    assert not {"entityimage", "statecodename", "owneridtype"} & {one.attribute for one in lead.values()}
    assert {"subject", "modifiedon", "versionnumber", "regardingobjectid", "scheduledend_day"} <= task.keys()
    assert "subscriptionid" not in task


@absent
def test_types_follow_behaviour_and_not_format() -> None:
    """A date of behaviour DateOnly is a date, one that is only shown without a time is a moment (3.6, case 7)."""
    assert tables()["contact"].columns["birthdate"].field.type is Type.DATE
    assert tables()["campaign"].columns["proposedstart"].field.type is Type.DATETIME
    assert tables()["lead"].columns["estimatedclosedate"].field.type is Type.DATE
    money = tables()["opportunity"].columns["estimatedvalue"].field
    assert (money.type, money.native) == (Type.DECIMAL, "Money")
    assert tables()["lead"].columns["versionnumber"].field.type is Type.TEXT


@absent
def test_lookups_of_every_kind_are_read_and_bound_by_their_own_names() -> None:
    """Customer and Owner are lookups too; names to bind by are read, never derived (2.7, cases 5 and 6)."""
    contact, lead = tables()["contact"].columns, tables()["lead"].columns
    assert contact["parentcustomerid"].wire == "_parentcustomerid_value"
    assert contact["parentcustomerid"].navigation["account"] == "parentcustomerid_account"
    assert contact["parentcustomerid_account"].target == "account"
    assert contact["ownerid"].field.references == ("systemuser", "team")
    assert contact["ownerid"].navigation == {"systemuser": "ownerid", "team": "ownerid"}
    assert lead["masterid"].navigation == {"lead": "masterid"}
    assert tables()["task"].columns["regardingobjectid"].navigation["lead"] == "regardingobjectid_lead_task"


@absent
def test_choices_have_labels_whatever_set_and_language_they_come_in() -> None:
    """Labels are those of the base language where the caller's has none, of global sets too (2.6, case 45)."""
    lead = tables()["lead"].columns
    assert lead["statecode"].options == {0: "Open", 1: "Qualified", 2: "Disqualified"}
    assert lead["leadsourcecode"].options[8] == "Web"
    assert lead["budgetstatus"].field.values[0] == "No Committed Budget"
    assert lead["leadsourcecode"].field.restricted


def test_labels_tell_choices_apart() -> None:
    """Choices with one label have their numbers behind it; one without a label is its number."""
    assert labels([(1, "A"), (2, "A"), (3, "")]) == {1: "A (1)", 2: "A (2)", 3: "3"}
    assert labels([(1, "A;B"), (2, "C")], several=True) == {1: "1", 2: "C"}


@absent
def test_a_real_metadata_document_is_read_alone() -> None:
    """`$metadata` of a real environment gives its tables, keys, lookups and their targets."""
    found = documented.tables((DATA / "metadata_v9.1.edmx.xml").read_bytes())
    contact = documented.named(found, "contact")
    assert contact is not None
    assert (contact.set, contact.key) == ("contacts", "contactid")
    assert contact.columns["parentcustomerid"].field.references == ("account", "contact")
    assert contact.columns["parentcustomerid_account"].target == "account"
    assert contact.columns["birthdate"].field.type is Type.DATE
    assert contact.columns["gendercode"].field.type is Type.TEXT
    task = documented.named(found, "task")
    assert task is not None
    assert (task.key, task.columns["modifiedon"].field.type) == ("activityid", Type.DATETIME)


def test_a_document_that_declares_entities_is_refused() -> None:
    """A document that could blow up in memory is not read."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    with pytest.raises(ValueError, match="declares entities"):
        csdl.parse(bomb)

"""The schema follows what real orgs answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from crmsync_salesforce.simulator import Org, describe
from crmsync_salesforce.simulator.reader import Reader

DESCRIBED = ("Lead", "Contact", "Account", "Opportunity", "OpportunityContactRole", "Event")
REFERENCED = ("Task", "User", "Campaign", "CampaignMember", "CampaignMemberStatus", "Group", "RecordType")
# Fields of paid add-ons, and fields the recorded org's own administrators had added.
FOREIGN = {
    *("Jigsaw", "JigsawCompanyId", "JigsawContactId", "CleanStatus", "CompanyDunsNumber", "DandbCompanyId"),
    *("DunsNumber", "Tradestyle", "NaicsCode", "NaicsDesc", "YearStarted", "OperatingHoursId"),
    *("ChannelProgramName", "ChannelProgramLevelName"),
    *("Primary_Contact__c", "ns__Description__c", "History__c", "ns__LinkedAccount__c"),
}
SHORTENED = {"picklistValues", "referenceTo", "label", "defaultValue"}


def described(org: Org, name: str) -> dict[str, Any]:
    kind = Reader(org.state, org.user("full")).object(name)
    return describe.object_body(org.state, kind, org.user("full"), "62.0")


@pytest.fixture(scope="module")
def org() -> Org:
    return Org(0)


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_recorded_field_is_there_with_all_its_keys(org: Org, name: str, recorded: Path) -> None:
    real = json.loads((recorded / f"describe/{name}.json").read_text("utf-8"))
    ours = {one["name"]: one for one in described(org, name)["fields"]}
    for field in real["fields"]:
        if field["name"] in FOREIGN:
            continue
        mine = ours[field["name"]]
        assert set(field) <= set(mine), field["name"]
        different = {key: (one, mine[key]) for key, one in field.items() if key not in SHORTENED and mine[key] != one}
        assert different == {}, field["name"]
        assert set(mine["referenceTo"]) <= set(field["referenceTo"])
        assert mine["label"] == field["label"]


@pytest.mark.parametrize("name", DESCRIBED)
def test_an_object_has_every_recorded_key_and_flag(org: Org, name: str, recorded: Path) -> None:
    real = json.loads((recorded / f"describe/{name}.json").read_text("utf-8"))
    ours = described(org, name)
    assert set(real) - set(ours) <= {"isSubtype"}
    flags = {key: one for key, one in real.items() if isinstance(one, bool | str) and key != "deepCloneable"}
    assert {key: (one, ours[key]) for key, one in flags.items() if ours[key] != one} == {}


@pytest.mark.parametrize("name", DESCRIBED)
def test_picklists_hold_the_recorded_values(org: Org, name: str, recorded: Path) -> None:
    real = json.loads((recorded / f"describe/{name}.json").read_text("utf-8"))
    ours = {one["name"]: one for one in described(org, name)["fields"]}
    for field in real["fields"]:
        if field["name"] in FOREIGN | {"RecurrenceTimeZoneSidKey"} or not field["picklistValues"]:
            continue
        assert [one["value"] for one in ours[field["name"]]["picklistValues"]] == [
            one["value"] for one in field["picklistValues"]
        ], field["name"]


@pytest.mark.parametrize("name", REFERENCED)
def test_the_other_objects_have_only_fields_the_reference_knows(org: Org, name: str, recorded: Path) -> None:
    real = json.loads((recorded / f"reference/{name}.json").read_text("utf-8"))
    known = {one["name"].lower() for one in real["fields"]}
    ours = {one["name"].lower() for one in described(org, name)["fields"] if not one["custom"]}
    assert ours - known <= {"tasksubtype", "isvisibleinselfservice", "lastmodifiedbyid", "createdbyid"}
    assert org.state.objects[name].prefix == real["keyPrefix"]


def test_the_global_describe_has_every_recorded_key(org: Org, recorded: Path) -> None:
    real = json.loads((recorded / "describe_global.json").read_text("utf-8"))
    ours = describe.global_body(org.state, org.user("full"), "62.0")
    prefixes = {one["name"]: one["keyPrefix"] for one in real["sobjects"]}
    for one in ours["sobjects"]:
        assert set(real["sobjects"][0]) <= set(one)
        if not one["custom"] and one["name"] != "TaskStatus":
            assert prefixes[one["name"]] == one["keyPrefix"]


def test_a_custom_object_looks_like_a_recorded_one(org: Org, recorded: Path) -> None:
    wrapped = json.loads((recorded / "responses/composite_describe_custom_object.json").read_text("utf-8"))
    real = wrapped["body"]["compositeResponse"][0]["body"]
    ours = described(org, "Subscription__c")
    assert set(real) <= set(ours)
    flags = (
        "custom",
        "createable",
        "updateable",
        "deletable",
        "undeletable",
        "mergeable",
        "queryable",
        "replicateable",
    )
    assert {key: ours[key] for key in flags} == {key: real[key] for key in flags}

"""The environment's schema is the vendor's: compared with real metadata, which lies beside the checkout."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dynamics.simulator.running import Client

FLAGS = (
    "SchemaName", "AttributeType", "AttributeTypeName", "AttributeOf", "IsValidForRead", "IsValidForCreate",
    "IsValidForUpdate", "IsValidODataAttribute", "IsLogical", "IsSecured", "MaxLength", "MinValue", "MaxValue",
    "Precision", "DateTimeBehavior",
)  # fmt: skip
TABLES = ("account", "contact", "lead", "opportunity", "campaign", "list", "task", "team", "connection")
OF_SALES = {("contact", "originatingleadid"), ("connection", "record1id"), ("connection", "record2id")}
"""Columns and targets that an app brings which the sampled environment does not have, or not there."""
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


def plain(value: Any) -> Any:
    return value["Value"] if isinstance(value, dict) else value


def columns(client: Client, table: str) -> list[dict[str, Any]]:
    rows = client.rows(f"EntityDefinitions(LogicalName='{table}')/Attributes")
    return [one for one in rows if not one["IsCustomAttribute"] and one["AttributeOf"] != "originatingleadid"]


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_as_the_vendor_has_them(client: Client, real: Path, table: str) -> None:
    """Every standard column that the environment has is there in real metadata, with the same type, flags and sizes."""
    theirs = json.loads((real / "metadata" / f"{table}.json").read_text("utf-8"))
    known = {one["LogicalName"]: one for one in theirs["Attributes"]}
    ours = [one for one in columns(client, table) if (table, one["LogicalName"]) not in OF_SALES]
    assert {one["LogicalName"] for one in ours} <= known.keys()
    differ = [
        (one["LogicalName"], name, plain(one[name]), known[one["LogicalName"]][name])
        for one in ours
        for name in FLAGS
        if name in one and name in known[one["LogicalName"]] and not (name == "MaxLength" and one["AttributeOf"])
        if plain(one[name]) != known[one["LogicalName"]][name]
    ]
    assert differ == []


@pytest.mark.parametrize("table", TABLES)
def test_tables_and_relationships_are_as_the_vendor_has_them(client: Client, real: Path, table: str) -> None:
    """Names, keys, flags and the navigation properties of look-ups are those of real metadata."""
    theirs = json.loads((real / "metadata" / f"{table}.json").read_text("utf-8"))
    ours = client.get(f"EntityDefinitions(LogicalName='{table}')", expand="ManyToOneRelationships").json
    names = ("EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute", "ObjectTypeCode", "OwnershipType")
    flags = ("ChangeTrackingEnabled", "IsActivity", "IsIntersect", "IsOptimisticConcurrencyEnabled", "TableType")
    assert {name: ours[name] for name in names + flags} == {name: theirs[name] for name in names + flags}
    known = {(one["ReferencingAttribute"], one["ReferencedEntity"]): one for one in theirs["ManyToOneRelationships"]}
    for one in ours["ManyToOneRelationships"]:
        column, target = one["ReferencingAttribute"], one["ReferencedEntity"]
        sampled = (table, column) not in OF_SALES and not one["IsCustomRelationship"]
        if sampled and (column, target) in known:
            name = "ReferencingEntityNavigationPropertyName"
            assert one[name] == known[column, target][name], column
        elif sampled:
            assert table == "connection", column


@pytest.mark.parametrize("table", TABLES)
def test_choices_are_as_the_vendor_has_them(client: Client, real: Path, table: str) -> None:
    """States, statuses and other choices have the vendor's values and labels, the set shared or not."""
    theirs = json.loads((real / "metadata" / f"{table}.json").read_text("utf-8"))
    known = {one["LogicalName"]: one["OptionSet"] for one in theirs["Attributes"] if one.get("OptionSet")}
    for kind in ("Picklist", "State", "Status"):
        path = f"EntityDefinitions(LogicalName='{table}')/Attributes/Microsoft.Dynamics.CRM.{kind}AttributeMetadata"
        for one in client.rows(path, expand="OptionSet($select=Options),GlobalOptionSet($select=Options,Name)"):
            real_set = known.get(one["LogicalName"])
            if real_set is None or one["IsCustomAttribute"]:
                continue
            ours = one["GlobalOptionSet" if real_set["IsGlobal"] else "OptionSet"]["Options"]
            told = {(option["Value"], option["Label"]["UserLocalizedLabel"]["Label"]) for option in ours}
            assert told == {(option["Value"], option["Label"]) for option in real_set["Options"]}, one["LogicalName"]


def test_the_xml_document_types_properties_as_the_vendor_does(client: Client, real: Path) -> None:
    """`$metadata` has the keys, types and navigation properties of a real document, where both have a property."""
    theirs = types(ET.parse(real / "metadata_v9.1.edmx.xml").getroot())
    ours = types(ET.fromstring(client.get("$metadata").body))
    assert {"contact", "lead", "account", "new_subscription"} <= ours.keys()
    for table in ours.keys() & theirs.keys():
        same = ours[table].keys() & theirs[table].keys()
        assert {name: ours[table][name] for name in same} == {name: theirs[table][name] for name in same}, table
    assert len(ours["contact"].keys() & theirs["contact"].keys()) > 90


def types(root: ET.Element) -> dict[str, dict[str, str | None]]:
    found = {}
    for one in root.iter(f"{EDM}EntityType"):
        parts = [part for part in one if part.tag in {f"{EDM}Property", f"{EDM}NavigationProperty"}]
        found[one.attrib["Name"]] = {part.attrib["Name"]: kind(part) for part in parts}
    return found


def kind(part: ET.Element) -> str | None:
    return (part.attrib.get("Type") or "").replace("Microsoft.Dynamics.CRM.", "mscrm.")


def test_users_units_and_currencies_have_the_vendors_properties(client: Client, real: Path) -> None:
    """What the sampled documents say of tables without full metadata holds too."""
    for table in ("systemuser", "businessunit", "transactioncurrency"):
        theirs = json.loads((real / "csdl" / f"{table}.json").read_text("utf-8"))
        known = {one["Name"]: one["Type"] for one in theirs["Properties"]}
        entity = client.org.state.entities[table]
        ours = types(ET.fromstring(client.get("$metadata").body))[table]
        assert entity.set_name == theirs["EntitySetName"]
        assert {one.wire: ours[one.wire] for one in entity.properties()}.items() <= known.items()


def test_answers_have_the_shape_of_recorded_ones(client: Client, real: Path) -> None:
    """A table's labels and a choice's options are built as in answers that were recorded."""
    table = "EntityDefinitions(LogicalName='contact')"
    states = f"{table}/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata"
    for name, path in (
        ("entity_definition_contact", f"{table}?$select=DisplayCollectionName"),
        ("options_contact_states", f"{states}?$select=LogicalName&$expand=OptionSet($select=Options)"),
    ):
        recorded = json.loads((real / "responses" / f"{name}.json").read_text("utf-8"))["body"]
        answer = client.get(path).json
        assert shape(recorded) <= shape(answer), name


def shape(value: Any, where: str = "") -> set[str]:
    """Every path that leads to a value."""
    if isinstance(value, dict):
        return {where} | {path for key, one in value.items() for path in shape(one, f"{where}/{key}")}
    if isinstance(value, list):
        return {where} | {path for one in value for path in shape(one, f"{where}[]")}
    return {where}


def test_metadata_is_selected_filtered_and_expanded(client: Client) -> None:
    """One table's columns of one type come with what was asked for, and with nothing else."""
    lead = "EntityDefinitions(LogicalName='lead')"
    texts = client.rows(
        f"{lead}/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata",
        select="LogicalName,MaxLength", filter="LogicalName eq 'subject'",
    )  # fmt: skip
    assert [(one["LogicalName"], one["MaxLength"], len(one)) for one in texts] == [("subject", 300, 4)]
    tracked = client.rows(
        "EntityDefinitions", select="LogicalName", filter="ChangeTrackingEnabled eq true and IsIntersect eq false"
    )
    assert {"lead", "contact", "account"} <= {one["LogicalName"] for one in tracked}
    assert "listmember" not in {one["LogicalName"] for one in tracked}
    typed = "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist' and RequiredLevel/Value eq 'None'"
    assert client.rows(f"{lead}/Attributes", filter=typed, select="LogicalName")
    keys = client.get("EntityDefinitions", filter="LogicalName eq 'contact'", expand="Keys($select=KeyAttributes)")
    assert keys.json["value"][0]["Keys"][0]["KeyAttributes"] == ["new_marketingid"]
    assert client.get(f"{lead}/Attributes", select="MaxLength").code == "0x0"
    assert client.get("EntityDefinitions(LogicalName='nope')").status == 404


def test_labels_may_be_missing_in_the_users_language(site: Callable[..., Client]) -> None:
    """Without labels in the user's language only the base language has them."""
    client = site(labels=False)
    path = "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata"
    option = client.rows(path, expand="OptionSet")[0]["OptionSet"]["Options"][0]
    assert option["Label"]["UserLocalizedLabel"] is None
    assert option["Label"]["LocalizedLabels"][0]["Label"] == "Active"


def test_the_schema_changes_while_the_environment_runs(client: Client) -> None:
    """Columns and tables that are added can be read at once, and one that was removed is not known any more."""
    before = client.get("contacts", 'odata.include-annotations="*"', top="1").json
    new = {"table": "contact", "schema": "new_Colour", "type": "choice", "options": [[1, "Red"], [2, "Blue"]]}
    client.control(
        "POST", "schema", {"add_column": [new], "add_table": [{"schema": "new_Box", "set_name": "new_boxes"}]}
    )
    identity = next(client.org.records("contact"))["contactid"]
    client.org.update("contact", identity, {"new_colour": 2})
    shown = client.get(f"contacts({identity})", 'odata.include-annotations="*"', select="new_colour").json
    assert shown["new_colour@OData.Community.Display.V1.FormattedValue"] == "Blue"
    assert client.rows("new_boxes") == []
    after = client.get("contacts", 'odata.include-annotations="*"', top="1").json
    version = "@Microsoft.Dynamics.CRM.globalmetadataversion"
    assert before[version] != after[version]
    client.control("POST", "schema", {"remove_column": [{"table": "contact", "name": "new_colour"}]})
    assert client.get("contacts", select="new_colour").code == "0x0"

"""What the settings may do to columns before the first sync, and which fields share one by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import SettingsError
from support.records import columns, edit_first, listed, value
from support.simulated import Simulated


@pytest.mark.rule("R-021")
def test_any_column_may_be_renamed_before_the_first_sync(tmp_path: Path) -> None:
    """That of a custom field and that of a standard one."""
    names = {"Lead.Budget__c": "budget", "Lead.Title": "job_title", "Account.Site": "branch"}
    sim = Simulated(tmp_path / "m.db", fields={"rename": names})
    lead = edit_first(sim, "Lead", {"Budget__c": 7, "Title": "CTO"})
    account = edit_first(sim, "Account", {"Site": "HQ"})
    sim.sync()
    assert (value(sim, "budget", lead), value(sim, "job_title", lead), value(sim, "branch", account, "account")) == (
        7, "CTO", "HQ"
    )  # fmt: skip
    assert sim.verify().ok


@pytest.mark.rule("R-022")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rename": {"Lead.Title": "job_title"}}, "Lead.Title"),
        ({"rename": {"Contact.Budget__c": "money"}}, "Contact.Budget__c"),
        ({"split": ["Lead.Budget__c"]}, "Lead.Budget__c"),
        ({"join": [["Lead.Notes__c", "Contact.Web_Activity__c"]]}, "Contact.Web_Activity__c"),
    ],
)
def test_a_mapping_in_use_cannot_be_changed(sim: Simulated, change: dict[str, Any], field: str) -> None:
    """The error names the field and the rule, the exit code is that of the settings, and nothing is touched."""
    sim.sync()
    before = sim.sql("SELECT * FROM person"), columns(sim)
    edit_first(sim, "Lead", {"Title": "CTO"})
    sim.given["fields"] = change
    with pytest.raises(SettingsError, match=rf"{field}.*R-022") as caught:
        sim.sync()
    assert caught.value.exit_code == 2
    assert (sim.sql("SELECT * FROM person"), columns(sim)) == before


def regions(sim: Simulated, lead: str = "Region__c", contact: str = "Region__c", kind: str = "string") -> list[str]:
    """Give lead and contact a field each, with the values "North" and "South" (or 5); returns the records."""
    sim.org.add_field("Lead", {"name": lead})
    sim.org.add_field("Contact", {"name": contact, "type": kind, "picklist": ["South"]})
    south = 5 if kind == "double" else "South"
    return [edit_first(sim, "Lead", {lead: "North"}), edit_first(sim, "Contact", {contact: south})]


@pytest.mark.rule("R-023", "R-027")
@pytest.mark.parametrize("kind", ["string", "picklist"])
def test_a_lead_and_a_contact_field_of_one_name_share_a_column(sim: Simulated, kind: str) -> None:
    """The same API name, whatever its case, and types that hold each other's values."""
    records = regions(sim, "Region__c", "REGION__c", kind)
    sim.sync()
    assert [value(sim, "region__c", one) for one in records] == ["North", "South"]
    assert [one for one in columns(sim) if "region" in one] == ["region__c"]


@pytest.mark.rule("R-027")
def test_one_name_and_types_that_do_not_fit_make_two_columns(sim: Simulated) -> None:
    """Text and number: each its own column, and `check` says so."""
    lead, contact = regions(sim, kind="double")
    found = sim.use(lambda connection: connection.check())
    assert any("Lead.Region__c fills the column 'region__c_lead'" in one.message for one in found)
    sim.sync()
    assert [one for one in columns(sim) if "region" in one] == ["region__c", "region__c_lead"]
    assert (value(sim, "region__c_lead", lead), value(sim, "region__c", contact)) == ("North", 5)


@pytest.mark.rule("R-027")
def test_a_similar_name_alone_joins_nothing(sim: Simulated) -> None:
    """Nor does the same label: only the API name counts."""
    lead, contact = regions(sim, "Region__c", "Regions__c")
    sim.sync()
    assert (value(sim, "region__c", lead), value(sim, "regions__c", contact)) == ("North", "South")
    assert (value(sim, "regions__c", lead), value(sim, "region__c", contact)) == (None, None)


@pytest.mark.rule("R-024")
def test_the_settings_join_two_fields_of_different_names(tmp_path: Path) -> None:
    """One column, filled from both."""
    sim = Simulated(tmp_path / "m.db", fields={"join": [["Lead.A__c", "Contact.B__c"]]})
    records = regions(sim, "A__c", "B__c")
    sim.sync()
    assert [value(sim, "a__c", one) for one in records] == ["North", "South"]
    assert "b__c" not in columns(sim)
    assert sim.verify().ok


@pytest.mark.rule("R-025")
def test_the_settings_split_a_pair(tmp_path: Path) -> None:
    """Two columns, each filled from its own object alone."""
    sim = Simulated(tmp_path / "m.db", fields={"split": ["Lead.Region__c"]})
    lead, contact = regions(sim)
    sim.sync()
    assert (value(sim, "region__c_lead", lead), value(sim, "region__c", lead)) == ("North", None)
    assert (value(sim, "region__c_lead", contact), value(sim, "region__c", contact)) == (None, "South")


@pytest.mark.rule("R-026")
def test_taking_the_lines_out_of_the_settings_is_the_reset(tmp_path: Path) -> None:
    """Before the first sync: no edit of the mapping is left, fields seen since are there, and none is removed."""
    sim = Simulated(tmp_path / "m.db", fields={"rename": {"Lead.Budget__c": "money"}, "split": ["Lead.Notes__c"]})
    sim.org.add_field("Lead", {"name": "Late__c"})
    sim.org.hide_field("full", "Lead", "Late__c")
    before = listed(sim)
    assert [before[one]["column"] for one in ("Lead.Budget__c", "Lead.Notes__c")] == ["money", "notes__c_lead"]
    sim.org.hide_field("full", "Lead", "Late__c", hidden=False)
    sim.given = {}
    after = listed(sim)
    assert [after[one]["column"] for one in ("Lead.Budget__c", "Lead.Notes__c")] == ["budget__c", "notes__c"]
    assert after.keys() - before.keys() == {"Lead.Late__c"}
    sim.sync()
    assert {"late__c", "budget__c"} <= set(columns(sim))
    assert not {"money", "notes__c_lead"} & set(columns(sim))

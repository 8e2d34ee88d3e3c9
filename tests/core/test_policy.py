"""A route is narrowed to what may move, and every field gets one column for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.columns import LONGEST, RESERVED, column_of, suffixed, why_not
from crmsync.entities import STANDARD
from crmsync.errors import SettingsError
from crmsync.model import BOTH_WAYS, PULL_ONLY, Condition, Direction, Field, Level, Route, Scope, Type
from crmsync.schema.policy import Narrowed, check_objects, narrow
from crmsync.settings import ConnectionSettings

BASIC = {"Id": "crm_id", "Stamp": "modified_at", "Email": "email", "Title": "title"}
LEAD = Route(
    object="Lead", entity="person", role="lead", fields=BASIC, directions=BOTH_WAYS, two_way=frozenset({"email"})
)
CONTACT = Route(object="Contact", entity="person", role="contact", fields=BASIC, directions=BOTH_WAYS)
ACCOUNT = Route(object="Account", entity="account", fields={"Id": "crm_id", "Stamp": "modified_at", "Name": "name"})


def seen(*names: str, **types: Type) -> dict[str, Field]:
    """Visible fields: the basic ones, and further ones; a name that ends in __c is a custom field."""
    every = dict.fromkeys([*BASIC, "Name", *names], Type.TEXT) | types
    return {
        name: Field(name=name, type=kind, custom=name.endswith("__c"), updateable=True) for name, kind in every.items()
    }


def settings(*, where: Any = None, **fields: Any) -> ConnectionSettings:
    return ConnectionSettings.model_validate(
        {"connector": "x", "database": Path("x.db"), "fields": fields, "objects": {"where": where or {}}}
    )


def narrowed(
    route: Route, fields: dict[str, Field], *, scope: Scope | None = None, directions: frozenset[Direction] = BOTH_WAYS,
    known: dict[str, dict[str, str]] | None = None, others: tuple[Narrowed, ...] = (), where: Any = None, **choice: Any,
) -> Narrowed:  # fmt: skip
    chosen = settings(where=where, **choice)
    return narrow(
        route, fields, scope or Scope(), directions, chosen, known=known or {}, others=[one.route for one in others]
    )


def columns(found: Narrowed) -> dict[str, str]:
    return {one.field.name: one.column for one in found.route.maps}


def levels(found: Narrowed) -> list[Level]:
    return [one.level for one in found.findings]


@pytest.mark.rule("R-199", "R-206")
def test_custom_fields_follow_the_default_mapping() -> None:
    """Visible custom fields become columns by their API name in lower case; unmapped standard fields do not."""
    found = narrowed(LEAD, seen("Region__c", "Alpha__c", "Fax"))
    assert list(columns(found).items()) == [*BASIC.items(), ("Alpha__c", "alpha__c"), ("Region__c", "region__c")]
    assert found.findings == []


def test_the_order_of_columns_does_not_depend_on_the_order_of_fields() -> None:
    fields = seen("B__c", "A__c")
    backwards = dict(reversed(fields.items()))
    assert narrowed(LEAD, fields).route.maps == narrowed(LEAD, backwards).route.maps


def test_all_fields_of_an_object_can_be_columns() -> None:
    route = Route(
        object="Thing__c", entity="thing__c", fields={"Id": "crm_id", "Stamp": "modified_at"}, all_fields=True
    )
    assert columns(narrowed(route, seen("Size")))["Size"] == "size"


@pytest.mark.rule("R-243")
def test_a_field_that_is_not_visible_is_absent() -> None:
    fields = seen()
    del fields["Title"]
    assert "Title" not in columns(narrowed(LEAD, fields))


@pytest.mark.rule("R-023", "R-027")
def test_fields_of_one_name_and_type_share_a_column() -> None:
    """A lead field and a contact field of one API name, in any case of letters, fill one person column."""
    lead = narrowed(LEAD, seen("Region__c"))
    contact = narrowed(CONTACT, seen("REGION__c"), others=(lead,))
    assert columns(contact)["REGION__c"] == columns(lead)["Region__c"] == "region__c"
    assert contact.findings == []


@pytest.mark.rule("R-027")
def test_fields_of_one_name_and_different_types_are_kept_apart() -> None:
    lead = narrowed(LEAD, seen("Region__c"))
    contact = narrowed(CONTACT, seen(Region__c=Type.INTEGER), others=(lead,))
    assert columns(contact)["Region__c"] == "region__c_contact"
    assert levels(contact) == [Level.WARN]


def test_fields_of_different_tables_do_not_meet() -> None:
    lead = narrowed(LEAD, seen("Region__c"))
    assert columns(narrowed(ACCOUNT, seen(Region__c=Type.INTEGER), others=(lead,)))["Region__c"] == "region__c"


@pytest.mark.rule("R-024")
def test_fields_of_different_names_can_be_joined() -> None:
    choice: dict[str, Any] = {"join": [["Lead.Area__c", "Contact.Region__c"]]}
    lead = narrowed(LEAD, seen("Area__c"), **choice)
    contact = narrowed(CONTACT, seen("Region__c"), others=(lead,), **choice)
    assert columns(lead)["Area__c"] == columns(contact)["Region__c"] == "area__c"


def test_a_join_takes_the_column_of_a_standard_field() -> None:
    choice: dict[str, Any] = {"join": [["Lead.Job__c", "Contact.Title"]]}
    contact = narrowed(CONTACT, seen(), **choice)
    assert (
        columns(narrowed(LEAD, seen("Job__c"), others=(contact,), exclude=["Lead.Title"], **choice))["Job__c"]
        == "title"
    )


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (["Lead.A__c"], "one field each"),
        (["Lead.A__c", "Lead.B__c"], "one field each"),
        (["Lead.A__c", "Account.B__c"], "fills the table account"),
        (["Lead.A__c", "Contact.N__c"], "is of type integer"),
    ],
)
def test_only_what_fits_can_be_joined(group: list[str], said: str) -> None:
    others = (
        narrowed(ACCOUNT, seen("B__c")),
        narrowed(CONTACT, seen(N__c=Type.INTEGER), rename={"Contact.N__c": "a__c"}),
    )
    with pytest.raises(SettingsError, match=said):
        narrowed(LEAD, seen("A__c", "B__c"), others=others, join=[group])


@pytest.mark.rule("R-025")
def test_a_pair_can_be_split() -> None:
    """A field named by `split` has a column of its own, whichever of the two it is and whichever comes first."""
    lead = narrowed(LEAD, seen("Region__c"), split=["Lead.Region__c"])
    contact = narrowed(CONTACT, seen("Region__c"), others=(lead,), split=["Lead.Region__c"])
    assert (columns(lead)["Region__c"], columns(contact)["Region__c"]) == ("region__c_lead", "region__c")


@pytest.mark.rule("R-021")
def test_any_field_can_be_renamed_before_the_first_sync() -> None:
    found = narrowed(LEAD, seen("Region__c"), rename={"Lead.Region__c": "region", "Lead.Title": "job_title"})
    assert (columns(found)["Region__c"], columns(found)["Title"]) == ("region", "job_title")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("order", "reserved word"),
        ("Region", "lower-case letters"),
        ("1st", "no digit in front"),
        ("crm_is_deleted", "crmsync's own"),
        ("version", "crmsync's own"),
        ("email", "Lead.Email fills that"),
        ("birthdate", "the column is of type date"),
    ],
)
def test_a_rename_has_to_be_a_free_column(column: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        narrowed(LEAD, seen("Region__c"), rename={"Lead.Region__c": column})


def test_the_record_s_identity_has_no_other_column() -> None:
    with pytest.raises(SettingsError, match="crm_id"):
        narrowed(LEAD, seen(), rename={"Lead.Id": "lead_id"})


@pytest.mark.rule("R-022")
@pytest.mark.parametrize(
    "choice",
    [
        {"rename": {"Lead.Region__c": "region"}},
        {"split": ["Lead.Region__c"]},
        {"join": [["Contact.Area__c", "Lead.Region__c"]]},
    ],
)
def test_after_the_first_sync_a_field_keeps_its_column(choice: dict[str, Any]) -> None:
    """Settings that would move a field are refused, and the message names it."""
    with pytest.raises(SettingsError, match=r"Lead\.Region__c fills the column 'region__c' since the first sync"):
        narrowed(LEAD, seen("Region__c"), known={"Lead": {"Region__c": "region__c"}}, **choice)


@pytest.mark.rule("R-022", "R-200")
def test_after_the_first_sync_a_new_field_joins() -> None:
    known = {"Lead": {"Region__c": "area"}}
    found = narrowed(LEAD, seen("Region__c", "New__c"), known=known, rename={"Lead.New__c": "news"})
    assert (columns(found)["Region__c"], columns(found)["New__c"]) == ("area", "news")


def test_a_new_field_does_not_fill_the_column_of_one_that_was_lost() -> None:
    known = {"Lead": {"Old__c": "new__c"}}
    assert columns(narrowed(LEAD, seen("New__c"), known=known))["New__c"] == "new__c_lead"


def test_a_field_whose_type_left_its_pair_stops_alone() -> None:
    known = {"Contact": {"Region__c": "region__c"}}
    lead = narrowed(LEAD, seen("Region__c"))
    contact = narrowed(CONTACT, seen(Region__c=Type.BOOLEAN), others=(lead,), known=known)
    assert "Region__c" not in columns(contact)
    assert levels(contact) == [Level.WARN]


def test_a_standard_field_of_a_strange_type_is_left_out() -> None:
    found = narrowed(LEAD, seen(Email=Type.BOOLEAN))
    assert "Email" not in columns(found)
    assert levels(found) == [Level.WARN]


def test_include_adds_standard_fields() -> None:
    assert columns(narrowed(LEAD, seen("Fax", "FaxDate"), include=["Lead.Fax"])).get("Fax") == "fax"
    both = columns(narrowed(LEAD, seen("Fax", "FaxDate"), include=["*.Fax*"]))
    assert {"Fax", "FaxDate"} <= both.keys()


@pytest.mark.parametrize("pattern", ["Lead.Secret__c", "*.Secret__c", "Lead.*Secret*"])
def test_exclude_leaves_fields_out(pattern: str) -> None:
    assert "Secret__c" not in columns(narrowed(LEAD, seen("Secret__c"), exclude=[pattern]))


def test_a_pattern_does_not_exclude_what_a_record_needs() -> None:
    assert list(columns(narrowed(LEAD, seen(), exclude=["Lead.*"]))) == ["Id", "Stamp"]


@pytest.mark.parametrize("key", ["include", "exclude", "split"])
def test_a_misspelt_field_is_named_with_close_matches(key: str) -> None:
    with pytest.raises(SettingsError, match=rf"fields\.{key} names 'Lead\.Regoin__c'.*Did you mean Region__c\?"):
        narrowed(LEAD, seen("Region__c"), **dict[str, Any]({key: ["Lead.Regoin__c"]}))


def test_a_field_without_an_object_is_refused() -> None:
    with pytest.raises(SettingsError, match=r'"Object\.Field" is expected'):
        narrowed(LEAD, seen(), include=["Fax"])


def test_a_field_that_was_synced_and_is_hidden_only_warns() -> None:
    """A lost permission degrades: it does not turn the settings that name the field into an error."""
    found = narrowed(LEAD, seen(), known={"Lead": {"Region__c": "region"}}, rename={"Lead.Region__c": "region"})
    assert levels(found) == [Level.WARN]


@pytest.mark.parametrize("key", ["include", "join", "enable", "disable", "where"])
def test_a_misspelt_object_is_named_with_close_matches(key: str) -> None:
    fields = {"include": ["Leda.Fax"]} if key == "include" else {"join": [["Leda.Fax", "Lead.Fax"]]}
    objects = {key: {"Leda": []} if key == "where" else ["Leda"]}
    whole = {"fields": fields} if key in ("include", "join") else {"objects": objects}
    chosen = ConnectionSettings.model_validate({"connector": "x", "database": "x.db", **whole})
    with pytest.raises(SettingsError, match=rf"{key} names the object 'Leda'.*Did you mean Lead\?"):
        check_objects(chosen, ["Lead", "Contact"])


def test_objects_that_exist_pass() -> None:
    check_objects(settings(include=["Lead.Fax", "*.Phone"], where={"Lead": []}), ["Lead"])


@pytest.mark.rule("R-250")
def test_only_what_an_object_cannot_do_without_stops_it() -> None:
    """Id, stamp and what the route requires stop an object, with what to grant; a wanted field only warns."""
    route = Route(object="Lead", entity="person", fields=BASIC, required=("Email",), wanted=("Title",))
    fields = seen()
    for name in ("Stamp", "Email", "Title"):
        del fields[name]
    found = narrowed(route, fields)
    assert [(one.level, one.grant) for one in found.findings] == [
        (Level.STOP, "read access to Lead.Stamp"),
        (Level.STOP, "read access to Lead.Email"),
        (Level.WARN, "read access to Lead.Title"),
    ]


@pytest.mark.rule("R-243")
def test_an_object_that_may_not_be_read_stops() -> None:
    found = narrowed(LEAD, seen(), scope=Scope(read=False, grants=("Read on Lead",)))
    assert [(one.level, one.grant) for one in found.findings] == [(Level.STOP, "Read on Lead")]


def test_an_object_that_may_move_neither_way_stops() -> None:
    assert levels(narrowed(LEAD, seen(), directions=frozenset())) == [Level.STOP]


def test_a_field_is_pushed_only_where_everything_allows_it() -> None:
    """The route, the column or its being custom, the field itself and the rights of the credentials have to agree."""
    fields = seen("Free__c", "Fixed__c")
    fields["Fixed__c"] = Field(name="Fixed__c", custom=True)
    ways = {one.field.name: one.directions for one in narrowed(LEAD, fields).route.maps}
    assert {name for name, one in ways.items() if Direction.PUSH in one} == {"Email", "Free__c"}
    for found in (
        narrowed(LEAD, fields, directions=PULL_ONLY),
        narrowed(LEAD, fields, scope=Scope(create=False, update=False)),
        narrowed(ACCOUNT, fields),
    ):
        assert found.route.directions == PULL_ONLY
        assert all(one.directions == PULL_ONLY for one in found.route.maps)


def test_conditions_of_plugins_and_settings_add_up() -> None:
    mine, theirs = {"field": "Title", "op": "in", "value": ["CEO", "CTO"]}, Condition(field="Email", op="!=", value="x")
    found = narrowed(LEAD, seen(), scope=Scope(where=(theirs,)), where={"Lead": [mine]})
    assert found.route.scope.where == (theirs, Condition(field="Title", op="in", value=("CEO", "CTO")))


def test_a_condition_on_an_unknown_field_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"objects\.where names 'Lead\.Titel'.*Did you mean Title\?"):
        narrowed(LEAD, seen(), where={"Lead": [{"field": "Titel", "value": "CEO"}]})


def test_a_condition_of_another_type_is_refused() -> None:
    with pytest.raises(SettingsError, match="a boolean field, against 'yes'"):
        narrowed(LEAD, seen(Active__c=Type.BOOLEAN), where={"Lead": [{"field": "Active__c", "value": "yes"}]})


def test_a_condition_on_a_field_that_was_lost_stops_the_object() -> None:
    """Without its condition more records would move than the settings allow: closed, not open."""
    found = narrowed(LEAD, seen(), known={"Lead": {}}, where={"Lead": [{"field": "Gone__c", "value": "x"}]})
    assert levels(found) == [Level.STOP]


@given(st.text(min_size=1))
def test_any_field_name_makes_a_column_name(name: str) -> None:
    column = column_of(name)
    assert len(column) <= LONGEST
    assert not why_not(column) or column in RESERVED or "own" in why_not(column)
    assert not why_not(suffixed(column, "Thing.2"))


def test_no_column_of_a_standard_table_is_a_reserved_word() -> None:
    assert {name for one in STANDARD.values() for name in (one.name, *one.columns)} & RESERVED == set()

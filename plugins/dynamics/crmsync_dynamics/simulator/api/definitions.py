"""Metadata of tables, columns and keys in the JSON forms of the Web API."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from crmsync_dynamics.simulator.fields import CHOICES, MULTI, Column, Entity, Option
from crmsync_dynamics.simulator.schema.picklists import GLOBAL
from crmsync_dynamics.simulator.state import State

Json = dict[str, Any]
CRM = "Microsoft.Dynamics.CRM."
LANGUAGE = 1033
_CASTS = {
    "Lookup": "LookupAttributeMetadata", "Customer": "LookupAttributeMetadata", "Owner": "LookupAttributeMetadata",
    "Uniqueidentifier": "UniqueIdentifierAttributeMetadata", "Virtual": "AttributeMetadata",
}  # fmt: skip
_SIZED = frozenset({"Integer", "BigInt", "Decimal", "Double", "Money"})
_WHOLE = frozenset({"Integer", "BigInt"})
_OWN = frozenset({"category", "subcategory", "percentcomplete", "importsequencenumber", "overriddencreatedon"})
SETS = ("OptionSet", "GlobalOptionSet")


@cache
def identity(*names: str) -> str:
    """The MetadataId of something."""
    return str(uuid5(NAMESPACE_OID, "/".join(names)))


def cast_of(column: Column) -> str:
    """The derived type of a column's metadata."""
    return _CASTS.get(column.type, f"{column.type}AttributeMetadata")


def managed(value: Any, name: str) -> Json:
    """A managed property."""
    return {"Value": value, "CanBeChanged": True, "ManagedPropertyLogicalName": name}


def label(state: State, text: str) -> Json:
    """A label in the base language and, where the environment gives it, in the user's."""
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    one = {
        "Label": text, "LanguageCode": LANGUAGE, "IsManaged": True, "MetadataId": identity("label", text),
        "HasChanged": None,
    }  # fmt: skip
    return {"LocalizedLabels": [one], "UserLocalizedLabel": dict(one) if state.settings.labels else None}


def table(state: State, entity: Entity) -> Json:
    """A table, without its parts."""
    return {
        "MetadataId": identity(entity.name),
        "LogicalName": entity.name,
        "SchemaName": entity.schema,
        "EntitySetName": entity.set_name,
        "LogicalCollectionName": entity.set_name,
        "PrimaryIdAttribute": entity.key,
        "PrimaryNameAttribute": entity.primary_name,
        "ObjectTypeCode": entity.code,
        "IsCustomEntity": entity.custom,
        "IsActivity": entity.activity,
        "IsActivityParty": entity.name in {"account", "contact", "lead", "opportunity", "systemuser", "campaign"},
        "IsIntersect": entity.intersect,
        "IsPrivate": False,
        "OwnershipType": entity.ownership,
        "TableType": "Standard",
        "DataProviderId": None,
        "ChangeTrackingEnabled": entity.tracked,
        "IsOptimisticConcurrencyEnabled": entity.optimistic,
        "EnforceStateTransitions": False,
        "HasActivities": entity.name in {"account", "contact", "lead", "opportunity", "campaign"},
        "HasNotes": entity.name not in {"team", "connection"},
        "IsValidForAdvancedFind": True,
        "IsDuplicateDetectionEnabled": managed(entity.duplicates, "canmodifyduplicatedetectionsettings"),
        "CanChangeTrackingBeEnabled": managed(value=True, name="canchangetrackingbeenabled"),
        "IsCustomizable": managed(value=True, name="iscustomizable"),
        "DisplayName": label(state, entity.label),
        "DisplayCollectionName": label(state, entity.plural),
        "Description": label(state, ""),
        "Privileges": [],
    }


def columns(state: State, entity: Entity, cast: str = "") -> list[Json]:
    """All columns of a table, or those of one derived type, with its properties; shadows included."""
    placed = enumerate(entity.columns.values(), 1)
    return [column(state, entity, one, place) for place, one in placed if not cast or cast_of(one) == cast]


def column(state: State, entity: Entity, one: Column, place: int = 0) -> Json:
    """One column; its option sets stand in it, to be left out where they are not asked for."""
    return {
        "@odata.type": f"#{CRM}{cast_of(one)}",
        "MetadataId": identity(entity.name, one.name),
        "LogicalName": one.name,
        "SchemaName": one.schema,
        "EntityLogicalName": entity.name,
        "AttributeType": "Virtual" if one.type == MULTI else one.type,
        "AttributeTypeName": {"Value": f"{one.type}Type"},
        "AttributeOf": one.attribute_of,
        "ColumnNumber": place,
        "IsValidForRead": one.read,
        "IsValidForCreate": one.create,
        "IsValidForUpdate": one.update,
        # Of what activities have in common the vendor says no, though the Web API has it.
        "IsValidODataAttribute": one.odata and (not entity.activity or one.custom or one.name in _OWN),
        "IsLogical": one.logical,
        "IsSecured": one.secured,
        "CanBeSecuredForRead": one.custom,
        "CanBeSecuredForCreate": one.custom and one.create,
        "CanBeSecuredForUpdate": one.custom and one.update,
        "IsPrimaryId": one.name == entity.key,
        "IsPrimaryName": one.name == entity.primary_name,
        "IsCustomAttribute": one.custom,
        "SourceType": one.source if one.source is not None else 0,
        "RequiredLevel": managed(one.required, "canmodifyrequirementlevelsettings"),
        "DisplayName": label(state, one.label),
        "Description": label(state, ""),
        **_derived(state, entity, one),
    }


def _derived(state: State, entity: Entity, one: Column) -> Json:
    found: Json = {}
    if one.type in {"String", "Memo"}:
        form = one.format or ("TextArea" if one.type == "Memo" else "Text")
        found = {"MaxLength": one.length or None, "Format": form, "FormatName": {"Value": form}}
    elif one.type in _SIZED:
        found = {"MinValue": _number(one, one.low), "MaxValue": _number(one, one.high)}
        found |= {"Precision": one.precision} if one.type not in _WHOLE else {}
        found |= {"Format": "None"} if one.type == "Integer" else {}
        found |= {"PrecisionSource": 2, "IsBaseCurrency": one.name.endswith("_base")} if one.type == "Money" else {}
    elif one.type == "DateTime":
        shown = "DateOnly" if one.behavior == "DateOnly" else one.format or "DateAndTime"
        found = {"Format": shown, "DateTimeBehavior": {"Value": one.behavior}}
    elif one.lookup:
        found = {"Targets": [target.table for target in one.targets], "Format": "None"}
    elif one.type in CHOICES or one.type in {MULTI, "Boolean"}:
        found = {"DefaultFormValue" if one.type != "Boolean" else "DefaultValue": one.default}
        found |= _sets(state, entity, one)
    return found


def _number(one: Column, value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if one.type in _WHOLE or value == value.to_integral_value() else float(value)


def _sets(state: State, entity: Entity, one: Column) -> Json:
    made = option_set(state, entity, one)
    return (
        {"OptionSet": None, "GlobalOptionSet": made}
        if made["IsGlobal"]
        else {"OptionSet": made, "GlobalOptionSet": None}
    )


def option_set(state: State, entity: Entity, one: Column) -> Json:
    """The options of a choice."""
    shared = one.option_set in GLOBAL
    named = shared or one.option_set.startswith(f"{entity.name}_")
    name = one.option_set if named else f"{entity.name}_{one.name}"
    head = {
        "MetadataId": identity("options", name), "Name": name, "IsGlobal": shared, "IsCustomOptionSet": one.custom,
        "OptionSetType": one.type if one.type in {"State", "Status", "Boolean"} else "Picklist",
        "DisplayName": label(state, one.label),
    }  # fmt: skip
    options = [_option(state, one, option) for option in one.options]
    if one.type == "Boolean":
        valued = {option["Value"]: option for option in options}
        return {**head, "TrueOption": valued.get(1), "FalseOption": valued.get(0)}
    return {**head, "Options": options}


def _option(state: State, column: Column, option: Option) -> Json:
    found: Json = {
        "Value": option.value, "Color": None, "IsManaged": True, "ExternalValue": "", "ParentValues": [], "Tag": None,
        "IsHidden": False, "MetadataId": None, "HasChanged": None, "Label": label(state, option.label),
        "Description": label(state, ""),
    }  # fmt: skip
    if column.type == "State":
        found = {"@odata.type": f"#{CRM}StateOptionMetadata", **found, "DefaultStatus": option.status,
                 "InvariantName": option.label}  # fmt: skip
    if column.type == "Status":
        found = {"@odata.type": f"#{CRM}StatusOptionMetadata", **found, "State": option.state, "TransitionData": None}
    return found


def keys(state: State, entity: Entity) -> list[Json]:
    """The alternate keys of a table."""
    return [
        {
            "MetadataId": identity(entity.name, "key", name),
            "SchemaName": name,
            "LogicalName": name.lower(),
            "EntityLogicalName": entity.name,
            "KeyAttributes": list(columns_of),
            "EntityKeyIndexStatus": "Pending" if name in entity.pending_keys else "Active",
            "DisplayName": label(state, name),
        }
        for name, columns_of in entity.keys.items()
    ]

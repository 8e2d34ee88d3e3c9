"""The describe bodies: the schema as one user sees it, with every key a real org sends."""

from __future__ import annotations

from typing import Any

from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.fields import NUMBERS, Field, ObjectType
from crmsync_salesforce.simulator.schema import reads_as_calculated
from crmsync_salesforce.simulator.state import State

Body = dict[str, Any]

_SOAP = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "int": "xsd:int",
    "long": "xsd:long",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "id": "tns:ID",
    "reference": "tns:ID",
    "address": "urn:address",
    "location": "urn:location",
    "base64": "xsd:base64Binary",
}
_BYTES = 3
_LONG = 255
_UNINDEXED = frozenset({"OwnerId", "CreatedById", "LastModifiedById", "MasterRecordId", "RecordTypeId"})
_PERSON_NAMES = frozenset({"LastName", "FirstName", "Salutation"})
_WITHOUT_LAYOUT = frozenset({"Group", "RecordType", "UserRole"})
_MASTER = "012000000000000AAA"


def _extra(owner: str, field: Field) -> str | None:
    if field.type == "textarea":
        return "plaintextarea"
    if field.name == "PhotoUrl":
        return "imageurl"
    person = owner in {"Lead", "Contact", "User"}
    if person and (field.name in _PERSON_NAMES or field.name == "Name"):
        return "personname"
    return "switchablepersonname" if owner == "Account" and field.name == "Name" else None


def _picklist(field: Field) -> list[Body]:
    return [
        {"active": True, "defaultValue": one == field.default, "label": one, "validFor": None, "value": one}
        for one in field.picklist
    ]


def _text_facts(owner: str, field: Field) -> Body:
    plain = field.type in {"id", "reference"} or field.name == "Fiscal"
    listed = field.type in {"boolean", "address", "multipicklist"}
    long = field.type == "textarea" and field.length > _LONG
    day = owner == "Event" and field.name == "ActivityDate"
    return {
        "aggregatable": not (listed or long or day),
        "byteLength": field.length if plain else field.length * _BYTES,
        "caseSensitive": False,
        "extraTypeInfo": _extra(owner, field),
        "length": field.length,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "digits": field.digits,
        "precision": field.precision,
        "scale": field.scale,
        "queryByDistance": field.type in {"address", "location"},
    }


def _reference_facts(field: Field, *, searchable: bool) -> Body:
    several = len(field.targets) > 1 and field.relationship is not None
    return {
        "cascadeDelete": False,
        "namePointing": several,
        "polymorphicForeignKey": several,
        "referenceTargetField": None,
        "referenceTo": list(field.targets),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "searchPrefilterable": searchable and _prefilterable(field),
        "writeRequiresMasterRead": False,
    }


def _prefilterable(field: Field) -> bool:
    if field.type != "reference" or field.name in _UNINDEXED:
        return False
    return field.relationship is not None and field.name != "RecurrenceActivityId"


def field_body(kind: ObjectType, field: Field, rights: Rights) -> Body:
    """One field as the user sees it."""
    owner = kind.name
    calculated = reads_as_calculated(owner, field)
    subject = owner in {"Task", "Event"} and field.name == "Subject"
    return {
        "aiPredictionField": False,
        "autoNumber": False,
        "calculated": calculated,
        "calculatedFormula": field.formula if calculated else None,
        "compoundFieldName": field.compound,
        "controllerName": None,
        "createable": field.createable and rights.changes_field("create", owner, field),
        "custom": field.custom,
        "defaultValue": field.default if field.default is not None or field.type != "boolean" else False,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": subject or (field.name == "Name" and field.type not in NUMBERS),
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "picklistValues": _picklist(field),
        "restrictedPicklist": field.restricted,
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and rights.changes_field("update", owner, field),
        **_text_facts(owner, field),
        **_reference_facts(field, searchable=kind.searchable),
    }


def summary(kind: ObjectType, rights: Rights, version: str) -> Body:
    """One object in the global describe."""
    deletable, updateable = rights.may("delete", kind.name), rights.may("update", kind.name)
    base = f"/services/data/v{version}/sobjects/{kind.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": kind.createable and rights.may("create", kind.name),
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": kind.deletable and deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": kind.name in {"Lead", "Contact", "Account", "Opportunity", "Campaign", "User"},
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": kind.updateable and kind.name not in _WITHOUT_LAYOUT,
        "mergeable": kind.mergeable and updateable and deletable,
        "mruEnabled": kind.searchable,
        "name": kind.name,
        "queryable": kind.queryable,
        "replicateable": kind.replicateable,
        "retrieveable": True,
        "searchable": kind.searchable,
        "triggerable": True,
        "undeletable": kind.undeletable and deletable,
        "updateable": kind.updateable and updateable,
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
    }


def global_body(state: State, rights: Rights, version: str) -> Body:
    """The global describe."""
    kinds = [kind for kind in state.objects.values() if rights.sees_object(kind.name)]
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [summary(kind, rights, version) for kind in sorted(kinds, key=lambda one: one.name)],
    }


def _children(state: State, kind: ObjectType, rights: Rights) -> list[Body]:
    return [
        {
            "cascadeDelete": field.cascade,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": field.child_relationship,
            "restrictedDelete": False,
        }
        for child in state.objects.values()
        if rights.sees_object(child.name)
        for field in rights.visible_fields(child).values()
        if kind.name in field.targets
    ]


def _record_types(state: State, kind: ObjectType, version: str) -> list[Body]:
    table = state.tables["RecordType"]
    name, developer = table.columns["Name"], table.columns["DeveloperName"]
    mine = [row for row in table.by_id.values() if row[table.columns["SobjectType"]] == kind.name]
    known = [(row[0], row[name], row[developer], False) for row in mine] + [(_MASTER, "Master", "Master", True)]
    layout = f"/services/data/v{version}/sobjects/{kind.name}/describe/layouts"
    return [
        {
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": master if len(known) == 1 else place == 0,
            "developerName": developer_name,
            "master": master,
            "name": label,
            "recordTypeId": identity,
            "urls": {"layout": f"{layout}/{identity}"},
        }
        for place, (identity, label, developer_name, master) in enumerate(known)
    ]


def object_body(state: State, kind: ObjectType, rights: Rights, version: str) -> Body:
    """The full describe of one object."""
    body = summary(kind, rights, version)
    body["urls"] |= {"layouts": f"{body['urls']['sobject']}/describe/layouts"}
    return {
        **body,
        "actionOverrides": [],
        "childRelationships": _children(state, kind, rights),
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [field_body(kind, one, rights) for one in rights.visible_fields(kind).values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(state, kind, version),
        "searchLayoutable": kind.searchable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {kind.plural.lower()}", "name": "everything"}],
    }

"""A describe as the vendor sends it: the fields in it, and the rights on the object."""

from __future__ import annotations

from typing import Any

import msgspec

from crmsync.model import Field, Scope, Type

TYPES: dict[str, Type] = {
    "boolean": Type.BOOLEAN,
    "int": Type.INTEGER,
    "long": Type.INTEGER,
    "double": Type.DECIMAL,
    "currency": Type.DECIMAL,
    "percent": Type.DECIMAL,
    "date": Type.DATE,
    "datetime": Type.DATETIME,
    "time": Type.TIME,
    "multipicklist": Type.MULTI,
    "reference": Type.REFERENCE,
    "id": Type.REFERENCE,
}
"""Our type by the vendor's; every other one, known or not, is read as text."""
LEFT_OUT = frozenset({"address", "location", "base64", "complexvalue", "json"})
"""Types that are not read: compounds, whose components are fields of their own, and files."""


class _Value(msgspec.Struct, gc=False):
    value: str | None = None
    active: bool = True


class _Field(msgspec.Struct):
    name: str
    type: str = "string"
    label: str | None = None
    length: int | None = 0
    precision: int | None = 0
    scale: int | None = 0
    digits: int | None = 0
    custom: bool = False
    createable: bool = False
    updateable: bool = False
    calculated: bool = False
    nillable: bool = True
    externalId: bool = False  # noqa: N815 - the vendor's spelling, here and below
    filterable: bool = True
    permissionable: bool = False
    autoNumber: bool = False  # noqa: N815
    restrictedPicklist: bool | None = False  # noqa: N815
    picklistValues: list[_Value] | None = None  # noqa: N815
    referenceTo: list[str] | None = None  # noqa: N815


class Child(msgspec.Struct, gc=False):
    """A relationship of other records to this object."""

    childSObject: str  # noqa: N815
    field: str | None = None


class Described(msgspec.Struct):
    """The parts of a describe that are used."""

    name: str
    label: str | None = None
    custom: bool = False
    customSetting: bool = False  # noqa: N815
    queryable: bool = True
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    replicateable: bool | None = None
    fields: list[_Field] = []
    childRelationships: list[Child] | None = None  # noqa: N815


def read_describe(body: bytes) -> Described:
    """A describe's body. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Described)


def fields_of(described: Described) -> dict[str, Field]:
    """The fields that can be read, by name."""
    return {one.name: _field(one) for one in described.fields if one.type not in LEFT_OUT}


def _field(one: _Field) -> Field:
    type_ = TYPES.get(one.type, Type.TEXT)
    values = tuple(v.value for v in one.picklistValues or () if v.active and v.value is not None)
    return Field(
        name=one.name,
        type=type_,
        label=one.label or one.name,
        native=one.type,
        length=(one.length or 0) if type_ in (Type.TEXT, Type.MULTI, Type.REFERENCE) else 0,
        digits=(one.precision or one.digits or 0) if type_ in (Type.DECIMAL, Type.INTEGER) else 0,
        scale=(one.scale or 0) if type_ is Type.DECIMAL else 0,
        custom=one.custom,
        createable=one.createable,
        updateable=one.updateable,
        calculated=one.calculated,
        denied=_denied(one),
        nullable=one.nillable,
        restricted=bool(one.restrictedPicklist),
        values=values,
        references=tuple(one.referenceTo or ()),
    )


def _denied(one: _Field) -> bool:
    """Whether only a permission is missing: what the org itself fills nobody may write."""
    return one.permissionable and not (one.createable or one.updateable or one.calculated or one.autoNumber)


def scope_of(described: Described, where: tuple[Any, ...] = (), grants: tuple[str, ...] = ()) -> Scope:
    """The rights on an object."""
    return Scope(
        read=described.queryable,
        create=described.createable,
        update=described.updateable,
        delete=described.deletable,
        where=where,
        grants=grants,
    )

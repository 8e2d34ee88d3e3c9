"""An OData 4 service by odatapy, which none of us wrote: its metadata, its queries, its pages, its links.

What it serves is ours, and spelled as freely as the standard allows: types in several schemas and under aliases, one
based on another, two sets of one type, keys of all kinds, a type without a column that tells of changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from odatapy.data import Entity, ValueType
from odatapy.edm.csdl import (
    CsdlAbstractEdmProvider,
    CsdlEntityContainer,
    CsdlEntitySet,
    CsdlEntityType,
    CsdlEnumMember,
    CsdlEnumType,
    CsdlProperty,
    CsdlPropertyRef,
    CsdlSchema,
    CsdlTypeDefinition,
)
from odatapy.server import OData
from odatapy.server.adapters.common import build_request
from odatapy.server.inmemory import InMemoryDataStore, InMemoryProcessor

from crmsync.clock import Clock
from support.service import Service

PAGE = 7
PERSON = {
    "Id": "Edm.Guid", "firstname": "Edm.String", "lastname": "Edm.String", "emailaddress1": "C.Address",
    "LastModified": "Edm.DateTimeOffset",
}  # fmt: skip
CONTACT = {
    "birthdate": "Edm.Date", "donotbulkemail": "Edm.Boolean", "grade": "C.Grade", "credit": "Edm.Decimal",
    "score": "Edm.Int64", "span": "Edm.Duration",
}  # fmt: skip
LEAD = {"LeadNo": "Edm.Int32", "lastname": "Edm.String", "subject": "Edm.String", "emailaddress1": "Edm.String"}
ITEM = {"Order": "Edm.Int32", "Line": "Edm.Int32"}
SETS = {"Contacts": "Contact", "Archive": "Contact", "Leads": "Lead", "Items": "Item"}


class Foreign(Service):
    """Serves the sets."""

    ROOT = "/data/crm.svc"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._store = InMemoryDataStore()
        service = OData.new_instance()
        self._handler = service.create_handler(service.create_service_metadata(_Provider()))
        self._handler.register(InMemoryProcessor(self._store, page_size=PAGE))

    def put(self, set_name: str, *rows: dict[str, Any]) -> None:
        """Add rows to a set."""
        for row in rows:
            self._store.insert_entity(set_name, _entity(SETS[set_name], row))

    def change(self, set_name: str, at: int, **values: Any) -> None:
        """Change the row at a place of a set."""
        entity = self._store.entities(set_name)[at]
        for name, value in values.items():
            _set(entity, name, value)

    def remove(self, set_name: str, at: int) -> None:
        """Delete the row at a place of a set."""
        self._store.remove_entity(set_name, self._store.entities(set_name)[at])

    def value(self, set_name: str, at: int, name: str) -> Any:
        """A value of the row at a place of a set."""
        return self._store.entities(set_name)[at].get_value(name)

    async def answered(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        below = unquote(path.removeprefix(self.ROOT)).lstrip("/")
        asked = build_request(
            method=request.method, odata_path=below, query_string=query or None,
            base_uri=self.url, headers=dict(request.headers), body=await request.read(),
        )  # fmt: skip
        answer = self._handler.process(asked)
        return web.Response(status=answer.status_code, body=answer.content, headers=dict(answer.headers))


class _Provider(CsdlAbstractEdmProvider):
    def get_schemas(self) -> list[CsdlSchema]:
        person = _type("Person", PERSON, ["Id"], abstract=True)
        contact = _type("Contact", CONTACT, [], base_type="C.Person")
        grade = CsdlEnumType(
            name="Grade", members=[CsdlEnumMember(name="Hot", value=0), CsdlEnumMember(name="Cold", value=1)]
        )  # fmt: skip
        address = CsdlTypeDefinition(name="Address", underlying_type="Edm.String", max_length=100)
        common = CsdlSchema(
            namespace="Acme.Common", alias="C", entity_types=[person], enum_types=[grade], type_definitions=[address]
        )  # fmt: skip
        kinds = [contact, _type("Lead", LEAD, ["LeadNo"]), _type("Item", ITEM, ["Order", "Line"])]
        sets = [CsdlEntitySet(name=name, type=f"Acme.Sales.{kind}") for name, kind in SETS.items()]
        sales = CsdlSchema(
            namespace="Acme.Sales", entity_types=kinds,
            entity_container=CsdlEntityContainer(name="All", entity_sets=sets),
        )  # fmt: skip
        return [common, sales]


def _type(name: str, columns: dict[str, str], keys: Sequence[str], **more: Any) -> CsdlEntityType:
    properties = [_property(one, kind, key=one in keys) for one, kind in columns.items()]
    return CsdlEntityType(name=name, key=[CsdlPropertyRef(name=one) for one in keys], properties=properties, **more)


def _property(name: str, kind: str, *, key: bool) -> CsdlProperty:
    precision, scale = (20, 4) if kind == "Edm.Decimal" else (None, None)
    return CsdlProperty(name=name, type=kind, nullable=not key, precision=precision, scale=scale)


def _entity(kind: str, row: dict[str, Any]) -> Entity:
    entity = Entity()
    entity.type = f"Acme.Sales.{kind}"
    for name, value in row.items():
        _set(entity, name, value)
    return entity


def _set(entity: Entity, name: str, value: Any) -> None:
    native = (PERSON | CONTACT | LEAD | ITEM)[name].replace("C.", "Acme.Common.")
    entity.set_property(name, value, ValueType.ENUM if name == "grade" else ValueType.PRIMITIVE, native)

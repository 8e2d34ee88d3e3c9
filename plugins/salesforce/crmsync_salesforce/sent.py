"""What a create made whose answer was lost: found by our own key, else by the values that were sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from datetime import timedelta

from crmsync.clock import moment, stamp
from crmsync.model import Field, Page, Sent, Type, Value
from crmsync_salesforce.client import Answer
from crmsync_salesforce.describe import Known
from crmsync_salesforce.errors import Faulty
from crmsync_salesforce.query import at_least, literal, name, text_literal
from crmsync_salesforce.reading import Reader, raised

_BEFORE = timedelta(minutes=1)
_SECONDS = 19
_LONGEST = 255
_MAY_CHANGE = frozenset({"picklist", "multipicklist"})
"""Types of values that rules of the org like to set on the way in; they tell no record from another anyway."""
_COMPARED = frozenset({Type.TEXT, Type.INTEGER, Type.DATE, Type.DATETIME, Type.REFERENCE})


async def sent(reader: Reader) -> AsyncGenerator[Page, None]:
    """Records that the lost create may have made, deleted ones as gone. A page with `gap` is too early to be believed.

    Without a key field: records made by us since then with the texts, dates, whole numbers and references that were
    sent. Owner, picklists and flags are left out, since the org's own rules set those.
    """
    wanted = reader.query.sent
    assert wanted is not None
    known = await reader.session.describes.last(reader.object)
    reader.prepare(life=True)
    select = reader.select(_tests(reader, known, wanted))
    try:
        async for found, answer in reader.pages(reader.ask(select, everything=reader.facts.deleted, together=True)):
            page = reader.page(found, resume=None)
            yield replace(page, gap=_early(reader, answer, wanted))
    except Faulty as error:
        raise raised(error, reader) from error


def _early(reader: Reader, answer: Answer, wanted: Sent) -> bool:
    """Whether what was made then need not be visible yet, by the server's clock."""
    visible = answer.asked_at - timedelta(seconds=reader.session.settings.lag_seconds)
    return visible < moment(wanted.at) + reader.client.offset


def _tests(reader: Reader, known: Known, wanted: Sent) -> tuple[str, ...]:
    field = reader.session.settings.key_field
    if wanted.key and field and (key := known.key(field)):
        return (f"{name(key)} = {text_literal(wanted.key)}",)
    since = moment(wanted.at) + reader.client.offset - _BEFORE
    tests = [at_least("CreatedDate", stamp(since.replace(microsecond=0)))]
    if reader.session.identity.user and "CreatedById" in known.fields:
        tests.append(f"CreatedById = {text_literal(reader.session.identity.user)}")
    person = {"WhoId": wanted.person} if wanted.person else {}
    return (*tests, *_values(known, {**wanted.values, **person}))


def _values(known: Known, values: Mapping[str, Value]) -> list[str]:
    found = []
    for one, value in values.items():
        field = known.fields.get(one)
        if field is not None and one in known.filterable and _tells(field, value):
            found.append(f"{name(one)} = {literal(_stored(field, value), field.type)}")
    return found


def _tells(field: Field, value: Value) -> bool:
    if value is None or field.name == "OwnerId" or field.native in _MAY_CHANGE:
        return False
    return field.type in _COMPARED and len(str(value)) <= _LONGEST


def _stored(field: Field, value: Value) -> Value:
    """The value as the org keeps it: texts trimmed, moments in whole seconds."""
    if field.type is Type.DATETIME:
        return f"{str(value)[:_SECONDS]}.000Z"
    return value.strip() if isinstance(value, str) else value

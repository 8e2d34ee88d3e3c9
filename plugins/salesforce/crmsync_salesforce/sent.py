"""What a create made whose answer was lost: found by our own key, else by the values that were sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from crmsync.clock import moment, stamp
from crmsync.model import Alike, Field, Page, Sent
from crmsync_salesforce.client import Answer
from crmsync_salesforce.decoded import Decoded
from crmsync_salesforce.describe import Known
from crmsync_salesforce.errors import Faulty
from crmsync_salesforce.likeness import Likeness
from crmsync_salesforce.query import at_least, name, text_literal
from crmsync_salesforce.reading import Reader, raised

_BEFORE, _AFTER = timedelta(minutes=1), timedelta(minutes=15)
"""How far from the moment it left a record may be made by it; of a call that took longer a person has to judge."""

_MAKER, _MADE = "CreatedById", "CreatedDate"


async def sent(reader: Reader) -> AsyncGenerator[Page, None]:
    """Records that the lost create may have made, deleted ones as gone. A page with `gap` is too early to be believed.

    Without a key field: of the records made by us then those with the texts, dates, whole numbers and references that
    were sent, and as `alike` those that have most of them, or the one that tells: rules of the org may have changed
    some on the way in. What was made later than the call can have lasted is at most alike, and never strong.
    """
    wanted = reader.query.sent
    assert wanted is not None
    known = await reader.session.describes.last(reader.object)
    comparison: _Comparison | None = None
    tests = _under_key(reader, known, wanted)
    if not tests:
        tests, comparison = _among_ours(reader, known, wanted)
    reader.prepare(life=True)
    select = reader.select(tests)
    try:
        async for found, answer in reader.pages(reader.ask(select, everything=reader.facts.deleted, together=True)):
            page = replace(reader.page(found, resume=None), gap=_early(reader, answer, wanted))
            yield comparison.sorted(page, reader, found) if comparison else page
    except Faulty as error:
        raise raised(error, reader) from error


def _early(reader: Reader, answer: Answer, wanted: Sent) -> bool:
    """Whether what was made then need not be visible yet, by the server's clock."""
    visible = answer.asked_at - timedelta(seconds=reader.session.settings.lag_seconds)
    return visible < moment(wanted.at) + reader.client.offset


def _under_key(reader: Reader, known: Known, wanted: Sent) -> tuple[str, ...]:
    field = reader.session.settings.key_field
    key = known.key(field) if wanted.key and field else None
    return (f"{name(key)} = {text_literal(wanted.key)}",) if key else ()


def _among_ours(reader: Reader, known: Known, wanted: Sent) -> tuple[tuple[str, ...], _Comparison]:
    """What to ask for, with the columns to compare, where no key tells."""
    since = moment(wanted.at) + reader.client.offset - _BEFORE
    tests = [at_least(_MADE, stamp(since.replace(microsecond=0)))]
    ours = bool(reader.session.identity.user and _MAKER in known.fields)
    if ours:
        tests.append(f"{_MAKER} = {text_literal(reader.session.identity.user)}")
    likeness = Likeness.of(known, wanted, ours=ours)
    upto = stamp(moment(wanted.at) + reader.client.offset + _AFTER)
    comparison = _Comparison(likeness, len(reader.query.fields), upto)
    reader.query = replace(reader.query, fields=comparison.columns(reader.query.fields, known))
    return (*tests, *likeness.tests()), comparison


class _Comparison(Struct, frozen=True):
    """Sorts records by what they have in common with what was sent, and hands on the columns that were asked for."""

    likeness: Likeness
    asked: int
    upto: str

    def columns(self, asked: tuple[Field, ...], known: Known) -> tuple[Field, ...]:
        """The columns that were asked for, then those that are compared."""
        there = {one.name for one in asked}
        more = (known.fields["Id"], known.fields[_MADE], *self.likeness.fields.values())
        return (*asked, *(one for one in more if one.name not in there))

    def sorted(self, page: Page, reader: Reader, found: Decoded) -> Page:
        """The page with those that are the same, and the others as `alike` where they are."""
        columns = {key: found.column(reader.at(key)) for key in self.likeness.values}
        like: dict[str, Alike] = {}
        dead = {one.id for one in page.gone}
        made = found.column(reader.at(_MADE))
        for at, crm_id in enumerate(found.column(reader.at("Id"))):
            one = self.likeness.compare(str(crm_id), {key: column[at] for key, column in columns.items()})
            if one is not None:
                like[one.id] = one if str(made[at]) <= self.upto else _late(one, str(made[at]))
        same = {one.id for one in like.values() if not one.differs}
        identity = page.columns.index("Id")
        return replace(
            page,
            columns=page.columns[: self.asked],
            rows=[row[: self.asked] for row in page.rows if row[identity] in same],
            gone=[one for one in page.gone if one.id in same],
            merged=[one for one in page.merged if one.id in same],
            alike=[replace(one, gone=one.id in dead) for one in like.values() if one.differs],
        )


def _late(one: Alike, made: str) -> Alike:
    """A record that the call can hardly have made; a flow that runs as our user may have."""
    return Alike(one.id, f"{one.differs + ', ' if one.differs else ''}made only at {made}")

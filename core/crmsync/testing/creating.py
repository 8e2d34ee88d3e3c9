"""Promises about new records, and about the end of records."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from crmsync.testing.bench import rows_of
from crmsync.testing.writer import Writer, WriterPromises, done
from crmsync.writes import Change, Operation, Result, Wish

LONG_AGO = timedelta(days=1)


class CreatingPromises(WriterPromises):
    """What a create and a delete do."""

    def test_a_create_gives_the_id_of_the_new_record(self) -> None:
        """A create is answered with an id, by which the record is read with the values that were sent."""

        async def promise(writer: Writer) -> None:
            change = writer.create()
            (outcome,) = await writer.apply(change)
            done(outcome)
            assert outcome.crm_id, "a create that is done has no id"
            assert await writer.record(outcome.crm_id), f"{outcome.crm_id} is not in the CRM"
            held = (await writer.read(outcome.crm_id)).get(outcome.crm_id, {})
            differ = {name: held[name] for name, value in change.values.items() if held.get(name, value) != value}
            assert held, f"{outcome.crm_id} cannot be read by id"
            assert not differ, f"the new record has {differ} and not what was sent"

        self.keep_writing(promise, Operation.CREATE)

    def test_a_create_sent_twice_makes_one_record(self) -> None:
        """The same create under the same key makes one record, where the connector writes keys into the CRM."""

        async def promise(writer: Writer) -> None:
            change = writer.create(uuid4().hex)
            before = rows_of(await writer.bench.load()).keys()
            first = await writer.created(change)
            (again,) = await writer.apply(change)
            done(again)
            if again.crm_id != first:
                pytest.skip("this connector keeps no keys: what a lost create made is found by Kind.SENT")
            made = rows_of(await writer.bench.load()).keys() - before
            assert made == {first}, f"one create, sent twice under one key, made {sorted(made)}"

        self.keep_writing(promise, Operation.CREATE)

    def test_what_a_create_made_is_found(self) -> None:
        """A read of kind SENT finds what a create made, and nothing else; `gap` only while it is too early to tell."""

        async def promise(writer: Writer) -> None:
            change, at = writer.create(uuid4().hex), writer.bench.source.clock.now()
            made = await writer.created(change)
            found = await writer.sent(change, at)
            assert rows_of(found).keys() == {made}, f"a create made {made}, and SENT finds {sorted(rows_of(found))}"

        self.keep_writing(promise, Operation.CREATE)

    def test_what_never_arrived_is_not_found(self) -> None:
        """A read of kind SENT finds nothing of a create that never arrived, and is sure once that was long ago."""

        async def promise(writer: Writer) -> None:
            never, at = writer.create(uuid4().hex), writer.bench.source.clock.now()
            await writer.created(writer.create(uuid4().hex))
            for sent in (at, at - LONG_AGO):
                pages = await writer.sent(never, sent)
                assert not rows_of(pages), f"SENT finds {sorted(rows_of(pages))} of a create that never was"
            assert not any(page.gap for page in pages), f"after {LONG_AGO} SENT still says that it is too early to tell"

        self.keep_writing(promise, Operation.CREATE)

    def test_the_wished_owner_owns_the_new_record(self) -> None:
        """`wish.owner` becomes the owner of the new record."""

        async def promise(writer: Writer) -> None:
            owner, route = writer.bench.source.owner, writer.bench.route
            column = next((one.field.name for one in route.maps if one.column == "owner_crm_id"), None)
            if not owner or column is None:
                pytest.skip("the object has no owner" if owner else "the source names no owner")
            made = await writer.created(writer.create(wish=Wish(owner=owner)))
            assert (await writer.read(made))[made][column] == owner

        self.keep_writing(promise, Operation.CREATE)

    def test_a_delete_is_done_also_where_it_was_done_before(self) -> None:
        """A delete ends the record. The same again is DONE: what was wanted is so."""

        async def promise(writer: Writer) -> None:
            known = await writer.bench.create()
            outcomes = [*await writer.apply(_delete(writer, known)), *await writer.apply(_delete(writer, known))]
            assert [one.result for one in outcomes] == [Result.DONE] * 2, outcomes
            assert await writer.record(known) is None, "a record that was deleted is still in the CRM"

        self.keep_writing(promise, Operation.DELETE)


def _delete(writer: Writer, crm_id: str) -> Change:
    return writer.change(Operation.DELETE, crm_id)

"""Promises about updates."""

from __future__ import annotations

from crmsync.model import Kind, Page
from crmsync.testing.bench import end, rows_of
from crmsync.testing.samples import sample
from crmsync.testing.watching import watched
from crmsync.testing.writer import Writer, WriterPromises, done, moved
from crmsync.writes import Operation, Result

SOME = 3


class WritingPromises(WriterPromises):
    """What an update does."""

    def test_outcomes_come_in_the_order_of_the_changes(self) -> None:
        """Updates sent at once have one outcome each, in order, with the record's id, and each its own value."""

        async def promise(writer: Writer) -> None:
            ids = await writer.known(SOME)
            values = await writer.others(*ids)
            outcomes = await writer.apply(*map(writer.update, ids, values))
            assert [one.result for one in outcomes] == [Result.DONE] * SOME, outcomes
            assert [one.crm_id for one in outcomes] == ids, "an outcome has another record's id, or none"
            held = await writer.read(*ids)
            assert [held[one][writer.plain.name] for one in ids] == [one[writer.plain.name] for one in values]

        self.keep_writing(promise, Operation.UPDATE)

    def test_an_update_writes_exactly_what_it_names(self) -> None:
        """An update changes the fields that it names, and of all others only what nobody can write."""

        async def promise(writer: Writer) -> None:
            (known,) = await writer.known(1)
            (values,) = await writer.others(known)
            before = await writer.record(known)
            done(*await writer.apply(writer.update(known, values)))
            changed = moved(before, await writer.record(known))
            assert changed >= values.keys(), "an update that is done has not reached the CRM"
            stray = [
                one for one in changed - values.keys() if one not in writer.visible or writer.visible[one].updateable
            ]
            assert not stray, f"an update of {sorted(values)} also changed {sorted(stray)}"

        self.keep_writing(promise, Operation.UPDATE)

    def test_an_update_again_changes_nothing_more(self) -> None:
        """The same update twice is done twice, and leaves what it left the first time."""

        async def promise(writer: Writer) -> None:
            (known,) = await writer.known(1)
            (values,) = await writer.others(known)
            change = writer.update(known, values)
            done(*await writer.apply(change))
            (first,) = (await writer.read(known)).values()
            done(*await writer.apply(change))
            (second,) = (await writer.read(known)).values()
            names = {one.name for one in writer.fields}
            changed = moved(first, second) & names
            assert not changed, f"the same update again changed {sorted(changed)}"

        self.keep_writing(promise, Operation.UPDATE)

    def test_null_empties_a_field(self) -> None:
        """A value of None empties its field."""

        async def promise(writer: Writer) -> None:
            (known,) = await writer.known(1)
            filled = {one.name: sample(one, 0, writer.given) for one in writer.fields if one.nullable}
            filled = {name: value for name, value in filled.items() if value is not None}
            done(*await writer.apply(writer.update(known, filled)))
            done(*await writer.apply(writer.update(known, dict.fromkeys(filled))))
            held = (await writer.read(known))[known]
            left = {name: held[name] for name in filled if held[name] is not None}
            assert not left, f"fields that were to be emptied still hold {left}"

        self.keep_writing(promise, Operation.UPDATE)

    def test_a_whole_batch_is_written(self) -> None:
        """As many changes as `System.batch` says, given at once, are all written."""

        async def promise(writer: Writer) -> None:
            ids = await writer.known(writer.bench.plugins.system.batch)
            values = await writer.others(*ids)
            outcomes = await writer.apply(*map(writer.update, ids, values))
            failed = [one for one in outcomes if one.result is not Result.DONE]
            assert not failed, f"{len(failed)} of {len(ids)} changes failed: {failed[0]}"
            held, name = await writer.read(*ids), writer.plain.name
            lost = [one for one, value in zip(ids, values, strict=True) if held[one][name] != value[name]]
            assert not lost, f"{len(lost)} of {len(ids)} changes are done and not in the CRM, of {lost[0]} for one"

        self.keep_writing(promise, Operation.UPDATE)

    def test_what_was_written_is_found_by_reading_changes(self) -> None:
        """A read of changes finds what the connector wrote after its mark, as it finds everybody's edits."""

        async def promise(writer: Writer) -> None:
            bench, (known,) = writer.bench, await writer.known(1)
            (values,) = await writer.others(known)
            mark, wanted = end(await bench.load()), {known}
            await bench.source.wait()
            done(*await writer.apply(writer.update(known, values)))
            if bench.route.scope.create:
                wanted.add(await writer.created(writer.create()))
            rows = await writer.read(*wanted)

            def there(pages: list[Page]) -> bool:
                found = rows_of(pages)
                return all(found.get(one) == tuple(row.values()) for one, row in rows.items())

            found = await bench.follow(Kind.CHANGES, mark, there)
            assert there(found), f"not everything that the connector wrote is among the changes: {sorted(wanted)}"

        self.keep_writing(promise, Operation.UPDATE)

    def test_writing_does_not_block_the_loop(self) -> None:
        """While changes are written, everything else on the loop goes on."""

        async def promise(writer: Writer) -> None:
            (known,) = await writer.known(1)
            (values,) = await writer.others(known)
            async with watched():
                await writer.bench.plugins.apply(writer.bench.session, [writer.update(known, values)])

        self.keep_writing(promise, Operation.UPDATE)

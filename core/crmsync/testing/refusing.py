"""Promises about changes that do not go through: what is told of them, and that nothing else suffers."""

from __future__ import annotations

import pytest

from crmsync.errors import CrmsyncError
from crmsync.model import Type
from crmsync.testing.facts import secrets_in
from crmsync.testing.writer import NEVER, Values, Writer, WriterPromises, moved
from crmsync.writes import Change, Operation, Result, Wish

DONE, REFUSED, GONE = Result.DONE, Result.REFUSED, Result.GONE


class RefusingPromises(WriterPromises):
    """What becomes of changes that the CRM does not take."""

    def test_a_refused_record_stops_no_other(self) -> None:
        """What the CRM refuses is REFUSED, with a message, and not written; what was sent along is."""

        async def promise(writer: Writer) -> None:
            first, bad, last = await writer.known(3)
            changes = _around(writer, (first, last), await writer.others(first, last), writer.update(bad, _bad(writer)))
            before = await writer.record(bad)
            outcomes = await writer.apply(*changes)
            assert [one.result for one in outcomes] == [DONE, REFUSED, DONE], outcomes
            assert outcomes[1].message, "a refusal does not say why"
            assert await writer.record(bad) == before, "what was refused has changed the record"
            await _check(writer, changes[0], changes[2])

        self.keep_writing(promise, Operation.UPDATE)

    def test_an_update_of_a_deleted_record_is_gone(self) -> None:
        """An update of a record that was deleted meanwhile is GONE, and what was sent along is written."""

        async def promise(writer: Writer) -> None:
            first, last = await writer.known(2)
            gone = await writer.bench.create()
            values = await writer.others(first, last)
            await writer.bench.delete(gone)
            changes = _around(writer, (first, last), values, writer.update(gone, values[0]))
            outcomes = await writer.apply(*changes)
            assert [one.result for one in outcomes] == [DONE, GONE, DONE], outcomes
            await _check(writer, changes[0], changes[2])

        self.keep_writing(promise, Operation.UPDATE)

    def test_apply_raises_only_where_nothing_was_written(self) -> None:
        """Whatever is in a batch: either `apply` raises one of our errors and nothing was written, or it tells all."""

        async def promise(writer: Writer) -> None:
            first, last, other = await writer.known(3)
            for bad in _nonsense(writer, other):
                changes = _around(writer, (first, last), await writer.others(first, last), bad)
                before = await writer.record(first)
                told = await writer.told(*changes)
                written = bool(moved(before, await writer.record(first)))
                if isinstance(told, CrmsyncError):
                    assert not written, f"written, and told nobody: {told}"
                else:
                    assert written is (told[0].result is DONE), f"written: {written}, and told: {told[0]}"

        self.keep_writing(promise, Operation.UPDATE)

    def test_every_operation_is_answered(self) -> None:
        """Also what a connector cannot do, or finds nobody to do it to, has an outcome that says why, or our error."""

        async def promise(writer: Writer) -> None:
            for change in _of_nobody(writer):
                told = await writer.told(change)
                said = isinstance(told, CrmsyncError) or told[0].result is DONE or told[0].message
                assert said, f"{change.operation} is {told}, and nobody knows why"

        self.keep_writing(promise)

    def test_outcomes_show_no_secret(self) -> None:
        """No password, secret, token or key of the settings stands in what is told of a change."""

        async def promise(writer: Writer) -> None:
            source, plugins = writer.bench.source, writer.bench.plugins
            secrets = secrets_in(plugins.system.settings, source.settings)
            known, gone = await writer.known(1), await writer.bench.create()
            values = await writer.others(*known)
            await writer.bench.delete(gone)
            changes = [writer.update(one, values[0]) for one in (*known, gone, NEVER)]
            changes += [writer.update(one, source.refused) for one in known if source.refused]
            told = [f"{one!r} {one}" for one in [await writer.told(one) for one in changes]]
            shown = [name for name, value in source.settings.items() if value in secrets and str(value) in str(told)]
            assert not shown, f"{', '.join(shown)} can be read where it is told what became of a change"

        self.keep_writing(promise, Operation.UPDATE)


def _around(writer: Writer, ids: tuple[str, str], values: list[Values], bad: Change) -> tuple[Change, Change, Change]:
    """A change between two good ones."""
    return writer.update(ids[0], values[0]), bad, writer.update(ids[1], values[1])


def _bad(writer: Writer) -> Values:
    if not writer.bench.source.refused:
        pytest.skip("the source names no values that the CRM refuses")
    return dict(writer.bench.source.refused)


async def _check(writer: Writer, *changes: Change) -> None:
    held = await writer.read(*(one.crm_id for one in changes))
    lost = [one.crm_id for one in changes if dict(one.values).items() - held[str(one.crm_id)].items()]
    assert not lost, f"a change is done and not in the CRM, of {lost}"


def _nonsense(writer: Writer, crm_id: str) -> list[Change]:
    """Changes that cannot be written, each for a reason of its own."""
    typed: list[Values] = [
        {one.name: "kit"} for one in writer.fields if one.type in (Type.INTEGER, Type.DECIMAL, Type.DATETIME)
    ]
    values: list[Values] = [{"KitNoSuchField": "kit"}, *typed[:1]]
    values += [dict(writer.bench.source.refused)] if writer.bench.source.refused else []
    nobody = writer.update(NEVER, {writer.plain.name: "kit"})
    return [nobody, *(writer.update(crm_id, one) for one in values)]


def _of_nobody(writer: Writer) -> list[Change]:
    """Every operation but a create, on a record that never was."""
    system, obj = writer.bench.plugins.system, writer.bench.route.object
    wish = Wish(losers=(f"{NEVER}-either",), campaign=NEVER, person=NEVER, person_object=obj)
    objects = {Operation.TASK: system.tasks or obj, Operation.MEMBER: system.members or obj}
    return [
        writer.change(one, None if one in objects else NEVER, object=objects.get(one, obj), wish=wish)
        for one in Operation
        if one is not Operation.CREATE
    ]

"""Promises about changes that the CRM took, and whose answer was lost."""

from __future__ import annotations

from uuid import uuid4

import pytest

from crmsync.errors import CrmsyncError
from crmsync.testing.bench import rows_of
from crmsync.testing.writer import Writer, WriterPromises, moved
from crmsync.writes import Change, Operation, Outcome, Result


class LosingPromises(WriterPromises):
    """What is told of a change that nobody knows the end of."""

    def test_an_update_without_an_answer_is_unknown(self) -> None:
        """An update whose answer was lost is UNKNOWN, or DONE once that was found out; never told as not written."""

        async def promise(writer: Writer) -> None:
            (known,) = await writer.known(1)
            (values,) = await writer.others(known)
            before = await writer.record(known)
            told = await _lose(writer, writer.update(known, values))
            written = bool(moved(before, await writer.record(known)))
            assert _honest(told) or not written, f"it was written, and told was {told!r}"

        self.keep_writing(promise, Operation.UPDATE)

    def test_a_create_without_an_answer_is_unknown(self) -> None:
        """So is a create: told as not written, it would be made again."""

        async def promise(writer: Writer) -> None:
            before = rows_of(await writer.bench.load()).keys()
            told = await _lose(writer, writer.create(uuid4().hex))
            made = rows_of(await writer.bench.load()).keys() - before
            assert _honest(told) or not made, f"{sorted(made)} was made, and told was {told!r}"

        self.keep_writing(promise, Operation.CREATE)


async def _lose(writer: Writer, change: Change) -> list[Outcome] | CrmsyncError:
    if writer.bench.source.lose is None:
        pytest.skip("the source cannot lose answers")
    writer.bench.source.lose()
    return await writer.told(change)


def _honest(told: list[Outcome] | CrmsyncError) -> bool:
    return isinstance(told, list) and told[0].result in (Result.UNKNOWN, Result.DONE)

"""The promise that values of every type survive the way to the CRM and back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmsync.model import Direction, Kind, Page, Value
from crmsync.testing.samples import anything
from crmsync.testing.writer import Writer, WriterPromises, done
from crmsync.writes import Operation

EXAMPLES = 40


class CarryingPromises(WriterPromises):
    """What becomes of values on their way."""

    def test_values_survive_the_way_there_and_back(self) -> None:
        """Whatever a field can hold: mapped, written, read by id and mapped back, it is the value that it was."""

        async def promise(writer: Writer) -> None:
            (known,), loop = await writer.known(1), asyncio.get_running_loop()
            maps = [one for one in writer.bench.route.maps if Direction.PUSH in one.directions]
            columns = {one.column: anything(one.field, writer.given) for one in maps}
            every = st.fixed_dictionaries({name: one for name, one in columns.items() if one is not None})

            @settings(
                max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck), phases=[Phase.generate],  # what differs is said in full anyway
            )  # fmt: skip
            @given(every)
            def carry(values: Mapping[str, Value]) -> None:
                asyncio.run_coroutine_threadsafe(_carry(writer, known, values), loop).result()

            await asyncio.to_thread(carry)

        self.keep_writing(promise, Operation.UPDATE)


async def _carry(writer: Writer, crm_id: str, values: Mapping[str, Value]) -> None:
    bench = writer.bench
    there = Page(columns=("crm_id", *values), rows=[(crm_id, *values.values())])
    out = bench.plugins.map(there, bench.route, Direction.PUSH)
    (record,) = out.records()
    record.pop(out.columns[0])
    done(*await writer.apply(writer.update(crm_id, record)))
    pages = await bench.pages(bench.query(Kind.IDS, ids=(crm_id,)))
    (back,) = [one for page in pages for one in bench.plugins.map(page, bench.route, Direction.PULL).records()]
    other = [f"{name}: {one!r} came back as {back.get(name)!r}" for name, one in values.items() if back[name] != one]
    assert not other, "; ".join(other)

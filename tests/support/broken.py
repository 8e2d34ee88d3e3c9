"""Connectors that break one promise about writing each, and connectors that make fewer promises."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from crmsync.errors import RecordRefused, RetryLater
from crmsync.hookspecs import hookimpl
from crmsync.model import PULL_ONLY, Direction, Kind, Page, Query, Route, Scope
from crmsync.writes import Change, Operation, Outcome, Result
from support.memory import Crm
from support.whole import Whole

Take = Callable[[Whole, Change], Outcome]


def broken(operation: Operation, take: Take) -> type[Whole]:
    """A connector that does one operation in a way of its own."""

    class Broken(Whole):
        def take(self, change: Change) -> Outcome:
            return take(self, change) if change.operation is operation else super().take(change)

    return Broken


def whole(crm: Whole, change: Change, **other: Any) -> Outcome:
    """The outcome of doing it right, but for this."""
    return replace(Whole.take(crm, change), **other)


class Shuffles(Whole):
    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        return [*reversed([self.take(change) for change in changes])]


class Forgetful(Whole):
    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        done = [self.take(change) for change in changes[:10]]
        return [*done, *(Outcome(result=Result.DONE, crm_id=one.crm_id) for one in changes[10:])]


class AllOrNothing(Whole):
    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        bad = [one for one in changes if self.wrong(one.values)]
        return [self.refuse("one of them is bad") for _ in changes] if bad else [self.take(one) for one in changes]


class RaisesOfTheDeleted(Whole):
    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        ended = {gone.id for _, gone in self.ended}
        if any(one.crm_id in ended and one.operation is Operation.UPDATE for one in changes):
            raise RecordRefused("one of them is gone")
        return [self.take(one) for one in changes]


class RaisesMidway(Whole):
    def take(self, change: Change) -> Outcome:
        if change.crm_id and change.crm_id not in self.objects["Contact"] | {gone.id: gone for _, gone in self.ended}:
            raise RecordRefused(f"{change.crm_id} is unknown")
        return super().take(change)


def denies(operation: Operation) -> type[Whole]:
    """A connector that says that nothing was written where it does not know."""

    class Denies(Whole):
        def lost(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
            if self.written[-1].operation is operation:
                raise RetryLater("no answer")
            return super().lost(outcomes)

    return Denies


class Blocks(Whole):
    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        time.sleep(0.1)  # noqa: ASYNC251 - on purpose
        return [self.take(one) for one in changes]


class Appends(Whole):
    """Writes a little more each time that it is given one and the same change."""

    def take(self, change: Change) -> Outcome:
        if change in self.written:
            change = replace(change, values={**change.values, "LastName": f"{change.values.get('LastName')}!"})
        return super().take(change)


def meddles(crm: Whole, change: Change) -> Outcome:
    return whole(crm, replace(change, values={"Title": "touched by the sync", **change.values}))


def keeps_what_is_emptied(crm: Whole, change: Change) -> Outcome:
    return whole(crm, replace(change, values={name: one for name, one in change.values.items() if one is not None}))


def leaves_no_trace(crm: Whole, change: Change) -> Outcome:
    before = crm.objects["Contact"].get(str(change.crm_id), {}).get("Stamp")
    outcome = whole(crm, change)
    if outcome.result is Result.DONE:
        crm.objects["Contact"][str(change.crm_id)]["Stamp"] = before
    return outcome


def refuses_mutely(crm: Whole, change: Change) -> Outcome:
    outcome = Whole.take(crm, change)
    return replace(outcome, message="") if outcome.result is Result.REFUSED and "Email" in change.values else outcome


def believes_anything(crm: Whole, change: Change) -> Outcome:
    outcome = Whole.take(crm, change)
    return replace(outcome, result=Result.DONE) if outcome.result is Result.GONE else outcome


def blabs(crm: Whole, change: Change) -> Outcome:
    outcome = Whole.take(crm, change)
    return replace(outcome, message=f"{outcome.message} (the password was: open sesame)")


def speaks_ascii(crm: Whole, change: Change) -> Outcome:
    values = {name: _ascii(value) for name, value in change.values.items()}
    return whole(crm, replace(change, values=values))


def _ascii(value: Any) -> Any:
    return value.encode("ascii", "replace").decode() if isinstance(value, str) else value


def names_nobody(crm: Whole, change: Change) -> Outcome:
    return whole(crm, change, crm_id=None)


def makes_twins(crm: Whole, change: Change) -> Outcome:
    if change in crm.written:
        whole(crm, replace(change, key="another"))
    return whole(crm, change)


def refuses_twins(crm: Whole, change: Change) -> Outcome:
    return crm.refuse("a duplicate") if change in crm.written else whole(crm, change)


def owns_all(crm: Whole, change: Change) -> Outcome:
    outcome = Whole.take(crm, change)
    crm.objects["Contact"][str(outcome.crm_id)]["OwnerId"] = "005ME"
    return outcome


def insists(crm: Whole, change: Change) -> Outcome:
    there = change.crm_id in crm.objects["Contact"]
    return whole(crm, change) if there else Outcome(result=Result.GONE, message="gone already")


def only_hides(crm: Whole, change: Change) -> Outcome:
    return Outcome(result=Result.DONE, crm_id=change.crm_id)


def answers(query_kind: Kind, change: Callable[[Whole, Query, Page], Page]) -> type[Whole]:
    """A connector that answers one kind of read in a way of its own."""

    class Broken(Whole):
        def change(self, query: Query, page: Page) -> Page:
            return change(self, query, page) if query.kind is query_kind else page

    return Broken


def finds_nothing(crm: Whole, query: Query, page: Page) -> Page:
    return replace(page, rows=())


def finds_the_last(crm: Whole, query: Query, page: Page) -> Page:
    return page if page.rows else replace(page, rows=[crm._row([*crm.objects["Contact"].values()][-1], query)])


def never_sure(crm: Whole, query: Query, page: Page) -> Page:
    return replace(page, gap=True)


class Puzzled(Whole):
    def take(self, change: Change) -> Outcome:
        return Crm._apply(self, change) if change.operation is Operation.MEMBER else super().take(change)


class Mute(Whole):
    def take(self, change: Change) -> Outcome:
        outcome = super().take(change)
        return replace(outcome, message="") if change.operation is Operation.CONVERT else outcome


UPDATE, CREATE, DELETE = Operation.UPDATE, Operation.CREATE, Operation.DELETE
BROKEN: list[tuple[str, type[Whole]]] = [
    ("test_outcomes_come_in_the_order_of_the_changes", Shuffles),
    ("test_an_update_writes_exactly_what_it_names", broken(UPDATE, meddles)),
    ("test_an_update_again_changes_nothing_more", Appends),
    ("test_null_empties_a_field", broken(UPDATE, keeps_what_is_emptied)),
    ("test_a_whole_batch_is_written", Forgetful),
    ("test_what_was_written_is_found_by_reading_changes", broken(UPDATE, leaves_no_trace)),
    ("test_writing_does_not_block_the_loop", Blocks),
    ("test_a_refused_record_stops_no_other", AllOrNothing),
    ("test_a_refused_record_stops_no_other", broken(UPDATE, refuses_mutely)),
    ("test_an_update_of_a_deleted_record_is_gone", broken(UPDATE, believes_anything)),
    ("test_an_update_of_a_deleted_record_is_gone", RaisesOfTheDeleted),
    ("test_apply_raises_only_where_nothing_was_written", RaisesMidway),
    ("test_an_update_without_an_answer_is_unknown", denies(UPDATE)),
    ("test_a_create_without_an_answer_is_unknown", denies(CREATE)),
    ("test_every_operation_is_answered", Puzzled),
    ("test_every_operation_is_answered", Mute),
    ("test_outcomes_show_no_secret", broken(UPDATE, blabs)),
    ("test_values_survive_the_way_there_and_back", broken(UPDATE, speaks_ascii)),
    ("test_a_create_gives_the_id_of_the_new_record", broken(CREATE, names_nobody)),
    ("test_a_create_sent_twice_makes_one_record", broken(CREATE, makes_twins)),
    ("test_a_create_sent_twice_makes_one_record", broken(CREATE, refuses_twins)),
    ("test_what_a_create_made_is_found", answers(Kind.SENT, finds_nothing)),
    ("test_what_never_arrived_is_not_found", answers(Kind.SENT, finds_the_last)),
    ("test_what_never_arrived_is_not_found", answers(Kind.SENT, never_sure)),
    ("test_the_wished_owner_owns_the_new_record", broken(CREATE, owns_all)),
    ("test_a_delete_is_done_also_where_it_was_done_before", broken(DELETE, insists)),
    ("test_a_delete_is_done_also_where_it_was_done_before", broken(DELETE, only_hides)),
]


class OneWay(Whole):
    @hookimpl
    def directions(self, route: Route) -> frozenset[Direction]:
        return PULL_ONLY


class MayOnlyUpdate(Whole):
    @hookimpl
    async def scope(self) -> Scope:
        return Scope(create=False, delete=False)


class KeepsNoKeys(Whole):
    def take(self, change: Change) -> Outcome:
        return super().take(replace(change, key=""))


class OnlyReads(Whole):
    apply = None  # type: ignore[assignment]

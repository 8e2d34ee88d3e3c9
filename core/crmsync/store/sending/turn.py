"""Whether an activity goes to the CRM in this turn, later, or never: the rules, applied to one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from msgspec import Struct, field

from crmsync.clock import moment, stamp
from crmsync.model import Value

BACKFILL = timedelta(days=90)  # before a kind was chosen
UNSEEN = timedelta(hours=1)  # until a person who is deleted in the CRM is looked at again

OVER = "it happened more than three months before its kind was chosen (R-178)"
NEVER = "the person was not in the CRM when it happened (R-177)"
LOST = "the activity or its person is not there any more"
TIMELESS = "it has no moment that can be read"


class Chosen(Struct, frozen=True, kw_only=True):
    """What may go in this turn: when each kind was chosen, by its plain name, and how often a person's go."""

    kinds: Mapping[str, str]
    every: timedelta
    now: str


class Person(NamedTuple):
    """Who an activity is of, as the CRM knows them: since when, and when it was last sent one."""

    object: str
    crm_id: str
    present: bool
    since: str | None
    last: str | None


class Activity(Struct, frozen=True, kw_only=True):
    """One activity that waits. `at` is canonical, None where it cannot be read."""

    id: int
    kind: str
    at: str | None
    person_id: int | None
    values: Mapping[str, Value] = field(default_factory=dict)  # what else it says
    person: Person | None = None


class Verdict(NamedTuple):
    """Whether an activity goes now; else when it is looked at again, or why it never goes."""

    due_at: str = ""
    left_out: str = ""


GOES = Verdict()


def plain(kind: str) -> str:
    """A kind without regard to upper and lower case, as the database compares them."""
    return "".join(one.lower() if one.isascii() else one for one in kind)


def judge(one: Activity, chosen: Chosen) -> Verdict:
    """Apply the rules to one activity of a kind that is chosen."""
    if one.person_id is None or one.at is None:
        return Verdict(left_out=LOST if one.person_id is None else TIMELESS)
    if one.at < stamp(moment(chosen.kinds[plain(one.kind)]) - BACKFILL):
        return Verdict(left_out=OVER)
    if one.at > chosen.now:
        return Verdict(due_at=one.at)
    if one.person is None or one.at < (one.person.since or ""):
        return Verdict(left_out=NEVER)
    return _in_turn(one.person, chosen)


def _in_turn(person: Person, chosen: Chosen) -> Verdict:
    again = stamp(moment(person.last) + chosen.every) if person.last else ""
    if not person.present:
        again = stamp(moment(chosen.now) + UNSEEN)
    return Verdict(due_at=again) if again > chosen.now else GOES

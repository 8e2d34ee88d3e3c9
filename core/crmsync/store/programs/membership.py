"""What becomes of one membership of a linked program once it moved on either side."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Verdict(Enum):
    """What the two sides do. Nobody moves backwards in a program, whatever the campaign says (R-156, R-157)."""

    NOTHING = "nothing"  # neither side moved, or the CRM has not told of the member yet
    AGREE = "agree"  # both have the same status
    FOLLOW = "follow"  # the program takes the campaign's status
    LEAD = "lead"  # the campaign takes the program's status
    KEEP = "keep"  # the campaign went back a step: it shows that, and the program keeps the later one
    JOIN = "join"  # a member of the campaign becomes one of the program
    LEAVE = "leave"  # the CRM ended the membership
    ASK = "ask"  # the person is to be added to the campaign
    END = "end"  # the person is to be removed from the campaign
    FORGET = "forget"  # neither side has the membership any more
    WAIT = "wait"  # the other side does not have the status


class Side(Struct, frozen=True):
    """A member as one side has it: the status, and whether the other side has a status of that label."""

    status: str | None
    shared: bool
    step: int = 0  # of the status in the program; 0 where the program does not have it


class Base(Struct, frozen=True):
    """What each side had when they were last compared; `ended` once the CRM said that this membership is gone."""

    member: str
    here: str | None
    there: str | None
    ended: bool = False


def judge(here: Side | None, there: Side | None, base: Base | None) -> Verdict:
    """Settle one membership from what the program has, what the campaign has, and what they last agreed on."""
    if here is not None and there is not None:
        return _both(here, there, base)
    if here is not None:
        if base is None:
            return Verdict.ASK if here.shared else Verdict.WAIT
        return Verdict.LEAVE if base.ended else Verdict.NOTHING
    if there is not None:
        if base is None:
            return Verdict.JOIN if there.shared else Verdict.WAIT
        return Verdict.END
    return Verdict.FORGET if base is None or base.ended else Verdict.END


def _both(here: Side, there: Side, base: Base | None) -> Verdict:
    we_moved = base is None or here.status != base.here
    they_moved = base is None or there.status != base.there
    if not we_moved and not they_moved:
        return Verdict.NOTHING
    if here.status == there.status:
        return Verdict.AGREE
    if they_moved and not there.shared:
        return Verdict.WAIT
    if they_moved and there.step >= here.step:
        return Verdict.FOLLOW
    if not we_moved:
        return Verdict.KEEP
    return Verdict.LEAD if here.shared else Verdict.WAIT

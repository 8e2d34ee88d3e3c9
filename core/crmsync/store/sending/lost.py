"""Which record each create made whose answer was lost, judged of all of them together, since they may look the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.model import Alike
from crmsync.store.sending.intents import Intent

Ids = frozenset[str]


class Look(Struct):
    """What a read of one lost create brought: records that are the same, living or not any more, and others like it."""

    intent: Intent
    living: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)
    early: bool = False

    @property
    def same(self) -> Ids:
        """Every record that is what was sent."""
        return frozenset((*self.living, *self.ended, *self.merged))

    @property
    def strong(self) -> Ids:
        """Every record that may well be it although something of it differs."""
        return frozenset(one.id for one in self.alike if one.strong) - self.same

    @property
    def mentioned(self) -> Ids:
        """Every record that the read brought."""
        return self.same | {one.id for one in self.alike}

    def without(self, others: Mapping[str, int]) -> Look:
        """The same, with nothing for certain of records that stand for other rows, known before this one was sent."""
        theirs = [Alike(one, f"it is that of row {row}") for one, row in others.items() if one in self.same]
        alike = [*theirs, *(replace(one, strong=one.strong and one.id not in others) for one in self.alike)]
        left = ([one for one in ids if one not in others] for ids in (self.living, self.ended, self.merged))
        living, ended, merged = left
        return replace(self, living=living, ended=ended, merged=merged, alike=alike)

    def decided(self) -> Look:
        """What is left where a person has looked and asks again: what was deleted, or merged away, is not it."""
        alike = [one for one in self.alike if not one.gone]
        return replace(self, ended=[], merged=[] if self.living else self.merged, alike=alike)


class Verdict(Struct, frozen=True):
    """What is concluded: the record that was `made`, several or doubtful ones (`maybe`), or to `wait`; else none was.

    `unread` of a record that is not just what was sent, or not there any more: it has to be read.
    """

    look: Look
    made: str = ""
    maybe: tuple[Alike, ...] = ()
    wait: bool = False
    unread: bool = False


def judge(looks: Sequence[Look], free: Ids, *, under_way: bool) -> list[Verdict]:
    """A verdict for each look, in order. `free` are the records that none of our other writes is known to have made.

    A record that is the same goes before one that is like it, whoever was sent first; so nobody is given what another
    made. What is only like it is believed once everything is visible, no other create is `under_way`, and no other lost
    one may have made it.
    """
    left = set(free)
    made = _taken(looks, lambda one: one.same, left)
    open_ = [one for one in looks if one.intent.key not in made]
    made |= _taken(_clear(open_, left, under_way=under_way), lambda one: one.strong, left)
    return [_verdict(one, made.get(one.intent.key, ""), left, under_way=under_way) for one in looks]


def _taken(looks: Sequence[Look], sets: Callable[[Look], Ids], left: set[str]) -> dict[str, str]:
    """Record by key, where only one is left. Those that look the same share, where nothing here stands for them."""
    twins = Counter(sets(one) for one in looks)
    found: dict[str, str] = {}
    for one in looks:
        ids = sets(one)
        mine = sorted(ids & left)
        most = 1 if one.intent.asked.link else twins[ids]
        twins[ids] -= 1
        if 0 < len(mine) <= most:
            found[one.intent.key] = mine[0]
            left.discard(mine[0])
    return found


def _clear(looks: Sequence[Look], left: set[str], *, under_way: bool) -> list[Look]:
    """Those with records that nobody else may have made, but for those that look the same and share."""
    rivals = Counter(crm_id for one in looks for crm_id in one.same | one.strong)
    twins = Counter(one.strong for one in looks if not one.intent.asked.link)

    def alone(one: Look) -> bool:
        group = 1 if one.intent.asked.link else twins[one.strong]
        return all(rivals[crm_id] <= group for crm_id in one.strong & left)

    return [one for one in looks if not (one.early or under_way or one.same & left) and alone(one)]


def _verdict(one: Look, made: str, left: set[str], *, under_way: bool) -> Verdict:
    if made:
        return Verdict(one, made, unread=made not in one.living)
    if several := sorted(one.same & left):
        return Verdict(one, maybe=tuple(Alike(crm_id, "") for crm_id in several))
    maybe = tuple(like for like in one.alike if like.id in left)
    if one.early or (maybe and under_way):
        return Verdict(one, wait=True)
    return Verdict(one, maybe=maybe)

"""What follows for both sides from memberships that were judged, written in one transaction.

What the CRM has yet to be told leaves as local edits of its members, or as something to ask of it (asks.py).
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from crmsync.model import Counts, Value
from crmsync.store.capture import captured
from crmsync.store.programs.membership import Verdict, judge
from crmsync.store.programs.memberships import HERE, THERE, Held, Noted, Pair, noted
from crmsync.store.programs.watched import mapped, watch_people
from crmsync.store.rows import JOURNAL

AT_ONCE = 5_000
RULE = "program"
"""The journal's word for what a program took from its campaign."""


class Look(msgspec.Struct, frozen=True):
    """What one look is told: the run, the moment, the object of members, and the columns that marketing wins."""

    run: int
    at: str
    object: str
    ours: frozenset[str] = frozenset()


class Settled(msgspec.Struct):
    """What a look came to. `waiting` counts members by program, status, and the side that has it."""

    last: Pair
    counts: Counts = msgspec.field(default_factory=Counts)
    waiting: Counter[tuple[int, str, str]] = msgspec.field(default_factory=Counter)


def settle(con: sqlite3.Connection, look: Look, after: Pair = (0, 0), most: int = AT_ONCE) -> Settled | None:
    """Settle up to `most` noted memberships behind `after`; None where there is none left."""
    found = noted(con, look.object, after, most)
    if found is None:
        return None
    work = _Work(look, found)
    for one in found.held:
        work.judge(one)
    work.write(con)
    return work.settled


@dataclass(slots=True)
class _Work:
    """Statements to come, collected by kind."""

    look: Look
    noted: Noted
    settled: Settled = field(init=False)
    bases: list[tuple[Value, ...]] = field(default_factory=list)
    follows: list[tuple[Value, ...]] = field(default_factory=list)
    leads: list[tuple[Value, ...]] = field(default_factory=list)
    joins: list[tuple[Value, ...]] = field(default_factory=list)
    leaves: list[tuple[Value, ...]] = field(default_factory=list)
    forgets: list[Pair] = field(default_factory=list)
    asks: dict[Pair, tuple[Value, ...]] = field(default_factory=dict)
    echoes: list[tuple[Value, ...]] = field(default_factory=list)  # notes that our own edits will leave
    journal: list[tuple[Value, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settled = Settled(self.noted.pairs[-1])

    def judge(self, one: Held) -> None:
        here, there = self.noted.here(one), self.noted.there(one)
        verdict = judge(here, there, one.base)
        _DOES[verdict](self, one)
        if verdict in _COUNTED:
            self.settled.counts += _COUNTED[verdict]
        if verdict is Verdict.WAIT:
            crm = there is not None and not there.shared
            blocked = (str(one.there), THERE) if crm else (str(one.status), HERE)
            self.settled.waiting[one.pair[0], *blocked] += 1

    def nothing(self, one: Held) -> None:
        if one.base is not None and one.crm_id not in ("", one.base.member):
            self._agreed(one, one.base.here, one.base.there)

    def agree(self, one: Held) -> None:
        self._agreed(one, one.status, one.there)

    def follow(self, one: Held) -> None:
        self.follows.append((one.there, one.own))
        self._note(one, "status", one.status, one.there)
        self._agreed(one, one.there, one.there)

    def lead(self, one: Held) -> None:
        self.leads.append((one.status, one.member))
        self.echoes.append((one.pair[0], one.crm_id, ""))
        self._agreed(one, one.status, one.status)

    def join(self, one: Held) -> None:
        self.joins.append((*one.pair, one.there, self.look.at))
        self._agreed(one, one.there, one.there)

    def leave(self, one: Held) -> None:
        self.leaves.append((one.own,))
        held = {"program_id": one.pair[0], "person_id": one.pair[1], "status": one.status}
        self._note(one, "*", json.dumps(held, ensure_ascii=False), None)
        self.forgets.append(one.pair)

    def forget(self, one: Held) -> None:
        self.forgets.append(one.pair)

    def ask(self, one: Held) -> None:
        self.asks[one.pair] = ("", 0, " ".join(sorted(self.noted.moved.get(one.pair, ()))))

    def end(self, one: Held) -> None:
        self.asks[one.pair] = (one.crm_id or (one.base.member if one.base else ""), 1, "")

    def _agreed(self, one: Held, here: str | None, there: str | None) -> None:
        self.bases.append((*one.pair, one.crm_id, here, there))

    def _note(self, one: Held, name: str, old: Value, new: Value) -> None:
        at = (self.look.run, self.look.at, "program_member", one.own)
        self.journal.append((*at, name, old, new, "crm", RULE))

    def write(self, con: sqlite3.Connection) -> None:
        done = [one.pair for one in self.noted.held if one.pair not in self.asks]
        con.executemany("DELETE FROM crmsync_member_ask WHERE program_id = ? AND person_id = ?", done)
        con.executemany("DELETE FROM crmsync_member WHERE program_id = ? AND person_id = ?", self.forgets)
        con.executemany("DELETE FROM program_member WHERE id = ?", self.leaves)
        con.executemany(_JOIN, self.joins)
        con.executemany("UPDATE program_member SET status = ? WHERE id = ?", self.follows)
        con.executemany(_AGREED, self.bases)
        con.executemany(_ASK, ((*pair, *ask) for pair, ask in self.asks.items()))
        with captured(con):
            con.executemany("UPDATE campaign_member SET status = ? WHERE id = ?", self.leads)
        self._columns(con)
        con.executemany(JOURNAL, self.journal)
        self._clear(con)
        watch_people(con)

    def _columns(self, con: sqlite3.Connection) -> None:
        """Mapped columns that moved go from the side that moved to the other."""
        sources, joined = mapped(con), {row[:2] for row in self.joins}
        for one in self.noted.held:
            if one.member is None or (one.own is None and one.pair not in joined):
                continue
            for name, sides in self.noted.moved.get(one.pair, {}).items():
                key = (*one.pair, one.member)
                if THERE in sides and (HERE not in sides or name not in self.look.ours):
                    self._take(con, name, sources[name], key)
                else:
                    with captured(con):
                        con.execute(_GIVE.format(source=sources[name], name=name), key)
                    self.echoes.append((one.pair[0], one.crm_id, name))
                self.settled.counts += Counts(updated=1)

    def _take(self, con: sqlite3.Connection, name: str, source: str, key: tuple[int, int, int]) -> None:
        """Let the program have the campaign's value of a mapped column."""
        con.execute(_TAKEN.format(source=source, name=name), (*key, self.look.run, self.look.at, name, RULE))
        con.execute(_TAKE.format(source=source, name=name), key)

    def _clear(self, con: sqlite3.Connection) -> None:
        """What was looked at is done, but for columns of members that the CRM has not told of yet."""
        later = {
            one.pair for one in self.noted.held if one.own is not None and one.base is not None and one.member is None
        }
        gone = "DELETE FROM crmsync_member_moved WHERE program_id = ? AND person_id = ?"
        con.executemany(gone, [pair for pair in self.noted.pairs if pair not in later])
        con.executemany(f"{gone} AND field = ''", later)
        con.executemany(
            """DELETE FROM crmsync_member_moved
               WHERE program_id = ? AND person_id = 0 AND member_crm_id = ? AND field = ?""",
            self.echoes,
        )


_DOES: Mapping[Verdict, Callable[[_Work, Held], None]] = {
    Verdict.NOTHING: _Work.nothing,
    Verdict.WAIT: _Work.nothing,
    Verdict.AGREE: _Work.agree,
    Verdict.KEEP: _Work.agree,
    Verdict.FOLLOW: _Work.follow,
    Verdict.LEAD: _Work.lead,
    Verdict.JOIN: _Work.join,
    Verdict.LEAVE: _Work.leave,
    Verdict.FORGET: _Work.forget,
    Verdict.ASK: _Work.ask,
    Verdict.END: _Work.end,
}
_COUNTED = {
    Verdict.FOLLOW: Counts(updated=1),
    Verdict.LEAD: Counts(updated=1),
    Verdict.JOIN: Counts(new=1),
    Verdict.LEAVE: Counts(deleted=1),
    Verdict.KEEP: Counts(skipped=1),
    Verdict.WAIT: Counts(failed=1),
}
_JOIN = """INSERT INTO program_member (program_id, person_id, status, created_at) VALUES (?, ?, ?, ?)
           ON CONFLICT DO NOTHING"""
_AGREED = """INSERT INTO crmsync_member VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
             member_crm_id = excluded.member_crm_id, here = excluded.here, there = excluded.there"""
_ASK = """INSERT INTO crmsync_member_ask (program_id, person_id, member_crm_id, remove, fields)
          VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET member_crm_id = excluded.member_crm_id,
          fields = trim(iif(remove, '', fields || ' ') || excluded.fields), remove = excluded.remove,
          state = 'waiting', tries = 0, retry_at = NULL, code = NULL, message = NULL"""
_GIVE = """UPDATE campaign_member SET "{source}" = m."{name}" FROM program_member m
           WHERE m.program_id = ? AND m.person_id = ? AND campaign_member.id = ?"""
_TAKE = """UPDATE program_member SET "{name}" = c."{source}" FROM campaign_member c
           WHERE program_member.program_id = ? AND program_member.person_id = ? AND c.id = ?"""
_TAKEN = """INSERT INTO crmsync_journal (run, at, entity, row_id, field, old, new, side, rule)
            SELECT ?4, ?5, 'program_member', m.id, ?6, m."{name}", c."{source}", 'crm', ?7
            FROM program_member m JOIN campaign_member c ON c.id = ?3
            WHERE m.program_id = ?1 AND m.person_id = ?2 AND m."{name}" IS NOT c."{source}" """

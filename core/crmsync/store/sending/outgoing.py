"""Activities of the marketing side on their way to the CRM: which may go now, what waits, what is left out and why."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from crmsync.entities import entity_of
from crmsync.model import Value
from crmsync.store.sending import intents
from crmsync.store.sending.intents import Intent
from crmsync.store.sending.turn import GOES, Activity, Chosen, Person, judge, plain

AT_ONCE = 2_000

ENTITY = "activity"
CHOSEN = "activities"

LOGGED = entity_of("crm_activity").trail.added
_UNTELL = """DELETE FROM activity WHERE person_id = (SELECT person_id FROM activity WHERE id = ?) AND source = 'crm'
    AND kind = ? AND object = ? AND crm_id = ?"""

_AT = "strftime('%Y-%m-%dT%H:%M:%fZ', a.at)"
_FIRST = """(SELECT r.started_at FROM crmsync_run r WHERE r.id = MIN(l.run, COALESCE((SELECT MIN(f.run)
    FROM crmsync_link f WHERE f.entity = 'person' AND f.row_id = p.id AND f.role <> 'current'), l.run)))"""
_LAST = """(SELECT MAX(s.sent_at) FROM activity b JOIN crmsync_outgoing s ON s.activity = b.id
    WHERE b.person_id = p.id AND s.sent_at < ?2)"""
_PERSONS = f"""SELECT p.id, l.object, p.crm_id, l.role = 'current', {_FIRST}, {_LAST}
    FROM json_each(?1) j CROSS JOIN person p ON p.id = j.value
    JOIN crmsync_link l ON l.crm_id = p.crm_id AND l.entity = 'person'
    AND l.object IN (SELECT DISTINCT object FROM crmsync_field WHERE entity = 'person')"""


def choose(con: sqlite3.Connection, obj: str, kinds: Iterable[str], now: str) -> dict[str, str]:
    """Note which kinds go to the CRM as which object; when each of them was chosen."""
    before = chosen(con)[1]
    found = {kind: before.get(kind, now) for kind in map(plain, kinds)}
    con.execute(
        "INSERT INTO crmsync_meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (CHOSEN, json.dumps([obj, found])),
    )
    return found


def chosen(con: sqlite3.Connection) -> tuple[str, dict[str, str]]:
    """The object that activities become in the CRM, and when each kind that goes there was chosen."""
    row = con.execute("SELECT value FROM crmsync_meta WHERE key = ?", [CHOSEN]).fetchone()
    obj, kinds = json.loads(row[0]) if row else ("", {})
    return obj, kinds


def take(con: sqlite3.Connection, wanted: Chosen) -> tuple[list[Activity], bool]:
    """Judge some of what waits; what goes now is marked as sent. Also tells whether more may wait."""
    sql = f"""SELECT o.activity, o.kind, {_AT}, p.id, a.reason, a.field, a.old_value, a.new_value
        FROM crmsync_outgoing o LEFT JOIN activity a ON a.id = o.activity LEFT JOIN person p ON p.id = a.person_id
        WHERE o.state = 'waiting' AND o.kind IN (SELECT value FROM json_each(?)) AND o.due_at <= ? LIMIT {AT_ONCE}"""
    rows = con.execute(sql, (json.dumps(list(wanted.kinds)), wanted.now)).fetchall()
    persons = _persons(con, {row[3] for row in rows if row[3] is not None}, wanted.now)
    found = [_activity(row, persons) for row in rows]
    judged = [(one, judge(one, wanted)) for one in found]
    going = [one for one, verdict in judged if verdict == GOES]
    _mark(con, "state = 'sent', sent_at = ?", [(wanted.now, one.id) for one in going])
    _mark(con, "due_at = ?", [(verdict.due_at, one.id) for one, verdict in judged if verdict.due_at])
    never = [(verdict.left_out, one.id) for one, verdict in judged if verdict.left_out]
    _mark(con, "state = 'left out', reason = ?", never)
    return going, len(rows) == AT_ONCE


def _activity(row: Sequence[Value], persons: Mapping[int, Person]) -> Activity:
    number, kind, at, person_id, *rest = row
    return Activity(
        id=int(number or 0), kind=str(kind), at=None if at is None else str(at),
        person_id=None if person_id is None else int(person_id), person=persons.get(int(person_id or 0)),
        values=dict(zip(("reason", "field", "old_value", "new_value"), rest, strict=True)),
    )  # fmt: skip


def _persons(con: sqlite3.Connection, ids: Iterable[int], now: str) -> dict[int, Person]:
    return {row[0]: Person(*row[1:]) for row in con.execute(_PERSONS, (json.dumps(list(ids)), now))}


def _mark(con: sqlite3.Connection, sets: str, values: Iterable[tuple[Value, ...]]) -> None:
    con.executemany(f"UPDATE crmsync_outgoing SET {sets} WHERE activity = ?", values)


def reconcile(con: sqlite3.Connection, at: str) -> None:
    """What was marked as sent, and perhaps was: done where that is known by now, else it goes again.

    What is still in doubt stays so; under its key it is sent only once, whoever asks.
    """
    for number, intent in _in_doubt(con):
        if intent is None or intent.state in (intents.LOST, intents.REFUSED):
            put_off(con, number, "")
        elif intent.state == intents.AMBIGUOUS:
            refuse(con, number, intent.code, intent.message, at)
        elif intent.state == intents.DONE:
            done(con, number)
            con.execute(_UNTELL, (number, LOGGED, intent.asked.change.object, intent.crm_id))


def _in_doubt(con: sqlite3.Connection) -> list[tuple[int, Intent | None]]:
    rows = con.execute(
        """SELECT o.activity, (SELECT key FROM crmsync_intent i WHERE i.entity = ? AND i.row_id = o.activity
           ORDER BY i.id DESC LIMIT 1) FROM crmsync_outgoing o WHERE o.state = 'sent'""",
        [ENTITY],
    ).fetchall()
    found = intents.by_key(con, [key for _, key in rows if key is not None])
    return [(number, found.get(key)) for number, key in rows]


def done(con: sqlite3.Connection, number: int) -> None:
    """The CRM has it."""
    _mark(con, "state = 'done', code = NULL, reason = NULL", [(number,)])


def refuse(con: sqlite3.Connection, number: int, code: str, message: str, at: str) -> None:
    """The CRM would not take it, and would not take it again; `due_at` says since when."""
    _mark(con, "state = 'refused', sent_at = NULL, code = ?, reason = ?, due_at = ?", [(code, message, at, number)])


def refused(con: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """What the CRM would not take, or not yet, for those who may let it go again (`free`)."""
    rows = con.execute(
        """SELECT o.activity, a.person_id, p.crm_id, a.kind, o.state, o.code, o.reason, o.due_at
           FROM crmsync_outgoing o JOIN activity a ON a.id = o.activity LEFT JOIN person p ON p.id = a.person_id
           WHERE o.state = 'refused' OR (o.state = 'waiting' AND o.tries > 0) ORDER BY o.activity"""
    ).fetchall()
    for number, person_id, crm_id, kind, state, code, reason, at in rows:
        yield {
            "way": "push", "object": chosen(con)[0], "crm_id": crm_id, "entity": "person", "row_id": person_id,
            "field": kind, "was": "put off" if state == "waiting" else state, "cause": code, "reason": reason,
            "at": at, "activity": number,
        }  # fmt: skip


def free(con: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Let these go with the next cycle."""
    sets = "state = 'waiting', due_at = '', tries = 0, code = NULL, reason = NULL"
    _mark(con, sets, [(number,) for number in numbers])


def put_off(con: sqlite3.Connection, number: int, until: str, code: str = "", message: str = "") -> None:
    """Nothing of it was written; it goes at a moment, "" being the next chance."""
    sets = "state = 'waiting', sent_at = NULL, due_at = ?, code = ?, reason = ?, tries = tries + (? <> '')"
    _mark(con, sets, [(until, code or None, message or None, code, number)])


def tries(con: sqlite3.Connection, number: int) -> int:
    """How often it was put off."""
    return int(con.execute("SELECT tries FROM crmsync_outgoing WHERE activity = ?", [number]).fetchone()[0])


def waiting(con: sqlite3.Connection) -> dict[str, tuple[int, str]]:
    """How many activities wait for the CRM, and since when the oldest does, under their object there."""
    obj, kinds = chosen(con)
    if not kinds:
        return {}
    number, oldest = con.execute(
        f"""SELECT COUNT(*), MIN({_AT}) FROM crmsync_outgoing o JOIN activity a ON a.id = o.activity
            WHERE o.state IN ('waiting', 'sent') AND o.kind IN (SELECT value FROM json_each(?))""",
        [json.dumps(list(kinds))],
    ).fetchone()
    return {obj: (number, oldest)} if number and oldest else {}


def own(con: sqlite3.Connection, obj: str, ids: Iterable[str]) -> set[str]:
    """Those of some records of the CRM that are activities sent from here, and so no news on their persons."""
    sql = """SELECT crm_id FROM crmsync_intent WHERE object = ? AND entity = ?
             AND crm_id IN (SELECT value FROM json_each(?))"""
    return {row[0] for row in con.execute(sql, (obj, ENTITY, json.dumps(list(ids))))}


def seed(con: sqlite3.Connection) -> str:
    """What tells this database from every other, so that two that write to one CRM never share a key."""
    return str(con.execute("SELECT value FROM crmsync_meta WHERE key = 'seed'").fetchone()[0])

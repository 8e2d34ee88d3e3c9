"""Creates of which a person has to say what they made: looked for again at their wish, or made anew at their word."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from crmsync.store.links import row_values
from crmsync.store.people import actions
from crmsync.store.people.finding import record
from crmsync.store.programs import wishes
from crmsync.store.sending import intents, outgoing
from crmsync.store.sending.intents import AMBIGUOUS, Intent

PROGRAM, STATUS = "program", "program_status"


def listed(con: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Creates in doubt, for those who may have them looked at again (`free`); activities are listed as such."""
    for one in intents.standing(con, AMBIGUOUS):
        asked = one.asked
        if asked.entity != outgoing.ENTITY and _matters(con, one):
            yield {
                "way": "create", "object": asked.change.object, "crm_id": None, "entity": asked.entity,
                "row_id": asked.row_id, "field": None, "was": "in doubt", "cause": one.code, "reason": one.message,
                "at": one.ended_at, "key": one.key,
            }  # fmt: skip


def _matters(con: sqlite3.Connection, one: Intent) -> bool:
    """Whether the row still lacks the record: it may have been deleted, or merged with the right one."""
    asked = one.asked
    if (program := _program(con, one)) is not None:
        return wishes.standing(con, program)[0] == wishes.REFUSED
    there = row_values(con, asked.entity, asked.row_id) is not None
    return there and not (asked.link and record(con, asked.entity, asked.row_id).crm_id)


def free(con: sqlite3.Connection, keys: Iterable[str], *, anew: bool) -> None:
    """Have these looked for again before anything like them is sent; `anew` sends them whatever is there.

    What asked for them goes on: the action of a marketer, the program that wants a campaign.
    """
    for one in intents.by_key(con, list(keys)).values():
        intents.reopen(con, one.key, sent=not anew)
        if one.asked.action is not None:
            actions.again(con, one.asked.action)
        if (program := _program(con, one)) is not None:
            wishes.again(con, program)


def of_activities(con: sqlite3.Connection, numbers: Iterable[int]) -> list[str]:
    """The keys of those activities that are in doubt."""
    sql = """SELECT key FROM crmsync_intent WHERE entity = ? AND state = ?
             AND row_id IN (SELECT value FROM json_each(?))"""
    return [row[0] for row in con.execute(sql, (outgoing.ENTITY, AMBIGUOUS, json.dumps(list(numbers))))]


def _program(con: sqlite3.Connection, one: Intent) -> int | None:
    if one.asked.entity == PROGRAM:
        return one.asked.row_id
    if one.asked.entity == STATUS:
        return int((row_values(con, STATUS, one.asked.row_id) or {}).get("program_id") or 0)  # none, once it is deleted
    return None

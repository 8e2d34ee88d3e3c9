"""What was set aside gets another try: what the CRM refused, creates in doubt, records that could not be stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from crmsync.store.people.finding import record
from crmsync.store.programs import asks
from crmsync.store.sending import doubts, outgoing

WAITING = """(e.state = 'quarantined' OR (e.state = 'pending' AND (e.retry_at IS NOT NULL OR e.tries > 0))
    OR (e.state = 'held' AND COALESCE(e.code, '') <> 'deleted'))"""
"""Edits that are not sent by the next cycle although nothing stands in their way: refused, put off, out of sight."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be tried again; all that is given has to fit. Nothing given is everything.

    `ids` are row ids or ids of the CRM, `cause` the code of an error (of a record that could not be stored, part of
    its reason), `since` and `before` the canonical moments between which it failed. `anew` has creates in doubt sent
    again without another look, even if the CRM may have what they made.
    """

    ids: frozenset[str] = field(default_factory=frozenset)
    cause: str = ""
    since: str | None = None
    before: str | None = None
    anew: bool = False

    def fits(self, row: dict[str, Any]) -> bool:
        """Whether a row of the listing is wanted."""
        named = {str(row["row_id"]), str(row["crm_id"])} - {"None"}
        return (
            (not self.ids or bool(named & self.ids))
            and (not self.cause or self._caused(row))
            and (self.since is None or row["at"] >= self.since)
            and (self.before is None or row["at"] < self.before)
        )

    def _caused(self, row: dict[str, Any]) -> bool:
        cause = self.cause.lower()
        return (row["cause"] or "").lower() == cause or (
            row["way"] == "pull" and cause in (row["reason"] or "").lower()
        )


def free(con: sqlite3.Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """Let what fits be tried with the next cycle; one dict for each column, activity, membership and record freed.

    `way` is "pull" for a record, "member" for a membership, "create" for one in doubt, else "push"; `at` says when it
    failed, or was edited where that is not known. An activity is listed under its person, with its kind for the field;
    a membership with its program.
    """
    found = (*_edits(con), *outgoing.refused(con), *asks.set_aside(con), *doubts.listed(con), *_records(con))
    freed = [row for row in found if wanted.fits(row)]
    activities = [row["activity"] for row in freed if "activity" in row]
    outgoing.free(con, activities)
    keys = [row["key"] for row in freed if "key" in row]
    doubts.free(con, [*keys, *doubts.of_activities(con, activities)], anew=wanted.anew)
    con.executemany(
        """UPDATE crmsync_edit SET state = 'pending', sent = NULL, sent_seq = NULL, tries = 0, retry_at = NULL,
           code = NULL, reason = NULL WHERE entity = ? AND row_id = ? AND field = ?""",
        [(row["entity"], row["row_id"], row["field"]) for row in freed if row["way"] == "push"],
    )
    con.executemany(
        "UPDATE crmsync_quarantine SET tries = 0 WHERE object = ? AND crm_id = ?",
        [(row["object"], row["crm_id"]) for row in freed if row["way"] == "pull"],
    )
    asks.free(con, [(row["row_id"], row["field"]) for row in freed if row["way"] == "member"])
    return freed


def _edits(con: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    sql = f"""SELECT e.entity, e.row_id, e.field, e.state, e.code, e.reason, e.edited_at FROM crmsync_edit e
        WHERE e.state <> 'local' AND {WAITING} ORDER BY e.entity, e.row_id, e.field"""
    failed = _failed(con)
    for entity, row_id, name, state, code, reason, edited_at in con.execute(sql).fetchall():
        of = record(con, entity, row_id)
        yield {
            "way": "push", "object": of.object, "crm_id": of.crm_id, "entity": entity, "row_id": row_id, "field": name,
            "was": "put off" if state == "pending" else state, "cause": code, "reason": reason,
            "at": failed.get((of.object, of.crm_id), edited_at),
        }  # fmt: skip


def _failed(con: sqlite3.Connection) -> dict[tuple[str | None, str | None], str]:
    """When a push of each record failed last, as far as errors are kept."""
    sql = """SELECT object, crm_id, MAX(at) FROM crmsync_error WHERE level = 'record' AND operation LIKE 'push %'
             GROUP BY object, crm_id"""
    return {(obj, crm_id): at for obj, crm_id, at in con.execute(sql)}


def _records(con: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    sql = """SELECT object, crm_id, entity, row_id, reason, tries, last_at FROM crmsync_quarantine
             ORDER BY object, crm_id"""
    for obj, crm_id, entity, row_id, reason, tries, last_at in con.execute(sql).fetchall():
        yield {
            "way": "pull", "object": obj, "crm_id": crm_id, "entity": entity, "row_id": row_id, "field": None,
            "was": f"tried {tries} times", "cause": "quarantined", "reason": reason, "at": last_at,
        }  # fmt: skip

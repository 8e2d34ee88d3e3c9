"""Ids that were merged into others or converted: both lead to one row from then on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from crmsync.entities import entity_of
from crmsync.model import Merged
from crmsync.store.activity import Trailer
from crmsync.store.batch import Applied, Batch
from crmsync.store.links.absorbing import absorb, absorb_loser
from crmsync.store.links.changing import identify, overwrite
from crmsync.store.links.linked import Link, link, living, tie
from crmsync.store.quarantine import leave_quarantine
from crmsync.store.sending.intents import merging

SUMMED = ("score",)
"""Columns whose values are added up when the CRM merges two persons (R-293); every other keeps the winner's."""


def apply_merged(con: sqlite3.Connection, batch: Batch, merged: Iterable[Merged], roles: Mapping[str, str]) -> Applied:
    """Let merged and converted ids live on under the id they became; `roles` names the person role of each object.

    A conversion keeps the lead's row, which becomes the contact; a merge keeps the winner's row, fills its gaps
    from the loser and adds up the standard score. Activities follow the surviving row.
    """
    applied, trailer = Applied(), Trailer(con, batch)
    for one in merged:
        leave_quarantine(con, batch.route.object, [one.id])
        loser = link(con, batch.route.object, one.id)
        if loser is not None and loser.role in ("merged", "converted"):
            continue
        winner = living(con, link(con, one.into_object, one.into), roles)
        if _join(con, batch, one, (loser, winner), roles):
            kind = "Lead Converted" if one.reason == "converted" else "Persons Merged"
            _log_joined(con, batch, trailer, one, kind)
            applied.add(**({"updated": 1} if one.reason == "converted" else {"deleted": 1}))
    trailer.flush(applied)
    return applied


def _join(
    con: sqlite3.Connection, batch: Batch, one: Merged, links: tuple[Link | None, Link | None], roles: Mapping[str, str]
) -> bool:
    """Bring both ids to one row; True where a row was there to change."""
    loser, winner = links
    mine = _row_of(con, loser)
    theirs = _row_of(con, winner)
    at = one.at or batch.at
    if mine is None:
        tie(con, batch, one.id, theirs, one.reason, at)
        return False
    survivor = mine
    if theirs is None:
        _rename(con, batch, one, mine, winner, roles)
    elif mine != theirs and winner is not None and one.reason == "converted":
        absorb(con, batch, winner, (mine, theirs), roles)
    elif mine != theirs:
        absorb_loser(con, batch, mine, theirs, () if merging(con, batch.route.object, one.id) else SUMMED)
        survivor = theirs
    if entity_of(batch.route.entity).keeps_deleted and mine == survivor:
        # The row stands for the winner now, whether the loser's own deletion was read before or not.
        dead = int(winner is not None and winner.role == "deleted")
        overwrite(con, batch, survivor, {"crm_is_deleted": dead}, one.reason)
    tie(con, batch, one.id, survivor, one.reason, at)
    return True


def _row_of(con: sqlite3.Connection, found: Link | None) -> int | None:
    if found is None or found.row_id is None:
        return None
    present = con.execute(f'SELECT 1 FROM "{found.entity}" WHERE id = ?', [found.row_id]).fetchone()
    return found.row_id if present else None


def _rename(
    con: sqlite3.Connection, batch: Batch, one: Merged, row_id: int, winner: Link | None, roles: Mapping[str, str]
) -> None:
    """The record it became was never seen: the row takes its id and type; its values come with its next update."""
    sql = """INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, run)
             VALUES (?, ?, ?, ?, 'current', '', ?)
             ON CONFLICT (object, crm_id) DO UPDATE SET row_id = excluded.row_id"""
    con.execute(sql, (one.into_object, one.into, batch.route.entity, row_id, batch.run))
    if winner is None or winner.role in ("current", "deleted"):
        identify(con, batch, row_id, one.into, roles.get(one.into_object, ""))


def _log_joined(con: sqlite3.Connection, batch: Batch, trailer: Trailer, one: Merged, kind: str) -> None:
    if batch.route.entity != "person" or batch.silent:
        return
    row = link(con, batch.route.object, one.id)
    if row is not None and row.row_id is not None:
        trailer.direct.append(
            (row.row_id, kind, batch.at, None, one.id, one.into, one.into_object, one.into, trailer.reason, batch.run)
        )

"""Programs and the campaigns they are linked to: the links, statuses that differ, and what campaigns are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from crmsync.model import Type, Value
from crmsync.store.capture import captured
from crmsync.values import from_json

TOLD = {"channel": "campaign_type", "period_cost": "actual_cost"}
"""Columns of a program that only ever travel to its campaign (R-144, R-145), and the columns of the campaign."""


class Program(Struct, frozen=True):
    """One program and the campaign it is linked to, if any."""

    id: int
    name: str
    campaign: str | None


class Difference(Struct, frozen=True):
    """What keeps a program and a campaign apart: labels that one of them lacks, and members in a status like that."""

    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()
    strangers: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.only_here or self.only_there or self.strangers)

    def __str__(self) -> str:
        """The difference in a person's words."""
        said = [f"the program alone has {_listed(self.only_here)}"] if self.only_here else []
        said += [f"the campaign alone has {_listed(self.only_there)}"] if self.only_there else []
        for label, number in self.strangers.items():
            members = "1 member of the campaign is" if number == 1 else f"{number:,} members of the campaign are"
            said.append(f"{members} in {label!r}, which is no status of the program")
        return "; ".join(said)


def _listed(labels: Iterable[str]) -> str:
    return ", ".join(map(repr, labels))


def stands(con: sqlite3.Connection, table: str) -> bool:
    """Whether the database has such a table."""
    sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return con.execute(sql, [table]).fetchone() is not None


def named(con: sqlite3.Connection, text: str) -> Program | None:
    """The program of this name or, where none is called so, of this number."""
    row = con.execute("SELECT id, name, campaign_crm_id FROM program WHERE name = ?", [text]).fetchone()
    if row is None and text.isascii() and text.isdigit() and len(text) < 19:  # noqa: PLR2004 - digits of 64 bits
        return numbered(con, int(text))
    return Program(*row) if row else None


def names(con: sqlite3.Connection) -> list[str]:
    """What the programs are called."""
    return [row[0] for row in con.execute("SELECT name FROM program ORDER BY name")]


def numbered(con: sqlite3.Connection, number: int) -> Program | None:
    """The program of this number."""
    row = con.execute("SELECT id, name, campaign_crm_id FROM program WHERE id = ?", [number]).fetchone()
    return Program(*row) if row else None


def campaigns(con: sqlite3.Connection, text: str) -> list[tuple[str, str]]:
    """The campaigns of this id or name: id and name."""
    if not stands(con, "campaign"):
        return []
    sql = "SELECT crm_id, COALESCE(name, '') FROM campaign WHERE crm_id IS NOT NULL AND (crm_id = ?1 OR name = ?1)"
    return con.execute(sql, [text]).fetchall()


def linked_to(con: sqlite3.Connection, campaign: str) -> Program | None:
    """The program that is linked to a campaign."""
    row = con.execute("SELECT id, name, campaign_crm_id FROM program WHERE campaign_crm_id = ?", [campaign]).fetchone()
    return Program(*row) if row else None


def labels(con: sqlite3.Connection, program: int) -> list[str]:
    """The statuses of a program, in the order of their steps."""
    sql = "SELECT label FROM program_status WHERE program_id = ? ORDER BY step, id"
    return [row[0] for row in con.execute(sql, [program])]


def difference(con: sqlite3.Connection, program: int, campaign: str) -> Difference:
    """What the statuses of a program and of a campaign, as last read, differ in; nothing where they match."""
    ours = labels(con, program)
    sql = "SELECT label FROM campaign_status WHERE campaign_crm_id = ? ORDER BY sort_order, id"
    theirs = [row[0] for row in con.execute(sql, [campaign])]
    sql = """SELECT COALESCE(status, ''), COUNT(*) FROM campaign_member WHERE campaign_crm_id = ? AND crm_id IS NOT NULL
             GROUP BY 1 ORDER BY 1"""
    held = dict(con.execute(sql, [campaign]).fetchall())
    return Difference(
        tuple(one for one in ours if one not in theirs),
        tuple(one for one in theirs if one not in ours),
        {label: number for label, number in held.items() if label not in ours},
    )


def link(con: sqlite3.Connection, program: int, campaign: str, at: str) -> None:
    """Join a program to a campaign; the next cycle compares their members. Both have to be free (UNIQUE)."""
    _forget(con, program)
    sql = "INSERT INTO crmsync_program (program_id, campaign_crm_id, linked_at) VALUES (?, ?, ?)"
    con.execute(sql, (program, campaign, at))
    con.execute("UPDATE program SET campaign_crm_id = ? WHERE id = ?", (campaign, program))


def unlink(con: sqlite3.Connection, program: int) -> None:
    """Part a program from its campaign; what each of them has stays with it."""
    con.execute("DELETE FROM crmsync_program WHERE program_id = ?", [program])
    _forget(con, program)
    con.execute("UPDATE program SET campaign_crm_id = NULL WHERE id = ?", [program])


def _forget(con: sqlite3.Connection, program: int) -> None:
    for table in ("crmsync_member", "crmsync_member_ask", "crmsync_member_moved"):
        con.execute(f"DELETE FROM {table} WHERE program_id = ?", [program])


def vanished(con: sqlite3.Connection, obj: str) -> list[Program]:
    """Linked programs whose campaign was deleted in the CRM, `obj` being the object of campaigns."""
    sql = """SELECT p.id, p.name, p.campaign_crm_id FROM program p
             JOIN crmsync_link l ON l.object = ? AND l.crm_id = p.campaign_crm_id WHERE l.role = 'deleted'"""
    return [Program(*row) for row in con.execute(sql, [obj])]


def orphaned(con: sqlite3.Connection) -> list[int]:
    """Links of programs that are not there any more (INSERT OR REPLACE of a name takes a program away unseen)."""
    sql = "SELECT program_id FROM crmsync_program WHERE program_id NOT IN (SELECT id FROM program)"
    return [row[0] for row in con.execute(sql)]


def begin(con: sqlite3.Connection) -> list[int]:
    """The programs that were linked since the last cycle; they count as begun from now on."""
    return [row[0] for row in con.execute("UPDATE crmsync_program SET begun = 1 WHERE begun = 0 RETURNING program_id")]


_UNTOLD = """FROM program p JOIN crmsync_program g ON g.program_id = p.id
    WHERE p.channel IS NOT g.channel OR p.period_cost IS NOT g.period_cost"""


def any_news(con: sqlite3.Connection, obj: str) -> bool:
    """Whether a link is new or has to end, or a campaign has to be told of its program's channel or cost."""
    sql = f"SELECT 1 FROM crmsync_program WHERE begun = 0 UNION ALL SELECT 1 {_UNTOLD} LIMIT 1"
    return con.execute(sql).fetchone() is not None or bool(vanished(con, obj) or orphaned(con))


def tell(con: sqlite3.Connection, writable: Collection[str]) -> tuple[list[int], list[str]]:
    """Give campaigns what changed in their programs, as local edits; returns the programs, and what is not a number.

    Only columns of the campaign that are `writable` are told; the others wait.
    """
    rows = con.execute(
        f"SELECT p.id, p.name, p.campaign_crm_id, g.channel, p.channel, g.period_cost, p.period_cost {_UNTOLD}"
    )
    told, wrong = [], []
    for program, name, campaign, *values in rows.fetchall():
        for (column, target), old, new in zip(TOLD.items(), values[::2], values[1::2], strict=True):
            if old == new or target not in writable:
                continue
            try:
                _give(con, campaign, target, new)
                told.append(program)
            except ValueError:
                wrong.append(f"Program {name!r}: its {column} {new!r} is not a number, and was not sent.")
            con.execute(f"UPDATE crmsync_program SET {column} = ? WHERE program_id = ?", (new, program))
    return list(dict.fromkeys(told)), wrong


def _give(con: sqlite3.Connection, campaign: str, target: str, value: Value) -> None:
    exact = from_json(value, Type.DECIMAL) if target == TOLD["period_cost"] else value
    with captured(con):
        con.execute(f"UPDATE campaign SET {target} = ? WHERE crm_id = ?", (exact, campaign))


def listing(con: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every program with its campaign, how the link stands, and its members on both sides.

    `state` is unlinked, linked, or statuses differ; `waiting` counts memberships on their way to the CRM, `refused`
    those that it would not take.
    """
    known = stands(con, "campaign") and stands(con, "campaign_member") and stands(con, "campaign_status")
    found = con.execute(_LISTED_WITH_CAMPAIGNS if known else _LISTED)
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found]
    for row in rows:
        campaign, apart = row["campaign_crm_id"], Difference()
        if campaign is not None and known:
            apart = difference(con, row["id"], campaign)
        row["state"] = "unlinked" if campaign is None else "statuses differ" if apart else "linked"
        row["difference"] = str(apart) or None
    return rows


_COUNTED = """(SELECT COUNT(*) FROM program_member WHERE program_id = p.id) AS members,
    (SELECT COUNT(*) FROM crmsync_member_ask WHERE program_id = p.id AND state = 'waiting') AS waiting,
    (SELECT COUNT(*) FROM crmsync_member_ask WHERE program_id = p.id AND state <> 'waiting') AS refused"""
_LISTED = f"""SELECT p.id, p.name AS program, p.channel, p.period_cost, p.campaign_crm_id, NULL AS campaign,
    NULL AS campaign_members, {_COUNTED} FROM program p ORDER BY p.name"""
_LISTED_WITH_CAMPAIGNS = f"""SELECT p.id, p.name AS program, p.channel, p.period_cost, p.campaign_crm_id,
    c.name AS campaign, iif(p.campaign_crm_id IS NULL, NULL, (SELECT COUNT(*) FROM campaign_member m
        WHERE m.campaign_crm_id = p.campaign_crm_id AND m.crm_id IS NOT NULL)) AS campaign_members, {_COUNTED}
    FROM program p LEFT JOIN campaign c ON c.crm_id = p.campaign_crm_id ORDER BY p.name"""

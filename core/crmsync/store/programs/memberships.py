"""The memberships of linked programs that were noted as moved, as both sides have them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from crmsync.store.programs.membership import Base, Side
from crmsync.store.programs.watched import mapped

Pair = tuple[int, int]  # program and person
Member = tuple[int, str, str | None]  # of a campaign: row, CRM id and status

HERE, THERE = "here", "crm"


class Held(Struct, frozen=True):
    """One membership as it stands; `own` and `member` are the rows of program and campaign, where there are any."""

    pair: Pair
    own: int | None
    status: str | None
    base: Base | None
    member: int | None = None
    crm_id: str = ""
    there: str | None = None


class Noted(Struct, frozen=True):
    """Memberships to be looked at, with the statuses of their programs and campaigns.

    `moved` are the mapped columns that moved, each with the sides on which it did.
    """

    pairs: Sequence[Pair]
    held: Sequence[Held] = ()
    steps: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    offered: Mapping[int, frozenset[str]] = field(default_factory=dict)
    moved: Mapping[Pair, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    def here(self, one: Held) -> Side | None:
        """The program's side of a membership."""
        steps, offered = self.steps.get(one.pair[0], {}), self.offered.get(one.pair[0], frozenset())
        return Side(one.status, one.status in offered, steps.get(one.status or "", 0)) if one.own is not None else None

    def there(self, one: Held) -> Side | None:
        """The campaign's side of a membership."""
        steps = self.steps.get(one.pair[0], {})
        return Side(one.there, one.there in steps, steps.get(one.there or "", 0)) if one.member is not None else None


def noted(con: sqlite3.Connection, obj: str, after: Pair, most: int) -> Noted | None:
    """Up to `most` noted memberships behind `after`, `obj` being the object of members; None where there is none left.

    They stand in `temp.looked` until the next call.
    """
    found = con.execute(
        """SELECT DISTINCT program_id, person_id FROM crmsync_member_moved
           WHERE person_id > 0 AND (program_id, person_id) > (?, ?) ORDER BY 1, 2 LIMIT ?""",
        (*after, most),
    ).fetchall()
    if not found:
        return None
    con.execute("DROP TABLE IF EXISTS temp.looked")
    con.execute("CREATE TEMP TABLE looked (program_id, person_id, PRIMARY KEY (program_id, person_id)) WITHOUT ROWID")
    con.executemany("INSERT INTO temp.looked VALUES (?, ?)", found)
    return Noted(found, _held(con, obj), _steps(con), _offered(con), _moved(con))


def _steps(con: sqlite3.Connection) -> dict[int, dict[str, int]]:
    sql = """SELECT program_id, label, step FROM program_status
             WHERE program_id IN (SELECT program_id FROM temp.looked)"""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for program, label, step in con.execute(sql):
        found[program][label] = step
    return found


def _offered(con: sqlite3.Connection) -> dict[int, frozenset[str]]:
    sql = """SELECT g.program_id, s.label FROM crmsync_program g
             JOIN campaign_status s ON s.campaign_crm_id = g.campaign_crm_id
             WHERE g.program_id IN (SELECT program_id FROM temp.looked)"""
    found: dict[int, set[str]] = defaultdict(set)
    for program, label in con.execute(sql):
        found[program].add(label)
    return {program: frozenset(labels) for program, labels in found.items()}


def _moved(con: sqlite3.Connection) -> dict[Pair, dict[str, frozenset[str]]]:
    sql = f"""SELECT program_id, person_id, field, iif(member_crm_id = '', '{HERE}', '{THERE}')
              FROM temp.looked CROSS JOIN crmsync_member_moved USING (program_id, person_id) WHERE field <> ''"""
    known = mapped(con)
    found: dict[Pair, dict[str, frozenset[str]]] = defaultdict(dict)
    for program, person, name, side in con.execute(sql):
        if name in known:
            sides = found[program, person].get(name, frozenset())
            found[program, person][name] = sides | {side}
    return found


def _held(con: sqlite3.Connection, obj: str) -> list[Held]:
    """The memberships of programs that are linked, each once."""
    sql = """SELECT k.program_id, k.person_id, m.id, m.status, b.member_crm_id, b.here, b.there, l.role IS 'deleted'
        FROM temp.looked k JOIN crmsync_program g ON g.program_id = k.program_id
        LEFT JOIN program_member m ON m.program_id = k.program_id AND m.person_id = k.person_id
        LEFT JOIN crmsync_member b ON b.program_id = k.program_id AND b.person_id = k.person_id
        LEFT JOIN crmsync_link l ON l.object = ? AND l.crm_id = b.member_crm_id"""
    theirs, found = _theirs(con), []
    for program, person, own, status, member, here, there, ended in con.execute(sql, [obj]).fetchall():
        base = Base(member, here, there, bool(ended)) if member is not None else None
        rows = theirs.get((program, person), [])
        mine = next((row for row in rows if row[1] == member), rows[0] if rows else ())
        found.append(Held((program, person), own, status, base, *mine))
    return found


def _theirs(con: sqlite3.Connection) -> dict[Pair, list[Member]]:
    """The members of the campaigns, by any id that the persons have or had."""
    part = """SELECT i.program_id, i.person_id, c.id, c.crm_id, c.status FROM ids i
              CROSS JOIN campaign_member c ON c.%s = i.crm_id AND +c.campaign_crm_id = i.campaign_crm_id
              WHERE c.crm_id IS NOT NULL"""
    sql = f"""WITH ids AS MATERIALIZED (
            SELECT k.program_id, k.person_id, g.campaign_crm_id, p.crm_id FROM temp.looked k
            CROSS JOIN crmsync_program g ON g.program_id = k.program_id CROSS JOIN person p ON p.id = k.person_id
            UNION SELECT k.program_id, k.person_id, g.campaign_crm_id, l.crm_id FROM temp.looked k
            CROSS JOIN crmsync_program g ON g.program_id = k.program_id
            CROSS JOIN crmsync_link l ON l.entity = 'person' AND l.row_id = k.person_id AND l.role <> 'current')
        {part % "contact_crm_id"} UNION {part % "lead_crm_id"} ORDER BY 3"""
    found: dict[Pair, list[Member]] = defaultdict(list)
    for program, person, *row in con.execute(sql):
        found[program, person].append((row[0], row[1], row[2]))
    return found


def doubtful(con: sqlite3.Connection, obj: str) -> list[str]:
    """Campaigns that may be gone: the CRM ended noted memberships of theirs, or all their statuses.

    `obj` is the object of members.
    """
    sql = """SELECT g.campaign_crm_id FROM crmsync_member_moved n
        JOIN crmsync_program g ON g.program_id = n.program_id
        JOIN crmsync_member b ON b.program_id = n.program_id AND b.person_id = n.person_id
        JOIN crmsync_link l ON l.object = ? AND l.crm_id = b.member_crm_id AND l.role = 'deleted'
        JOIN program_member m ON m.program_id = n.program_id AND m.person_id = n.person_id
        UNION SELECT g.campaign_crm_id FROM crmsync_member_moved n JOIN crmsync_program g ON g.program_id = n.program_id
        WHERE n.person_id = 0 AND n.member_crm_id = ''
        AND NOT EXISTS (SELECT 1 FROM campaign_status s WHERE s.campaign_crm_id = g.campaign_crm_id)"""
    return [row[0] for row in con.execute(sql, [obj])]

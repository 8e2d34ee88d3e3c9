"""Triggers that note what moved in linked programs, and what becomes of the notes: each names a program and a person.

A cycle looks at what was noted and at nothing else, so that programs in which nothing moves cost nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from crmsync.store.activity import PERSON_OBJECTS

PREFIX = "crmsync_watch_"
_LINKED = "SELECT program_id FROM crmsync_program WHERE campaign_crm_id = %s"
_NOTE = "INSERT INTO crmsync_member_moved (program_id, person_id, member_crm_id, field)"
_ONCE = "ON CONFLICT DO NOTHING"
_QUIET = "NOT EXISTS (SELECT 1 FROM crmsync_applying)"
_IN_PROGRAM = "FROM crmsync_program WHERE program_id = NEW.program_id"


def watch(con: sqlite3.Connection) -> None:
    """Make the triggers on tables that come from the mapping, and for the columns that are mapped, anew."""
    made = con.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name GLOB ?", [f"{PREFIX}*"])
    for (name,) in made.fetchall():
        con.execute(f"DROP TRIGGER {name}")
    tables = {row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "person" in tables:
        con.execute(_PERSON)
        watch_people(con)
    if "campaign_status" in tables:
        for event, row in (("INSERT", "NEW"), ("UPDATE OF label", "NEW"), ("DELETE", "OLD")):
            con.execute(_status(event, row))
    if "campaign_member" in tables:
        columns = mapped(con)
        for statement in _members(columns):
            con.execute(statement)
        for name in columns.keys() & two_way(con):
            for statement in _ours(name):
                con.execute(statement)


def watch_people(con: sqlite3.Connection) -> None:
    """Note changes of persons while there are any whom the CRM would not have, and only then: it costs every update."""
    lacking = con.execute("SELECT 1 FROM crmsync_member_ask WHERE state = 'lacking' LIMIT 1").fetchone() is not None
    made = con.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [f"{PREFIX}lacking"]).fetchone() is not None
    if lacking and not made:
        con.execute(_LACKING)
    elif made and not lacking:
        con.execute(f"DROP TRIGGER {PREFIX}lacking")


def mapped(con: sqlite3.Connection) -> dict[str, str]:
    """The columns of program_member that are joined to fields of campaign members, with the columns of those."""
    return dict(con.execute("SELECT column_name, source FROM crmsync_program_field WHERE state = 'mapped'").fetchall())


def two_way(con: sqlite3.Connection) -> set[str]:
    """Those of the joined columns whose changes may go to the CRM."""
    return {row[0] for row in con.execute("SELECT column_name FROM crmsync_program_field WHERE two_way")}


# The CRM keeps the memberships of a person who is deleted here; they are looked for again, should the person come back.
_PERSON = f"""CREATE TRIGGER {PREFIX}person AFTER DELETE ON person BEGIN
    {_NOTE} SELECT program_id, -1, member_crm_id, '' FROM crmsync_member WHERE person_id = OLD.id {_ONCE};
    DELETE FROM crmsync_member WHERE person_id = OLD.id;
    DELETE FROM crmsync_member_ask WHERE person_id = OLD.id;
    DELETE FROM program_member WHERE person_id = OLD.id;
    DELETE FROM crmsync_member_moved WHERE person_id = OLD.id;
    END"""


_LACKED = "FROM crmsync_member_ask WHERE person_id = NEW.id AND state = 'lacking'"
_LACKING = f"""CREATE TRIGGER {PREFIX}lacking AFTER UPDATE ON person WHEN EXISTS (SELECT 1 {_LACKED}) BEGIN
    {_NOTE} SELECT program_id, person_id, '', '' {_LACKED} {_ONCE}; END"""


def _status(event: str, row: str) -> str:
    name = f"{PREFIX}status_{event.split(maxsplit=1)[0].lower()}"
    found = f"SELECT program_id, 0, '', '' FROM crmsync_program WHERE campaign_crm_id = {row}.campaign_crm_id"
    return f"CREATE TRIGGER {name} AFTER {event} ON campaign_status BEGIN {_NOTE} {found} {_ONCE}; END"


def _members(columns: dict[str, str]) -> Iterator[str]:
    linked = _LINKED % "NEW.campaign_crm_id"

    def came(field: str, when: str = "true") -> str:
        return f"{_NOTE} SELECT program_id, 0, NEW.crm_id, '{field}' FROM ({linked}) WHERE {when} {_ONCE};"

    values = " ".join(came(name, f'NEW."{source}" IS NOT NULL') for name, source in columns.items())
    yield (
        f"CREATE TRIGGER {PREFIX}member_insert AFTER INSERT ON campaign_member "
        f"WHEN NEW.crm_id IS NOT NULL AND EXISTS ({linked}) BEGIN {came('')} {values} END"
    )
    yield (
        f"CREATE TRIGGER {PREFIX}member_update AFTER UPDATE OF status, campaign_crm_id, contact_crm_id, lead_crm_id "
        f"ON campaign_member WHEN NEW.crm_id IS NOT NULL BEGIN {came('')} END"
    )
    yield (
        f"CREATE TRIGGER {PREFIX}member_delete AFTER DELETE ON campaign_member WHEN OLD.crm_id IS NOT NULL BEGIN "
        "DELETE FROM crmsync_member_moved WHERE member_crm_id = OLD.crm_id; "
        f"{_NOTE} SELECT program_id, person_id, '', '' FROM crmsync_member WHERE member_crm_id = OLD.crm_id {_ONCE}; "
        "END"
    )
    for name, source in columns.items():
        yield (
            f'CREATE TRIGGER {PREFIX}theirs_{name} AFTER UPDATE OF "{source}" ON campaign_member '
            f'WHEN NEW."{source}" IS NOT OLD."{source}" AND NEW.crm_id IS NOT NULL BEGIN {came(name)} END'
        )


def _ours(name: str) -> Iterator[str]:
    noted = f"{_NOTE} SELECT program_id, NEW.person_id, '', '{name}' {_IN_PROGRAM} {_ONCE};"
    yield (
        f'CREATE TRIGGER {PREFIX}ours_{name} AFTER UPDATE OF "{name}" ON program_member '
        f'WHEN NEW."{name}" IS NOT OLD."{name}" AND {_QUIET} BEGIN {noted} END'
    )
    yield (
        f"CREATE TRIGGER {PREFIX}new_{name} AFTER INSERT ON program_member "
        f'WHEN NEW."{name}" IS NOT NULL AND {_QUIET} BEGIN {noted} END'
    )


def any_moved(con: sqlite3.Connection, *, people_came: bool) -> bool:
    """Whether there is a note to look at; those whose person was not found count only where people came."""
    sql = "SELECT 1 FROM crmsync_member_moved WHERE person_id >= ? LIMIT 1"
    return con.execute(sql, [-1 if people_came else 0]).fetchone() is not None


def note_all(con: sqlite3.Connection, programs: Sequence[int]) -> None:
    """Look at everybody in these programs."""
    con.executemany(f"{_NOTE} VALUES (?, 0, '', '') {_ONCE}", ((one,) for one in programs))


def spread(con: sqlite3.Connection) -> list[int]:
    """Turn notes about whole programs into one a member; returns these programs."""
    whole = "SELECT program_id FROM crmsync_member_moved WHERE person_id = 0 AND member_crm_id = ''"
    found = [row[0] for row in con.execute(whole)]
    if not found:
        return found
    for table in ("program_member", "crmsync_member"):
        con.execute(f"{_NOTE} SELECT program_id, person_id, '', '' FROM {table} WHERE program_id IN ({whole}) {_ONCE}")
    con.execute(
        f"""{_NOTE} SELECT g.program_id, 0, c.crm_id, '' FROM crmsync_program g
            CROSS JOIN campaign_member c ON c.campaign_crm_id = g.campaign_crm_id AND c.crm_id IS NOT NULL
            WHERE g.program_id IN ({whole}) {_ONCE}"""
    )
    con.execute("DELETE FROM crmsync_member_moved WHERE person_id = 0 AND member_crm_id = ''")
    return found


def find_people(con: sqlite3.Connection, *, people_came: bool) -> None:
    """Find out whose the members are that moved in the CRM; notes of people who are not here are kept."""
    if people_came:
        con.execute("UPDATE OR REPLACE crmsync_member_moved SET person_id = 0 WHERE person_id = -1")
    con.execute(
        f"""{_NOTE} SELECT n.program_id, p.id, n.member_crm_id, n.field FROM crmsync_member_moved n
            CROSS JOIN campaign_member c ON c.crm_id = n.member_crm_id
            CROSS JOIN crmsync_link l ON l.object IN ({PERSON_OBJECTS})
                AND l.crm_id = COALESCE(c.contact_crm_id, c.lead_crm_id)
            CROSS JOIN person p ON p.id = l.row_id WHERE n.person_id = 0 {_ONCE}"""
    )
    con.execute(
        """UPDATE OR REPLACE crmsync_member_moved SET person_id = -1 WHERE person_id = 0
           AND member_crm_id NOT IN (SELECT member_crm_id FROM crmsync_member_moved WHERE person_id > 0)"""
    )
    con.execute("DELETE FROM crmsync_member_moved WHERE person_id = 0")


def nowhere(con: sqlite3.Connection) -> int:
    """Members whose person is not here."""
    sql = "SELECT COUNT(DISTINCT member_crm_id) FROM crmsync_member_moved WHERE person_id = -1"
    return int(con.execute(sql).fetchone()[0])


def move_members(con: sqlite3.Connection, gone: int, kept: int) -> None:
    """The memberships of a person who was merged away end up on the survivor, each once, in the later step (R-298)."""
    for table in ("program_member", "crmsync_member", "crmsync_member_ask"):
        con.execute(
            f"""{_NOTE} SELECT t.program_id, ?, '', '' FROM {table} t JOIN crmsync_program g USING (program_id)
                WHERE t.person_id = ? {_ONCE}""",
            (kept, gone),
        )
    con.execute(
        """UPDATE program_member SET status = g.status FROM program_member g WHERE g.person_id = ?1
           AND program_member.person_id = ?2 AND program_member.program_id = g.program_id AND g.status IS NOT NULL""",
        (gone, kept),
    )  # where that would be a step back, the trigger keeps the later one
    for table in ("program_member", "crmsync_member"):
        con.execute(f"UPDATE OR IGNORE {table} SET person_id = ? WHERE person_id = ?", (kept, gone))
        con.execute(f"DELETE FROM {table} WHERE person_id = ?", [gone])
    con.execute("DELETE FROM crmsync_member_ask WHERE person_id = ?", [gone])
    con.execute("UPDATE OR REPLACE crmsync_member_moved SET person_id = ? WHERE person_id = ?", (kept, gone))

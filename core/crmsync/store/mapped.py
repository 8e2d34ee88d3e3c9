"""The mapping in force, field by field, as it is kept; what came, went or has other choices is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from crmsync.model import Direction, Route
from crmsync.store.records import notice


def keep_mapping(con: sqlite3.Connection, routes: Sequence[Route], at: str) -> None:
    """Keep what each field of these routes fills; a field that is not read any more is hidden, its column stays."""
    for route in routes:
        _tell_choices(con, route, at)
        names = [mapped.field.name for mapped in route.maps]
        marks = ", ".join("?" * len(names))
        lost = con.execute(
            f"""UPDATE crmsync_field SET state = 'hidden'
                WHERE object = ? AND state = 'present' AND field NOT IN ({marks}) RETURNING field, column_name""",
            [route.object, *names],
        ).fetchall()
        for name, column in lost:
            said = f"{route.object}.{name} is not read any more; the column {column} and its values stay (R-202, R-204)"
            notice(con, "fields", said, at)
        con.executemany(
            """INSERT INTO crmsync_field VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'present', ?)
               ON CONFLICT (object, field) DO UPDATE SET type = excluded.type, choices = excluded.choices,
                   two_way = excluded.two_way, state = 'present',
                   first_seen = iif(type = excluded.type AND state = 'present', first_seen, excluded.first_seen)
               WHERE (type, choices, two_way, state)
                   IS NOT (excluded.type, excluded.choices, excluded.two_way, 'present')""",
            [
                (
                    route.object, mapped.field.name, route.entity, mapped.column, mapped.field.type.value,
                    mapped.field.label, "\n".join(mapped.field.values), Direction.PUSH in mapped.directions, at,
                )
                for mapped in route.maps
            ],
        )  # fmt: skip


def _tell_choices(con: sqlite3.Connection, route: Route, at: str) -> None:
    """A notice for every picklist that gained or lost a value since it was last looked at (R-222, R-223)."""
    sql = "SELECT field, choices FROM crmsync_field WHERE object = ? AND choices <> ''"
    held = dict(con.execute(sql, [route.object]).fetchall())
    for mapped in route.maps:
        before, now = set(held.get(mapped.field.name, "").split("\n")) - {""}, set(mapped.field.values)
        if before and now and before != now:
            told = [f"new: {', '.join(sorted(now - before))}"] if now - before else []
            told += [f"gone: {', '.join(sorted(before - now))}"] if before - now else []
            notice(con, "picklist", f"{route.object}.{mapped.field.name} has other values. {'; '.join(told)}", at)

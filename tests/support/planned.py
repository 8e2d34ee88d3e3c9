"""What a plan says would move, and what did move, in one form: so that they can be held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmsync import planning as plan
from crmsync.connection import Connection
from crmsync.entities import ENGINE_COLUMNS
from crmsync.planning.carry import Carried, carry_out
from crmsync.store.history.planned import Item
from support.engine import Engine

TABLES = ("account", "person", "opportunity")
FIELDS = {"email": "Email", "last_name": "LastName", "title": "Title", "score": "Score"}
IDENTITY = ("crm_id", "crm_type", "crm_is_deleted")

Move = tuple[Any, ...]


@dataclass
class Planned:
    """One plan, all of it."""

    items: list[Item] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)


def planned(engine: Engine, save: Path | None = None, **how: Any) -> Planned:
    """Plan the next cycle, and save the plan where a path is given."""
    return engine.use(lambda connection: planning(connection, save, **how))


async def planning(connection: Connection, save: Path | None = None, **how: Any) -> Planned:
    """The same with a connection that is open."""
    async with plan.rehearsed(connection, **how) as found:
        if save is not None:
            await plan.save(save, found)
        return Planned([one async for one in found.items()], found.about())


def here(engine: Engine) -> dict[tuple[str, int], dict[str, Any]]:
    """Every row of every table, by table and number."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    present = {row[0] for row in engine.sql("SELECT name FROM sqlite_master")} if engine.path.exists() else set()
    for table in TABLES:
        if table in present:
            names = [row[1] for row in engine.sql(f"PRAGMA table_info({table})")]
            rows = (dict(zip(names, row, strict=True)) for row in engine.sql(f"SELECT * FROM {table}"))
            found |= {(table, row["id"]): row for row in rows}
    return found


def there(engine: Engine) -> dict[tuple[str, str], dict[str, Any]]:
    """Every record of the CRM, by object and id."""
    return {
        (obj, crm_id): deepcopy(record) for obj, held in engine.crm.objects.items() for crm_id, record in held.items()
    }


def moved_here(
    before: dict[tuple[str, int], dict[str, Any]], after: dict[tuple[str, int], dict[str, Any]]
) -> set[Move]:
    """What differs between two moments of the database: rows that came and went, and values."""
    moves: set[Move] = set()
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            moves.add(_whole("create" if old is None else "delete", key, new or old or {}))
        else:
            moves |= {("update", *key, name, old[name], new[name]) for name in old if old[name] != new[name]}
    return moves


def _whole(operation: str, key: tuple[str, int], row: dict[str, Any]) -> Move:
    held = {name: value for name, value in row.items() if value is not None and name not in ENGINE_COLUMNS}
    return (operation, *key, row["crm_id"], tuple(sorted(held.items(), key=str)))


def moved_there(
    before: dict[tuple[str, str], dict[str, Any]], after: dict[tuple[str, str], dict[str, Any]]
) -> set[Move]:
    """What differs between two moments of the CRM, but for its stamps."""
    return {
        (*key, name, old.get(name), after[key].get(name))
        for key, old in before.items()
        for name in old.keys() | after[key].keys()
        if name != "Stamp" and old.get(name) != after[key].get(name)
    }


def would_move(items: Sequence[Item]) -> tuple[set[Move], set[Move]]:
    """What a plan says, in the same form: of the database, and of the CRM."""
    local: set[Move] = set()
    remote: set[Move] = set()
    removed = {(one.object, one.crm_id) for one in items if one.operation == "delete" and one.field == "*"}
    for one in items:
        if one.operation in ("merge", "convert") and one.field == "crm_id" and (one.object, one.crm_id) in removed:
            continue  # the row of the id that ended goes, and the other one stays as it is
        if one.side == "crm":
            remote.add((one.object, one.crm_id, FIELDS[one.field], one.old, one.new))
        elif one.field == "*":
            row = {**(one.old or one.new), "crm_id": one.crm_id}
            local.add(_whole(one.operation, (one.entity, int(one.row_id or 0)), row))
        else:
            local.add(("update", one.entity, one.row_id, one.field, one.old, one.new))
    return local, remote


def twin(engine: Engine, path: Path) -> Engine:
    """The same connection once more, with a database and a CRM of its own that stand as they stand now."""
    engine.sql("VACUUM INTO ?", str(path))
    other = Engine(path, deepcopy(engine.crm))
    other.settings = engine.settings.model_copy(update={"database": path})
    return other


def carried(engine: Engine, file: Path) -> Carried:
    """Carry a saved plan out."""
    return engine.use(lambda connection: carry_out(connection, file))


def told(said: Planned) -> set[tuple[Any, ...]]:
    """The values of a plan in short, without whole records."""
    return {
        (one.side, one.operation, one.crm_id, one.field, one.old, one.new, one.rule)
        for one in said.items
        if one.field != "*"
    }


def refused(done: Carried) -> dict[tuple[str, str], tuple[Any, Any, str]]:
    """What was not made: what either side has, and why, by id and column."""
    return {(one["crm_id"], one["field"]): (one["here"], one["crm"], one["why"]) for one in done.refused}

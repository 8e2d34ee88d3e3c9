"""Things that happen on both sides, one after the other, to a small CRM and its database."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from support.engine import Engine

Change = tuple[str, str, int, Any]


def crm_id(obj: str, number: int) -> str:
    return {"Lead": "00Q", "Contact": "003", "Account": "001", "Deal": "006"}[obj] + str(number)


def play(engine: Engine, change: Change) -> None:
    """One thing that happens, if it can."""
    what, obj, number, more = change
    crm, one = engine.crm, crm_id(obj, number) if obj else ""
    alive = one in crm.objects.get(obj, {})
    finished = {m.id for _, m in crm.joined} | {g.id for _, g in crm.ended}
    if what == "save" and one not in finished:
        crm.put(obj, one, LastName=more, Email=f"{one}@x.org", Title=more)
    elif what == "account":
        crm.put("Account", one, Name=more, Industry=more)
    elif what == "deal" and one not in finished:
        crm.put("Deal", one, Name="Deal", Amount=number) if more or not alive else crm.delete("Deal", one)
    elif what == "delete" and alive:
        crm.delete(obj, one)
    elif what in ("merge", "convert") and alive:
        _join(engine, what, obj, one, more)
    elif what == "sync":
        engine.sync()
    elif engine.path.exists():
        _locally(engine, what, one, more)


def _locally(engine: Engine, what: str, one: str, more: Any) -> None:
    with suppress(Exception):  # before the first cycle there is no table
        if what == "edit":
            engine.sql("UPDATE person SET title = ?, last_name = ? WHERE crm_id = ?", more, more, one)
        elif what == "edit account":
            engine.sql("UPDATE account SET industry = ? WHERE crm_id = ?", more, one)
        elif what == "delete here":
            engine.sql("DELETE FROM person WHERE crm_id = ?", one)


def _join(engine: Engine, what: str, obj: str, one: str, other: int) -> None:
    crm, into = engine.crm, crm_id(obj if what == "merge" else "Contact", other)
    finished = {m.id for _, m in crm.joined} | {g.id for _, g in crm.ended}
    if what == "merge" and into in crm.objects[obj] and into != one:
        crm.put(obj, into)
        crm.join(obj, one, into)
    elif what == "convert" and into not in finished:
        crm.put("Contact", into, LastName="converted", Email="c@x.org")
        crm.join("Lead", one, into, "Contact", "converted")


def begin(folder: str, page_size: int = 3) -> Engine:
    """Four leads, four contacts, two accounts and two deals, synced."""
    Path(folder).mkdir(exist_ok=True)
    engine = Engine(Path(folder) / "marketing.db")
    engine.crm.page_size = page_size
    for number in range(4):
        play(engine, ("save", "Lead", number, "Ann"))
        play(engine, ("save", "Contact", number, "Ann"))
        play(engine, ("account", "Account", number % 2, "Ann"))
        play(engine, ("deal", "Deal", number % 2, True))
    engine.sync()
    engine.crm.tick(2)
    return engine


def edit(engine: Engine, obj: str, number: int, **values: Any) -> None:
    """Any program edits a row."""
    table = "account" if obj == "Account" else "person"
    for name, value in values.items():
        engine.sql(f"UPDATE {table} SET {name} = ? WHERE crm_id = ?", value, crm_id(obj, number))

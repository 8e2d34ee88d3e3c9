"""The command `explain`: where the values of a record come from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crmsync.cli import screen
from crmsync.cli.options import AsJson, Entity, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection

FIELD = ("field", "value", "at", "side", "run", "kind", "rule", "beat", "state")
HISTORY = ("at", "run", "kind", "side", "rule", "old", "new")
IDS = ("object", "crm_id", "role", "modified_at", "run", "kind")
ASKED = ("operation", "object", "crm_id", "state", "at", "run", "code", "message")


def explain(
    name: Annotated[str, typer.Argument(help="connection")],
    person: Annotated[str, typer.Argument(help="row id, any id in the CRM, or e-mail address")],
    field: Annotated[str | None, typer.Argument(help="only this column, with its history")] = None,
    *,
    settings: Settings = None,
    entity: Entity = "person",
    as_json: AsJson = False,
) -> None:
    """Tell where the values of a record come from.

    For each value when it came, from which side, by which run and rule, what it beat, and what keeps a local edit
    from the CRM. Exit codes: 0 told, 2 settings, usage or no such record, 4 the database cannot be read.
    """

    async def work(connection: Connection) -> dict[str, Any]:
        return await connection.review.explain(person, field, entity=entity)

    told = with_connection(settings, name, work)
    if as_json:
        screen.write_json(told)
    else:
        show(told)


def show(told: dict[str, Any]) -> None:
    """What is known of a record, for people."""
    screen.say(_sentence(told))
    if gone := told["gone"]:
        screen.say(f"It is not here any more: {gone['rule']}{_when(gone)}.")
    for one in told["set_aside"]:
        screen.say(
            f"{one['object']} {one['crm_id']} is set aside since {screen.plain(one['first_at'])}: {one['reason']}"
        )
    former = [one for one in told["ids"] if one["crm_id"] != told["crm_id"]]
    if former:
        screen.table(former, IDS, title="Former ids in the CRM")
    if told["asked"]:
        screen.table(told["asked"], ASKED, title="Asked of the CRM")
    if told["fields"]:
        screen.table([{**one, "state": (one["waits"] or {}).get("state")} for one in told["fields"]], FIELD)
    for one in told["fields"]:
        if one["waits"]:
            screen.say(f"{one['field']}: {_waits(one['waits'])}")
    if told.get("history"):
        screen.table(told["history"], HISTORY, title="History")


def _sentence(told: dict[str, Any]) -> str:
    came = told["came"]
    who = f"{told['entity']} {told['row_id']}" + (f" is {told['object']} {told['crm_id']}" if told["crm_id"] else "")
    how = "first read" if came["side"] == "crm" else "made here"
    then = f", known to the CRM since run {came['run']}" if came["side"] == "marketing" and came["run"] else ""
    run = f" in run {came['run']} ({came['kind']})" if came["side"] == "crm" else ""
    return f"{who}, {how}{run}{' at ' + screen.plain(came['at']) if came['at'] else ''}{then}."


def _when(one: dict[str, Any]) -> str:
    run = f" by run {one['run']} ({one['kind']})" if one.get("run") else ""
    return f"{run} at {screen.plain(one['at'])}" if one.get("at") else run


def _waits(edit: dict[str, Any]) -> str:
    both = f" Last agreed on: {screen.plain(edit['base']) or 'empty'}"
    theirs = f"; the CRM has: {screen.plain(edit['crm']) or 'empty'}" if edit["state"] == "conflict" else ""
    why = edit["why"].rstrip(".").replace(str(edit["retry_at"]), screen.plain(edit["retry_at"]))
    return f"edited here at {screen.plain(edit['edited_at'])}; {why}.{both}{theirs}."

"""The commands `person`: what a marketer may ask of the CRM for a person, at once, also while the sync is off."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crmsync.cli.asking import Connected, Owner, Person, Persons, ask
from crmsync.cli.options import AsJson, Settings

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]


@app.callback()
def person() -> None:
    """Send, convert, reassign, delete and merge persons in the CRM, and make tasks for them.

    At once, also while the sync is off; every command waits until the action is over. Exit codes: 0 done, 1 refused,
    failed or not over yet, 2 settings, usage or no such person, 4 the database failed.
    """


@app.command("sync")
def sync(
    name: Connected,
    persons: Persons,
    *,
    settings: Settings = None,
    owner: Owner = "",
    assign: Annotated[bool, typer.Option(help="let the CRM's own rules choose the owner of a new record")] = True,
    duplicate: Annotated[bool, typer.Option("--duplicate", help="a second lead, for a contact and a queue")] = False,
    as_contact: Annotated[bool, typer.Option("--as-contact", help="new ones as contacts of no account")] = False,
    as_json: AsJson = False,
) -> None:
    """Send persons now: the CRM's new ones as leads, the others with what waits of them where its rules allow it."""
    ask(
        settings, name, "sync_person", persons, as_json=as_json, owner=owner, assign=assign, duplicate=duplicate,
        as_contact=as_contact,
    )  # fmt: skip


@app.command("convert")
def convert(
    name: Connected,
    persons: Persons,
    *,
    settings: Settings = None,
    owner: Owner = "",
    status: Annotated[str, typer.Option(help="of the converted lead; the CRM's first unless given")] = "",
    opportunity: Annotated[str, typer.Option(help="its name; the CRM's choice unless given")] = "",
    no_opportunity: Annotated[bool, typer.Option("--no-opportunity", help="make none")] = False,
    mail: Annotated[bool, typer.Option("--mail", help="let the CRM mail the owner")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Convert leads, each into a contact of its own and, by the CRM's custom, an account and an opportunity.

    It never finds an account that is there already, so a second one comes of it; for most leads the CRM's own
    conversion is the better way. Asks first.
    """
    if not yes:
        said = f"Convert {', '.join(persons)}, each into a new contact and what goes with it?"
        typer.confirm(said, abort=True, err=True)
    ask(
        settings, name, "convert_person", persons, as_json=as_json, confirmed=True, owner=owner, status=status,
        opportunity=None if no_opportunity else opportunity, mail=mail,
    )  # fmt: skip


@app.command("owner")
def owner(
    name: Connected,
    persons: Persons,
    *,
    settings: Settings = None,
    to: Annotated[str, typer.Option("--to", help="a user or queue: id in the CRM, username, e-mail address or name")],
    duplicate: Annotated[bool, typer.Option("--duplicate", help="a second lead, for a contact and a queue")] = False,
    as_json: AsJson = False,
) -> None:
    """Give persons another owner; one whom the CRM does not have is sent first."""
    ask(settings, name, "change_owner", persons, as_json=as_json, owner=to, duplicate=duplicate)


@app.command("task")
def task(
    name: Connected,
    persons: Persons,
    *,
    settings: Settings = None,
    subject: Annotated[str, typer.Option(help="what is to be done")],
    description: str = "",
    due_in_days: Annotated[int, typer.Option(help="days from now")] = 5,
    status: str = "",
    priority: str = "",
    owner: Owner = "",
    as_json: AsJson = False,
) -> None:
    """Make a task in the CRM; a person whom the CRM does not have is sent first."""
    ask(
        settings, name, "create_task", persons, as_json=as_json, subject=subject, description=description,
        due_in_days=due_in_days, status=status, priority=priority, owner=owner,
    )  # fmt: skip


@app.command("delete")
def delete(
    name: Connected,
    persons: Persons,
    *,
    settings: Settings = None,
    in_crm: Annotated[bool | None, typer.Option(help="in the CRM; by its own rules unless it is said")] = None,
    here: Annotated[bool, typer.Option(help="in the marketing database")] = True,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete persons on both sides, or on one. One who is deleted here alone comes back with the CRM's next update."""
    there = {True: ["in the CRM"], None: ["in the CRM, where that is its custom,"], False: []}[in_crm]
    where = " and ".join([*there, *(["here"] if here else [])]) or "nowhere"
    if not yes:
        typer.confirm(f"Delete {', '.join(persons)} {where}?", abort=True, err=True)
    ask(
        settings,
        name,
        "delete_person",
        persons,
        as_json=as_json,
        in_crm=in_crm,
        here=here,
    )


@app.command("merge")
def merge(
    name: Connected,
    keep: Person,
    others: Persons,
    *,
    settings: Settings = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="COLUMN=VALUE", help="what the merged person is to have")
    ] = None,
    skip_crm: Annotated[bool, typer.Option("--skip-crm", help="merge here alone")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Merge others into a person, in the CRM too. It cannot be undone."""
    if not yes:
        typer.confirm(f"Merge {', '.join(others)} into {keep}, for good?", abort=True, err=True)
    ask(
        settings, name, "merge_persons", [keep], as_json=as_json, others=others, values=_values(values or ()),
        skip_crm=skip_crm,
    )  # fmt: skip


def _values(given: Any) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for one in given:
        column, sign, value = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"{one!r}: COLUMN=VALUE is expected; an empty value empties the column")
        found[column] = value or None
    return found

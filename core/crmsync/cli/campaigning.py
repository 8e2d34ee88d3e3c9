"""Commands about a person's place in a campaign of the CRM: added, moved to another status, removed."""

from __future__ import annotations

from typing import Annotated

import typer

from crmsync.cli.asking import Connected, Persons, ask
from crmsync.cli.options import AsJson, Settings

Campaign = Annotated[str, typer.Argument(help="a campaign's name, its id in the CRM, or its row")]


def add(
    name: Connected,
    campaign: Campaign,
    persons: Persons,
    *,
    settings: Settings = None,
    status: Annotated[str, typer.Option(help="one of the campaign's; its default unless given")] = "",
    as_json: AsJson = False,
) -> None:
    """Make persons members of a campaign; those the CRM does not have are sent first, members are left alone.

    Exit codes: 0 done, 1 refused, failed or not over yet, 2 settings, usage or no such person, 4 the database failed.
    """
    ask(settings, name, "add_to_campaign", persons, as_json=as_json, campaign=campaign, status=status)


def status(
    name: Connected,
    campaign: Campaign,
    status: Annotated[str, typer.Argument(help="one of the campaign's")],
    persons: Persons,
    *,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Give members another status; who is no member becomes one. Exit codes as of `campaign add`."""
    ask(settings, name, "change_status", persons, as_json=as_json, campaign=campaign, status=status)


def remove(
    name: Connected, campaign: Campaign, persons: Persons, *, settings: Settings = None, as_json: AsJson = False
) -> None:
    """End memberships; who is no member is left alone. Exit codes as of `campaign add`."""
    ask(settings, name, "remove_from_campaign", persons, as_json=as_json, campaign=campaign)

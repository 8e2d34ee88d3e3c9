"""The arguments of every kind of action, as `crm_action` holds them in JSON and as the functions take them by name."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
"""A name or id; a number is as good."""


class Wish(BaseModel):
    """What every action takes. `only` leaves persons of another type alone (R-117).

    `within_program` is for steps of a program that is linked to a campaign: persons whom the CRM does not have are
    then refused instead of being sent to it first (R-071).
    """

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)  # built when such a wish is read

    only: Literal["lead", "contact"] | None = None
    within_program: bool = False


class SyncPerson(Wish):
    """`duplicate` makes a second lead of a contact that is to go to a queue (R-060).

    `as_contact` makes a contact at once of a person whom the CRM lacks, where it has contacts of no account (R-078).
    """

    owner: Text = ""
    assign: bool = True
    duplicate: bool = False
    save_duplicates: bool = False
    as_contact: bool = False


class ChangeOwner(Wish):
    """`owner` is a user or a queue: by its id in the CRM, username, e-mail address or name."""

    owner: Annotated[Text, Field(min_length=1)]
    duplicate: bool = False


class ConvertPerson(Wish):
    """`opportunity` is its name; "" is the CRM's choice, null makes none. Nothing happens unless `confirmed`."""

    confirmed: bool = False
    owner: Text = ""
    status: str = ""
    opportunity: str | None = ""
    mail: bool = False


class CreateTask(Wish):
    """Due on `due`, or so many days from now. Without `owner` it is the person's own."""

    subject: Annotated[str, Field(min_length=1)]
    description: str = ""
    due: Annotated[date | None, Field(strict=False)] = None
    due_in_days: int = 5
    status: str = ""
    priority: str = ""
    owner: Text = ""


class DeletePerson(Wish):
    """On which sides; in the CRM by its own rules unless it is said."""

    in_crm: bool | None = None
    here: bool = True


class Campaign(Wish):
    """`campaign` is named by its id in the CRM, its name, or its row."""

    campaign: Annotated[Text, Field(min_length=1)]


class AddToCampaign(Campaign):
    """Without `status` the campaign's default."""

    status: str = ""


class ChangeStatus(Campaign):
    """To one of the campaign's statuses."""

    status: Annotated[str, Field(min_length=1)]


class MergePersons(Wish):
    """The person of the action keeps its row, `others` end. `values` are what the merged person is to have, by column.

    `skip_crm` merges here alone (R-301).
    """

    others: Annotated[list[int], Field(min_length=1)]
    values: dict[str, Any] = {}
    skip_crm: bool = False

"""What a marketer may ask of the CRM: a module for each kind of action, and how they are served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from crmsync.actions import wishes
from crmsync.actions.campaigns import add_to_campaign, change_status, remove_from_campaign
from crmsync.actions.converting import convert_person
from crmsync.actions.deleting import delete_person
from crmsync.actions.jobs import Job
from crmsync.actions.merging import merge_persons
from crmsync.actions.owning import change_owner
from crmsync.actions.syncing import sync_person
from crmsync.actions.tasks import create_task
from crmsync.pull.run import Pull
from crmsync.writes import Operation


class Kind(Struct, frozen=True):
    """One kind of action: what it takes, what does it, and what the activity of a person calls it.

    `once` is an operation with which it is over, and which nobody can tell from what is there afterwards.
    """

    wish: type[wishes.Wish]
    serve: Callable[[Pull, Sequence[Job]], Awaitable[None]]
    title: str
    once: Operation | None = None


KINDS: Mapping[str, Kind] = {
    "sync_person": Kind(wishes.SyncPerson, sync_person, "Sync Person"),
    "change_owner": Kind(wishes.ChangeOwner, change_owner, "Change Owner"),
    "convert_person": Kind(wishes.ConvertPerson, convert_person, "Convert Person", Operation.CONVERT),
    "create_task": Kind(wishes.CreateTask, create_task, "Create Task"),
    "delete_person": Kind(wishes.DeletePerson, delete_person, "Delete Person"),
    "add_to_campaign": Kind(wishes.AddToCampaign, add_to_campaign, "Add to Campaign"),
    "change_status": Kind(wishes.ChangeStatus, change_status, "Change Status in Campaign"),
    "remove_from_campaign": Kind(wishes.Campaign, remove_from_campaign, "Remove from Campaign"),
    "merge_persons": Kind(wishes.MergePersons, merge_persons, "Merge Persons"),
}
"""By the name that `crm_action.kind` holds."""

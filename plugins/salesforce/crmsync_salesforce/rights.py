"""What the way back needs: the rights on objects and the system permissions, for the routes that push and no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from crmsync.model import Direction, Route
from crmsync_salesforce.described import Described


class Right(StrEnum):
    """A right on an object, as the vendor's screens call it."""

    CREATE = "Create"
    EDIT = "Edit"
    DELETE = "Delete"


_NEW = (Right.CREATE, Right.EDIT)
_OWN: Mapping[str, tuple[Right, ...]] = {
    "Lead": tuple(Right), "Contact": (Right.EDIT, Right.DELETE), "Campaign": _NEW,
}  # fmt: skip
"""What pushing an object needs; merging persons deletes those that lose. Other objects are only edited."""

OF_CAMPAIGN = frozenset({"CampaignMember", "CampaignMemberStatus"})
"""Objects without rights of their own: whoever may edit a campaign may make, change and delete them."""

CONVERTED = ("Account", "Contact", "Opportunity")
"""What a conversion makes, so that leads cannot be converted without the right to make and edit them."""

TASKS = "EditTask"
OF_LEADS: Mapping[str, tuple[str, str]] = {
    "ConvertLeads": ("Convert Leads", "Leads cannot be converted from here"),
    "TransferAnyLead": ("Transfer Leads", "The owners of leads that belong to others cannot be changed from here"),
}
"""System permissions by the vendor's names: what the screens call them, and what is not possible without."""

_MARKETING_USER = (
    'Tick "Marketing User" on the user and grant "Create" and "Edit" on Campaign, so that campaigns, their statuses '
    "and members can be made and changed."
)


def needed(routes: Iterable[Route]) -> dict[str, frozenset[Right]]:
    """The rights on each object that pushing these routes takes."""
    found: dict[str, set[Right]] = defaultdict(set)
    for obj in pushed(routes):
        if obj in OF_CAMPAIGN:
            found["Campaign"].add(Right.EDIT)
        elif obj != "Task":
            found[obj].update(_OWN.get(obj, (Right.EDIT,)))
        if obj == "Lead":
            for other in CONVERTED:
                found[other].update(_NEW)
    return {obj: frozenset(rights) for obj, rights in found.items()}


def permissions(routes: Iterable[Route]) -> frozenset[str]:
    """The system permissions that pushing these routes takes; converting leads presupposes the one to edit tasks."""
    objects = pushed(routes)
    of_leads = {*OF_LEADS, TASKS} if "Lead" in objects else set()
    return frozenset(of_leads | ({TASKS} if "Task" in objects else set()))


def pushed(routes: Iterable[Route]) -> frozenset[str]:
    """The objects that go to the CRM."""
    return frozenset(route.object for route in routes if Direction.PUSH in route.directions)


def lacking(described: Described, wanted: Iterable[Right]) -> list[Right]:
    """Those of some rights on an object that its describe does not show, in the vendor's order."""
    held = {
        Right.CREATE: described.createable, Right.EDIT: described.updateable, Right.DELETE: described.deletable,
    }  # fmt: skip
    wanted = frozenset(wanted)
    return [one for one in Right if one in wanted and not held[one]]


def in_words(rights: Sequence[Right]) -> str:
    """Rights for a sentence."""
    quoted = [f'"{one}"' for one in rights]
    return " and ".join(one for one in (", ".join(quoted[:-1]), quoted[-1]) if one)


def grants(obj: str, described: Described) -> tuple[str, ...]:
    """What to grant so that an object that goes both ways, or one that is made on request, can be written."""
    if obj == "Task":
        return () if described.createable else ('Grant "Edit Tasks", so that tasks can be made in the CRM.',)
    if obj == "Campaign" or obj in OF_CAMPAIGN:
        return (_MARKETING_USER,) if lacking(described, _NEW) else ()
    missing = lacking(described, _OWN.get(obj, ()))
    found = []
    if writing := [one for one in missing if one is not Right.DELETE]:
        found.append(f"Grant {in_words(writing)} on {obj}, so that changes can go to the CRM.")
    if Right.DELETE in missing:
        found.append(f'Grant "Delete" on {obj}, so that persons can be deleted and merged in the CRM.')
    return tuple(found)

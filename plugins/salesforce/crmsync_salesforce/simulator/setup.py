"""What an org has before its first customer record: organisation, profiles, users, queues, record types, statuses."""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING

from crmsync_salesforce.simulator import access
from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.rules import STAGES
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS

if TYPE_CHECKING:
    from crmsync.simulate import Columns
    from crmsync_salesforce.simulator.made import Made

DOMAIN = "crmsync-simulator.example.com"
SALES_USERS = 5
_QUEUES = ("Inbound Queue", "Partner Queue", "Événements")


def set_up(made: Made) -> None:
    """Make the setup records and the users who can log in."""
    state = made.state
    (admin,) = islice(state.fresh_ids("User"), 1)
    state.people.admin = admin
    state.system.user_id = admin
    made.add(
        "Organization", 1, {"Name": ["Simulated Org"], "Country": ["US"], "OrganizationType": ["Enterprise Edition"]}
    )
    made.add(
        "Profile",
        3,
        {"Name": ["System Administrator", "Standard User", "Marketing Sync"], "UserType": ["Standard"] * 3},
    )
    made.add("UserPermissionAccess", 1, {})
    made.add("UserRole", 2, {"Name": ["CEO", "Sales"], "DeveloperName": ["CEO", "Sales"]})
    _users(made, admin)
    made.add(
        "Group",
        len(_QUEUES),
        {"Name": _QUEUES, "DeveloperName": ("Inbound", "Partner", "Events"), "Type": ["Queue"] * len(_QUEUES)},
    )
    names = ("Customer", "Partner", "PersonAccount")
    made.add(
        "RecordType",
        3,
        {"Name": names, "DeveloperName": names, "SobjectType": ["Account"] * 3, "IsActive": [True] * 3},
    )
    _statuses(made)


def _users(made: Made, admin: str) -> None:
    state = made.state
    titles = [
        "admin",
        "full",
        "minimum",
        "restricted",
        "default-owner",
        *(f"sales{n}" for n in range(1, SALES_USERS + 1)),
    ]
    people = made.draw.people(len(titles))
    count = len(titles)
    ids = [admin, *islice(state.fresh_ids("User"), count - 1)]
    columns: Columns = {
        "Id": ids,
        "Username": [f"{title}@{DOMAIN}" for title in titles],
        "Email": [f"{title}@{DOMAIN}" for title in titles],
        "FirstName": [given for _, given, _ in people],
        "LastName": [family for _, _, family in people],
        "Name": [f"{given} {family}" for _, given, family in people],
        "Alias": [title[:8] for title in titles],
        "Department": ["Sales" if title.startswith("sales") else "Operations" for title in titles],
        "Title": [title.title() for title in titles],
        "ProfileId": [made.refs["Profile"][0 if title == "admin" else 1] for title in titles],
        "UserRoleId": [made.refs["UserRole"][1]] * count,
        "TimeZoneSidKey": ["GMT"] * count,
        "LocaleSidKey": ["en_US"] * count,
        "LanguageLocaleKey": ["en_US"] * count,
        "EmailEncodingKey": ["UTF-8"] * count,
        "UserPermissionsMarketingUser": [title in {"admin", "full"} for title in titles],
        "OwnerId": [None] * count,
    }
    made.add("User", count, columns)
    made.refs["User"] = ids
    state.people.integration, state.people.lead_owner = ids[1], ids[4]
    made.owners = ids[-SALES_USERS:]
    _credentials(made, titles[:4], ids)


def _credentials(made: Made, titles: list[str], ids: list[str]) -> None:
    secret = random.Random(f"{made.plan.seed}:users")
    for title, identity in zip(titles, ids, strict=False):
        made.state.rights[identity] = Rights(
            user_id=identity,
            username=f"{title}@{DOMAIN}",
            password=f"pass-{secret.getrandbits(40):010x}",
            security_token=f"tok{secret.getrandbits(60):015x}",
            title=title,
        )
    access.grant_minimum(made.state.rights[ids[2]], made.state.objects)
    access.restrict(made.state.rights[ids[3]])


def _statuses(made: Made) -> None:
    leads, tasks, stages = PICKLISTS["Lead.Status"], PICKLISTS["Task.Status"], list(STAGES)
    made.add(
        "LeadStatus",
        len(leads),
        {
            "MasterLabel": leads,
            "ApiName": leads,
            "SortOrder": range(1, len(leads) + 1),
            "IsDefault": [one.startswith("Open") for one in leads],
            "IsConverted": [one == "Closed - Converted" for one in leads],
        },
    )
    made.add(
        "TaskStatus",
        len(tasks),
        {
            "MasterLabel": tasks,
            "ApiName": tasks,
            "SortOrder": range(1, len(tasks) + 1),
            "IsDefault": [one == "Not Started" for one in tasks],
            "IsClosed": [one == "Completed" for one in tasks],
        },
    )
    made.add(
        "OpportunityStage",
        len(stages),
        {
            "MasterLabel": stages,
            "ApiName": stages,
            "IsActive": [True] * len(stages),
            "SortOrder": range(1, len(stages) + 1),
            "DefaultProbability": [float(STAGES[one][0]) for one in stages],
            "IsClosed": [STAGES[one][1] for one in stages],
            "IsWon": [STAGES[one][2] for one in stages],
            "ForecastCategory": [STAGES[one][3] for one in stages],
            "ForecastCategoryName": [STAGES[one][4] for one in stages],
        },
    )

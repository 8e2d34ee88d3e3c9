"""What people do in an org: deals, campaigns, activities, and the records of its custom objects."""

from __future__ import annotations

from itertools import repeat

from crmsync.simulate import Columns
from crmsync_salesforce.simulator.made import Made
from crmsync_salesforce.simulator.population import lines
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS

_STAGES = (
    ("Prospecting", 10.0, False, False, "Pipeline"),
    ("Needs Analysis", 20.0, False, False, "Pipeline"),
    ("Proposal/Price Quote", 75.0, False, False, "Pipeline"),
    ("Closed Won", 100.0, True, True, "Closed"),
    ("Closed Lost", 0.0, True, False, "Omitted"),
)


def deals(made: Made, count: int) -> None:
    """Opportunities on accounts, each with one primary contact role."""
    draw = made.draw
    stages = draw.choices(_STAGES, count)
    closes = made.days(count)
    accounts = made.pick("Account", count)
    columns: Columns = {
        "Name": [f"Deal {number:06d}" for number in range(count)],
        "AccountId": accounts,
        "StageName": [one[0] for one in stages],
        "Probability": [one[1] for one in stages],
        "IsClosed": [one[2] for one in stages],
        "IsWon": [one[3] for one in stages],
        "ForecastCategory": [one[4] for one in stages],
        "ForecastCategoryName": [one[4] for one in stages],
        "Amount": draw.sometimes(draw.money(100, 2e6, count), 0.9),
        "CloseDate": closes,
        "FiscalYear": [int(day[:4]) for day in closes],
        "FiscalQuarter": [(int(day[5:7]) + 2) // 3 for day in closes],
        "Fiscal": [f"{day[:4]} {(int(day[5:7]) + 2) // 3}" for day in closes],
        "Type": made.values("Opportunity.Type", count),
        "LeadSource": made.values("LeadSource", count),
        "External_Id__c": [f"OPP-{number:07d}" for number in range(count)],
    }
    deals = made.add("Opportunity", count, columns)
    if made.refs.get("Contact"):
        roles: Columns = {
            "OpportunityId": deals,
            "ContactId": made.pick("Contact", count),
            "Role": made.values("Role", count),
            "IsPrimary": repeat(True),
        }
        made.add("OpportunityContactRole", count, roles)


def campaigns(made: Made, count: int) -> None:
    """Campaigns with their statuses and members."""
    draw = made.draw
    columns: Columns = {
        "Name": [f"{kind} {number}" for number, kind in enumerate(draw.choices(PICKLISTS["Campaign.Type"], count), 1)],
        "Type": made.values("Campaign.Type", count),
        "Status": draw.choices(PICKLISTS["Campaign.Status"], count),
        "IsActive": draw.chances(0.7, count),
        "StartDate": made.days(count),
        "BudgetedCost": draw.sometimes(draw.money(1000, 1e5, count, 0), 0.7),
    }
    campaigns = made.add("Campaign", count, columns)
    statuses: Columns = {
        "CampaignId": [one for campaign in campaigns for one in (campaign, campaign)],
        "Label": ["Sent", "Responded"] * count,
        "SortOrder": [1, 2] * count,
        "IsDefault": [True, False] * count,
        "HasResponded": [False, True] * count,
    }
    made.add("CampaignMemberStatus", 2 * count, statuses)
    _members(made, campaigns)


def _members(made: Made, campaigns: list[str]) -> None:
    draw = made.draw
    people = draw.shuffled(made.refs.get("Contact", []))[: max(3, made.plan.records // 5)]
    leads = draw.shuffled(made.refs.get("Lead", []))[: max(3, made.plan.records // 10)]
    count = len(people) + len(leads)
    responded = draw.chances(0.3, count)
    columns: Columns = {
        "CampaignId": draw.choices(campaigns, count),
        "ContactId": [*people, *repeat(None, len(leads))],
        "LeadId": [*repeat(None, len(people)), *leads],
        "Status": ["Responded" if one else "Sent" for one in responded],
        "HasResponded": responded,
        "FirstRespondedDate": [
            day if one else None for one, day in zip(responded, made.days(count, high=0), strict=True)
        ],
    }
    made.add("CampaignMember", count, columns)


def activities(made: Made, count: int) -> None:
    """Tasks and events on contacts."""
    draw = made.draw
    closed = draw.chances(0.6, count)
    who = made.pick("Contact", count)
    tasks: Columns = {
        "WhoId": who,
        "WhoCount": [int(one is not None) for one in who],
        "WhatCount": repeat(0),
        "Subject": draw.choices(PICKLISTS["Subject"], count),
        "ActivityDate": made.days(count),
        "Status": ["Completed" if one else "Not Started" for one in closed],
        "IsClosed": closed,
        "TaskSubtype": repeat("Task"),
        "Description": draw.sometimes(lines(draw.texts(count)), 0.4),
    }
    made.add("Task", count, tasks)
    count //= 4
    days = made.days(count)
    events: Columns = {
        "WhoId": made.pick("Contact", count),
        "Subject": draw.choices(PICKLISTS["Subject"], count),
        "StartDateTime": [f"{day}T10:00:00.000+0000" for day in days],
        "ActivityDateTime": [f"{day}T10:00:00.000+0000" for day in days],
        "EndDateTime": [f"{day}T11:00:00.000+0000" for day in days],
        "ActivityDate": days,
        "EndDate": days,
        "DurationInMinutes": repeat(60),
        "EventSubtype": repeat("Event"),
    }
    made.add("Event", count, events)


def custom(made: Made, count: int) -> None:
    """Records of the three custom objects: on contacts, on those, and on nothing."""
    draw = made.draw
    subscriptions: Columns = {
        "Name": [f"SUB-{number:06d}" for number in range(count)],
        "Contact__c": made.pick("Contact", count),
        "Plan__c": made.values("Plan__c", count),
        "Price__c": draw.money(0, 5000, count),
        "Start__c": made.days(count),
        "Active__c": draw.chances(0.7, count),
        "External_Id__c": [f"SUB-{number:07d}" for number in range(count)],
    }
    made.add("Subscription__c", count, subscriptions)
    items: Columns = {
        "Name": [f"ITEM-{number:06d}" for number in range(count)],
        "Subscription__c": made.pick("Subscription__c", count),
        "Quantity__c": [float(n) for n in draw.whole(1, 50, count)],
    }
    made.add("Subscription_Item__c", count, items)
    names = ("North", "South", "Östlich", "西部", "Центр")
    regions: Columns = {"Name": names, "Code__c": [f"R{n}" for n in range(5)], "Population__c": [1e6] * 5}
    made.add("Region__c", 5, regions)

"""What an environment's people do: deals with their stakeholders, campaigns with lists, tasks, and custom rows."""

from __future__ import annotations

from itertools import repeat

from crmsync_dynamics.simulator.fields import Ref
from crmsync_dynamics.simulator.made import Made
from crmsync_dynamics.simulator.population import money, priced

MOST_MEMBERS = 40


def deals(made: Made, count: int) -> None:
    """Opportunities of accounts, of contacts, and their stakeholders."""
    draw = made.draw
    accounts, contacts = made.pick("account", count), made.pick("contact", count)
    personal = draw.chances(0.3, count)
    states = draw.choices(((0, 1), (0, 2), (0, 1), (1, 3), (2, 4)), count)
    deals = made.add(
        "opportunity",
        count,
        {
            "name": [f"{kind} {n}" for n, kind in enumerate(draw.choices(("Renewal", "Licences", "Pilot"), count), 1)],
            "customerid": [
                person if alone else company
                for person, company, alone in zip(contacts, accounts, personal, strict=True)
            ],
            "parentaccountid": [None if alone else one for one, alone in zip(accounts, personal, strict=True)],
            "parentcontactid": [one if alone else None for one, alone in zip(contacts, personal, strict=True)],
            "estimatedclosedate": made.days(count, -60, 180),
            "closeprobability": draw.whole(0, 100, count),
            "salesstage": made.values("opportunity_salesstage", count),
            "description": draw.sometimes(draw.texts(count), 0.3),
            "statecode": [state for state, _ in states],
            "statuscode": [status for _, status in states],
            **priced(made, count, estimatedvalue=money(draw, 10**5, count, 0.9)),
        },
    )
    _stakeholders(made, deals[::2])


def _stakeholders(made: Made, deals: list[Ref]) -> None:
    count = len(deals)
    made.add(
        "connection",
        count,
        {
            "record1id": deals,
            "record2id": made.pick("contact", count),
            "record2roleid": made.pick("connectionrole", count),
            "ismaster": repeat(True, count),
        },
    )


def campaigns(made: Made, count: int) -> None:
    """Campaigns, each with a static list of contacts or leads."""
    draw = made.draw
    made.add(
        "campaign",
        count,
        {
            "name": [f"Spring Fair {n}" for n in range(1, count + 1)],
            "codename": [f"CMP-01001-{n:06d}" for n in range(1, count + 1)],
            "typecode": made.values("campaign_typecode", count),
            "statuscode": draw.choices((0, 1, 2), count),
            "proposedstart": draw.choices(made.stamps, count),
        },
    )
    kinds = [(2, "contact") if n % 2 == 0 else (4, "lead") for n in range(count)]
    lists = made.add(
        "list",
        count,
        {
            "listname": [f"Invited {n}" for n in range(1, count + 1)],
            "createdfromcode": [code for code, _ in kinds],
            "membertype": [code for code, _ in kinds],
            "type": repeat(False, count),
        },
    )
    for campaign, one, (_, kind) in zip(made.refs["campaign"], lists, kinds, strict=True):
        made.state.pairs["campaignlist_association"].add((campaign.id, one.id))
        _members(made, one, kind)


def _members(made: Made, one: Ref, kind: str) -> None:
    people = sorted({ref.id for ref in made.pick(kind, MOST_MEMBERS) if ref is not None})
    members = [Ref(kind, identity) for identity in people]
    made.add("listmember", len(members), {"listid": repeat(one, len(members)), "entityid": members})
    made.state.tables["list"].by_id[one.id]["membercount"] = len(members)


def activities(made: Made, count: int) -> None:
    """Tasks with contacts and leads."""
    people = [made.pick("contact", count), made.pick("lead", count)]
    made.add(
        "task",
        count,
        {
            "subject": made.draw.choices(("Call back", "Send the offer", "Prepare the demo"), count),
            "regardingobjectid": [people[n % 2][n] or people[0][n] for n in range(count)],
            "scheduledend": made.draw.sometimes(made.draw.choices(made.stamps, count), 0.6),
            "description": made.draw.sometimes(made.draw.texts(count), 0.3),
        },
    )


def custom(made: Made, count: int) -> None:
    """Subscriptions of contacts, and what is in them."""
    draw = made.draw
    made.add(
        "new_subscription",
        count,
        {
            "new_name": [f"SUB-{n:06d}" for n in range(1, count + 1)],
            "new_contact": made.pick("contact", count),
            "new_account": draw.sometimes(made.pick("account", count), 0.5),
            "new_plan": made.values("new_tier", count),
            "new_seats": draw.whole(1, 500, count),
            "new_startson": made.days(count),
            **priced(made, count, new_amount=money(draw, 10**4, count, 0.9)),
        },
    )
    made.add(
        "new_subscriptionitem",
        count,
        {
            "new_name": [f"Item {n}" for n in range(1, count + 1)],
            "new_subscription": made.pick("new_subscription", count),
            "new_quantity": draw.whole(1, 20, count),
        },
    )

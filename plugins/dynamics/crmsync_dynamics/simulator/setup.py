"""The records every environment begins with: units, users, teams, currencies, roles, and the application users."""

from __future__ import annotations

from itertools import repeat

from crmsync_dynamics.simulator import ids
from crmsync_dynamics.simulator.access import Depth, User, grant_minimum, restrict
from crmsync_dynamics.simulator.fields import Ref
from crmsync_dynamics.simulator.made import Made
from crmsync_dynamics.simulator.schema.custom import SECURED
from crmsync_dynamics.simulator.values import canonical

PEOPLE = 8
_APPS = ("full", "minimum", "restricted")
STAKEHOLDERS = ("Stakeholder", "Decision Maker", "Champion", "Influencer", "Technical Buyer")
BULK = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")
BULK_TABLES = ("account", "contact", "lead", "opportunity", "list", "new_subscription", "new_subscriptionitem")


def set_up(made: Made) -> None:
    """Make what all other rows point to."""
    people = made.state.people
    people.admin = next(made.state.ids)
    _units(made)
    _users(made)
    _currencies(made)
    _security(made)
    _messages(made)


def _units(made: Made) -> None:
    (root,) = made.add("businessunit", 1, {"name": ["Acme"]})
    made.add("businessunit", 2, {"name": ["Acme Europe", "Acme Asia"], "parentbusinessunitid": repeat(root)})
    made.state.people.unit = root.id


def _users(made: Made) -> None:
    units = made.refs["businessunit"]
    people = made.draw.people(PEOPLE)
    common = {"accessmode": 0, "isdisabled": False, "islicensed": True}
    numbers = range(PEOPLE)
    made.add(
        "systemuser",
        1,
        {
            "systemuserid": [made.state.people.admin], "fullname": ["Ada Minister"], "firstname": ["Ada"],
            "lastname": ["Minister"], "domainname": ["admin@acme.example.com"], "businessunitid": [units[0]],
            "internalemailaddress": ["admin@acme.example.com"],
            **{name: [value] for name, value in common.items()},
        },
    )  # fmt: skip
    users = made.add(
        "systemuser",
        PEOPLE,
        {
            "fullname": [f"{given} {family}" for _, given, family in people],
            "firstname": [given for _, given, _ in people],
            "lastname": [family for _, _, family in people],
            "domainname": [f"user{n}@acme.example.com" for n in numbers],
            "internalemailaddress": [f"user{n}@acme.example.com" for n in numbers],
            "businessunitid": [units[n % len(units)] for n in numbers],
            "title": ["Account Manager"] * PEOPLE,
            "jobtitle": ["Sales"] * PEOPLE,
            **{name: repeat(value, PEOPLE) for name, value in common.items()},
        },
    )
    _applications(made)
    made.add(
        "team",
        2,
        {
            "name": ["Acme", "Inside Sales"], "teamtype": repeat(0, 2), "isdefault": [True, False],
            "businessunitid": repeat(units[0], 2),
            "administratorid": repeat(Ref("systemuser", made.state.people.admin), 2),
        },
    )  # fmt: skip
    teams = made.refs["team"]
    made.state.pairs["teammembership_association"] |= {(teams[1].id, one.id) for one in users[:3]}
    made.owners = users * 3 + [teams[1]]


def _applications(made: Made) -> None:
    draw = ids.draw(f"apps {made.plan.seed}")
    state, unit = made.state, made.refs["businessunit"]
    for name in _APPS:
        user = User(
            name=name, user_id=next(state.ids), client_id=next(draw), client_secret=f"{next(draw)[:18]}~s3cr+t/=",
        )  # fmt: skip
        made.add(
            "systemuser",
            1,
            {
                "systemuserid": [user.user_id], "fullname": [f"# crmsync {name}"], "firstname": ["#"],
                "lastname": [f"crmsync {name}"], "domainname": [f"{user.client_id}@acme.example.com"],
                "internalemailaddress": [f"{name}@acme.example.com"], "applicationid": [user.client_id],
                "azureactivedirectoryobjectid": [next(draw)], "accessmode": [4], "isdisabled": [False],
                "businessunitid": [unit[0] if name != "restricted" else unit[1]],
            },
        )  # fmt: skip
        state.users[name] = user
    state.people.integration = state.users["full"].user_id
    state.users["admin"] = User(
        name="admin", user_id=state.people.admin, client_id=next(draw), client_secret=next(draw), usual=Depth.GLOBAL
    )
    grant_minimum(state.users["minimum"])
    restrict(state.users["restricted"])


def _currencies(made: Made) -> None:
    rate = made.state.entities["transactioncurrency"].columns["exchangerate"]
    euro, _ = made.add(
        "transactioncurrency",
        2,
        {
            "currencyname": ["Euro", "US Dollar"], "isocurrencycode": ["EUR", "USD"], "currencysymbol": ["€", "$"],
            "currencyprecision": [2, 2], "exchangerate": [canonical(rate, "1"), canonical(rate, "1.25")],
        },
    )  # fmt: skip
    made.state.people.currency = euro.id
    (organization,) = made.add(
        "organization",
        1,
        {
            "name": ["acme"], "languagecode": [1033], "basecurrencyid": [euro],
            "expirechangetrackingindays": [made.state.settings.change_tracking_days],
        },
    )  # fmt: skip
    made.state.people.organization = organization.id


def _security(made: Made) -> None:
    unit = made.refs["businessunit"][0]
    names = ["System Administrator", "Sync User", "Restricted Sync User"]
    roles = made.add("role", 3, {"name": names, "businessunitid": repeat(unit, 3)})
    held = made.state.pairs["systemuserroles_association"]
    for user, role in (("admin", 0), ("full", 0), ("minimum", 1), ("restricted", 2)):
        held.add((made.state.users[user].user_id, roles[role].id))
    (profile,) = made.add("fieldsecurityprofile", 1, {"name": ["System Administrator"]})
    for user in ("admin", "full"):
        made.state.pairs["systemuserprofiles_association"].add((made.state.users[user].user_id, profile.id))
    columns = [("contact", one) for one in sorted(SECURED)] + [("lead", one) for one in sorted(SECURED)]
    made.add(
        "fieldpermission",
        len(columns),
        {
            "fieldsecurityprofileid": repeat(profile, len(columns)),
            "entityname": [table for table, _ in columns],
            "attributelogicalname": [name for _, name in columns],
            **{verb: repeat(4, len(columns)) for verb in ("canread", "cancreate", "canupdate")},
        },
    )
    made.add("connectionrole", len(STAKEHOLDERS), {"name": STAKEHOLDERS, "category": repeat(1000, len(STAKEHOLDERS))})


def _messages(made: Made) -> None:
    messages = made.add("sdkmessage", len(BULK), {"name": BULK})
    pairs = [(message, table) for message in messages for table in BULK_TABLES]
    made.add(
        "sdkmessagefilter",
        len(pairs),
        {"sdkmessageid": [one for one, _ in pairs], "primaryobjecttypecode": [table for _, table in pairs]},
    )

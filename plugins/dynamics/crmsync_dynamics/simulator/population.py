"""Accounts and the people of an environment: contacts, leads, and one account with very many contacts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import repeat

from crmsync.simulate import Columns, Culture, Draw, phone_numbers, places, shared_addresses
from crmsync.simulate.names import DEPARTMENTS, TITLES
from crmsync_dynamics.simulator.fields import Ref
from crmsync_dynamics.simulator.made import Made
from crmsync_dynamics.simulator.values import MONEY

_INTERESTS = ("1", "1,2", "3,4,5", "9", "2,5")


_PLACE = tuple(f"address1_{name}" for name in ("line1", "city", "stateorprovince", "postalcode", "country"))


def _place(cultures: Sequence[Culture], draw: Draw) -> Columns:
    return dict(zip(_PLACE, places(draw, cultures), strict=True))


def money(draw: Draw, high: int, count: int, share: float = 0.4) -> list[Decimal | None]:
    """Amounts as money columns hold them, with most left empty."""
    pool = [Decimal(n).scaleb(-2).quantize(MONEY) for n in draw.whole(100, high * 100, min(count, 500))]
    return draw.sometimes(draw.choices(pool, count), share)


def priced(made: Made, count: int, **columns: list[Decimal | None]) -> Columns:
    """Money columns with the currency of the rows that have money."""
    euro = Ref("transactioncurrency", made.state.people.currency)
    has = [any(value is not None for value in row) for row in zip(*columns.values(), strict=True)]
    return {**columns, "transactioncurrencyid": [euro if one else None for one in has] if count else []}


def accounts(made: Made, count: int) -> None:
    """Companies of every culture."""
    draw = made.draw
    companies = draw.companies(count)
    cultures = [one for one, _ in companies]
    made.add(
        "account",
        count,
        {
            "name": [f"{name} {number}"[:160] for number, (_, name) in enumerate(companies, 1)],
            "accountnumber": [f"ACC-{number:07d}" for number in range(count)],
            "customertypecode": made.values("account_customertypecode", count),
            "industrycode": made.values("industry", count),
            "telephone1": phone_numbers(draw, cultures),
            "websiteurl": [f"https://company{number}.example.com" for number in range(count)],
            "numberofemployees": draw.sometimes(draw.whole(1, 50_000, count), 0.7),
            "description": draw.sometimes(draw.texts(count), 0.3),
            "new_tier": made.values("new_tier", count),
            "new_renewaldate": draw.sometimes(made.days(count), 0.5),
            **priced(made, count, revenue=money(draw, 10**7, count, 0.7)),
            **_place(cultures, draw),
        },
    )


def _person(made: Made, count: int, start: int, tag: str) -> Columns:
    draw = made.draw
    people = draw.people(count)
    cultures = [one for one, _, _ in people]
    return {
        "firstname": [given for _, given, _ in people],
        "lastname": [family for _, _, family in people],
        "fullname": [f"{given} {family}" for _, given, family in people],
        "salutation": draw.sometimes(draw.choices(("Ms.", "Mr.", "Dr."), count), 0.4),
        "emailaddress1": shared_addresses(draw, count, start, made.plan.duplicates),
        "telephone1": phone_numbers(draw, cultures),
        "mobilephone": draw.sometimes([f"+1 555 {n}" for n in draw.whole(1_000_000, 9_999_999, count)], 0.4),
        "jobtitle": draw.sometimes(draw.choices(TITLES, count), 0.8),
        "description": draw.sometimes(draw.texts(count), 0.2),
        "donotbulkemail": draw.chances(0.1, count),
        "new_marketingid": draw.sometimes([f"{tag}-{number:07d}" for number in range(start, start + count)], 0.5),
        "new_newsletter": draw.chances(0.5, count),
        "new_interests": draw.sometimes(draw.choices(_INTERESTS, count), 0.6),
        "new_lastwebinar": draw.sometimes(draw.choices(made.stamps, count), 0.3),
        "new_nickname": draw.sometimes([f"nick{n}" for n in range(count)], 0.3),
        "mkt_leadscore": draw.sometimes(draw.whole(0, 100, count), 0.6),
        **_place(cultures, draw),
    }


def contacts(made: Made, count: int, start: int = 0) -> None:
    """People on accounts, a few of them sharing an e-mail address."""
    draw = made.draw
    made.add(
        "contact",
        count,
        {
            **_person(made, count, start, "C"),
            "parentcustomerid": draw.sometimes(made.pick("account", count), 0.97),
            "department": draw.sometimes(draw.choices(DEPARTMENTS, count), 0.6),
            "gendercode": made.values("contact_gendercode", count, 0.5),
            "birthdate": draw.sometimes(made.days(count, -365 * 70, -365 * 18), 0.2),
            **priced(
                made, count, new_budget=money(draw, 10**6, count), annualincome=money(draw, 10**5, count, 0.2),
                new_salary=money(draw, 10**5, count, 0.3),
            ),
        },
    )  # fmt: skip


def big_account(made: Made, count: int) -> None:
    """One more account with that many contacts."""
    if not count:
        return
    (account,) = made.add("account", 1, {"name": ["Colossal Holdings"], "customertypecode": [3]})
    person = _person(made, count, made.plan.records, "C")
    made.add("contact", count, {**person, "parentcustomerid": repeat(account, count)})


def leads(made: Made, count: int) -> None:
    """People of companies nobody deals with yet; a few of them closed."""
    draw = made.draw
    closed = draw.chances(0.05, count)
    made.add(
        "lead",
        count,
        {
            **_person(made, count, made.plan.records * 2, "L"),
            "subject": [f"Interested in {word}" for word in draw.choices(("a demo", "prices", "a pilot"), count)],
            "companyname": [name for _, name in draw.companies(count)],
            "leadsourcecode": made.values("lead_leadsourcecode", count),
            "leadqualitycode": made.values("lead_leadqualitycode", count),
            "industrycode": made.values("industry", count),
            "numberofemployees": draw.sometimes(draw.whole(1, 5000, count), 0.5),
            "estimatedclosedate": draw.sometimes(made.days(count), 0.3),
            "statecode": [2 if one else 0 for one in closed],
            "statuscode": [5 if one else 1 for one in closed],
            **priced(made, count, revenue=money(draw, 10**6, count)),
        },
    )

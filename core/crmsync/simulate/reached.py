"""How people and companies are reached: e-mail addresses, phone numbers and places, whole columns at a time."""

from __future__ import annotations

from collections.abc import Sequence

from crmsync.simulate.names import Culture
from crmsync.simulate.records import Draw


def email_addresses(count: int, domain: str = "example.com", start: int = 0) -> list[str]:
    """Addresses that differ, in plain letters, some with a tag, a dot or capitals."""
    forms = ("person{}@{}", "first.last{}@{}", "P.Erson{}@{}", "person+news{}@{}")
    return [forms[number % 4].format(number, domain) for number in range(start, start + count)]


def shared_addresses(draw: Draw, count: int, start: int, share: float) -> list[str | None]:
    """One address a person; a share of them have that of the person before, and a few have none."""
    emails = email_addresses(count, start=start)
    twice = draw.chances(share, count)
    shared = [emails[n - 1] if n and again else one for n, (one, again) in enumerate(zip(emails, twice, strict=True))]
    return draw.sometimes(shared, 0.97)


def phone_numbers(draw: Draw, cultures: Sequence[Culture]) -> list[str]:
    """Numbers as they begin in each culture."""
    numbers = draw.whole(1_000_000, 9_999_999, len(cultures))
    return [f"{one.dial} {number}" for one, number in zip(cultures, numbers, strict=True)]


def places(draw: Draw, cultures: Sequence[Culture]) -> tuple[list[str], ...]:
    """Streets, cities, states, postal codes and countries of each culture, a column each."""
    spots = draw.whole(0, 10_000, len(cultures))
    pairs = list(zip(cultures, spots, strict=True))
    return (
        [f"{one.streets[n % len(one.streets)]} {n % 200}" for one, n in pairs],
        [one.cities[n % len(one.cities)] for one, n in pairs],
        [one.states[n % len(one.cities)] for one, n in pairs],
        [f"{10_000 + n}" for n in spots],
        [one.country for one in cultures],
    )

"""The people that are read, before a vendor spells them: rendered once a page, so that any number of them costs little.

The pages of a large org differ in ids, e-mail addresses and external ids: six digits in the place that `PLACE` keeps.
"""

from __future__ import annotations

CHANGED_EVERY = 100
PLACE = "PAGE##"

_FIRST = ("Anna", "Jürgen", "Łukasz", "Mary", "Søren", "Chloé", "Kenji", "Olga", "Tomás", "Priya", "Liam")
_LAST = ("Smith", "Müller", "Kowalski", "García", "Ivanova", "Nakamura", "O'Brien", "Žižka", "Haddad", "Lindqvist")
_CITIES = ("Berlin", "São Paulo", "Chicago", "Kraków", "Osaka", "Cork", "Beirut")
_TITLES = ("Head of Purchasing", "Analyst", "CTO", "Marketing Manager", "Sales Engineer")
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Other")
_NOTE = "Met at the spring fair, asked for a quote on the larger plan; call again after the holidays."


def person(row: int, *, moved: bool) -> dict[str, object]:
    """One person of every page; `moved` is the second edition, in which some rows have changed."""
    touched = moved and row % CHANGED_EVERY == 0
    turn = row + touched
    clock = f"{1 + row % 28:02d}T{row % 24:02d}:{row % 60:02d}:{row // 60 % 60:02d}"
    return {
        "modified": f"2024-{5 + touched:02d}-{clock}", "created": f"2023-11-{clock}",
        "salutation": ("Ms.", "Mr.", None)[row % 3], "first": _FIRST[row % len(_FIRST)],
        "last": f"{_LAST[row % len(_LAST)]} {row}", "title": _TITLES[turn % len(_TITLES)],
        "email": f"person.{row}.{PLACE}@customer{row % 97}.example.com",
        "phone": f"+1 555 {1_000_000 + row + 7 * touched}",
        "mobile": None if row % 3 else f"+44 7700 {900_000 + row}",
        "street": f"{row % 300} Long Harbour Street", "city": _CITIES[turn % len(_CITIES)],
        "state": None if row % 4 else "Illinois", "postal_code": f"{10_000 + row}",
        "country": ("Germany", "United States", "Poland")[row % 3], "source": _SOURCES[turn % len(_SOURCES)],
        "note": None if row % 2 else _NOTE, "birth": None if row % 5 else f"19{50 + row % 50}-0{1 + row % 9}-17",
        "opted_out": row % 10 == 0, "score": None if row % 6 == 0 else row % 100,
        "tier": ("Gold", "Silver", "Bronze")[row % 3], "external": f"CON-{PLACE}-{row:04d}", "newsletter": row % 2 == 0,
    }  # fmt: skip


def placed(template: bytes, page: int) -> bytes:
    """What was rendered with the place kept, for one page."""
    return template.replace(PLACE.encode(), b"%06d" % page)


def changed_of(records: int, page: int) -> int:
    """How many of so many records, in pages of `page`, differ in the second edition."""
    return records // page * -(-page // CHANGED_EVERY) + -(-(records % page) // CHANGED_EVERY)

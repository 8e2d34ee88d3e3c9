"""The records that are read: contacts of 26 columns, as a vendor's JSON and CSV would have them.

A page of 2,000 is rendered once as a template; the pages of a large org differ in ids, e-mail addresses and external
ids, so that rendering any number of them costs a search and replace.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

PAGE = 2_000
CHANGED_EVERY = 100
CHANGED_FIELDS = ("Title", "Phone", "MailingCity", "LeadSource")

_PLACE = "PAGE##"
_DIGITS = (5, 11, 15)  # where page and row begin in an id, and where they end

TYPES: dict[str, str] = {
    "Id": "id", "SystemModstamp": "datetime", "CreatedDate": "datetime", "AccountId": "reference",
    "OwnerId": "reference", "Salutation": "picklist", "FirstName": "string", "LastName": "string", "Title": "string",
    "Email": "email", "Phone": "phone", "MobilePhone": "phone", "Fax": "phone", "MailingStreet": "textarea",
    "MailingCity": "string", "MailingState": "string", "MailingPostalCode": "string", "MailingCountry": "string",
    "LeadSource": "picklist", "Description": "textarea", "Birthdate": "date", "HasOptedOutOfEmail": "boolean",
    "mkto71_Lead_Score__c": "double", "Tier__c": "picklist", "External_Id__c": "string", "Newsletter__c": "boolean",
}  # fmt: skip
"""The 26 columns with their types."""

HIDDEN = {"IsDeleted": "boolean", "MasterRecordId": "reference"}
"""Further fields of the object, which only a sync asks for."""

_FIRST = ("Anna", "Jürgen", "Łukasz", "Mary", "Søren", "Chloé", "Kenji", "Olga", "Tomás", "Priya", "Liam")
_LAST = ("Smith", "Müller", "Kowalski", "García", "Ivanova", "Nakamura", "O'Brien", "Žižka", "Haddad", "Lindqvist")
_CITIES = ("Berlin", "São Paulo", "Chicago", "Kraków", "Osaka", "Cork", "Beirut")
_TITLES = ("Head of Purchasing", "Analyst", "CTO", "Marketing Manager", "Sales Engineer")
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Other")
_NOTE = "Met at the spring fair, asked for a quote on the larger plan; call again after the holidays."


def identity(page: int, row: int) -> str:
    """The id of a record; ids ascend."""
    return f"0035f{page:06d}{row:04d}AAA"


def page_of(identity_: str) -> int:
    """The first page all of whose ids are at or behind this one, which may be any text of an id's length."""
    low, high = 0, 10**6
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if identity(middle, 0) >= identity_ else (middle + 1, high)
    return low


def changed_of(records: int) -> int:
    """How many of so many records differ in the second edition."""
    return records // PAGE * -(-PAGE // CHANGED_EVERY) + -(-(records % PAGE) // CHANGED_EVERY)


def record(row: int, *, moved: bool) -> dict[str, object]:
    """One record of every page; `moved` is the second edition, in which some rows have changed."""
    touched = moved and row % CHANGED_EVERY == 0
    turn = row + touched
    first, last = _FIRST[row % len(_FIRST)], _LAST[row % len(_LAST)]
    clock = f"{1 + row % 28:02d}T{row % 24:02d}:{row % 60:02d}:{row // 60 % 60:02d}"
    return {
        "Id": f"0035f{_PLACE}{row:04d}AAA", "SystemModstamp": f"2024-{5 + touched:02d}-{clock}",
        "CreatedDate": f"2023-11-{clock}",
        "AccountId": f"0015f0000{row % 400:06d}AAA", "OwnerId": f"0055f0000{row % 9:06d}AAA",
        "Salutation": ("Ms.", "Mr.", None)[row % 3], "FirstName": first, "LastName": f"{last} {row}",
        "Title": _TITLES[turn % len(_TITLES)], "Email": f"person.{row}.{_PLACE}@customer{row % 97}.example.com",
        "Phone": f"+1 555 {1_000_000 + row + 7 * touched}",
        "MobilePhone": None if row % 3 else f"+44 7700 {900_000 + row}",
        "Fax": None, "MailingStreet": f"{row % 300} Long Harbour Street", "MailingCity": _CITIES[turn % len(_CITIES)],
        "MailingState": None if row % 4 else "Illinois", "MailingPostalCode": f"{10_000 + row}",
        "MailingCountry": ("Germany", "United States", "Poland")[row % 3],
        "LeadSource": _SOURCES[turn % len(_SOURCES)],
        "Description": None if row % 2 else _NOTE,
        "Birthdate": None if row % 5 else f"19{50 + row % 50}-0{1 + row % 9}-17",
        "HasOptedOutOfEmail": row % 10 == 0, "mkto71_Lead_Score__c": None if row % 6 == 0 else float(row % 100),
        "Tier__c": ("Gold", "Silver", "Bronze")[row % 3], "External_Id__c": f"CON-{_PLACE}-{row:04d}",
        "Newsletter__c": row % 2 == 0, "IsDeleted": False, "MasterRecordId": None,
    }  # fmt: skip


def _json_value(name: str, value: object) -> object:
    return f"{value}.000+0000" if value is not None and {**TYPES, **HIDDEN}[name] == "datetime" else value


def _csv_value(name: str, value: object) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return f'"{str(value).lower()}"'
    if isinstance(value, float):
        return f'"{value:g}"'
    end = ".000Z" if TYPES.get(name) == "datetime" else ""
    return f'"{value}{end}"'


@cache
def _json_lines(fields: tuple[str, ...], moved: bool) -> list[bytes]:
    lines = []
    for row in range(PAGE):
        whole = record(row, moved=moved)
        url = f"/services/data/v62.0/sobjects/Contact/{whole['Id']}"
        shown = {"attributes": {"type": "Contact", "url": url}} | {n: _json_value(n, whole[n]) for n in fields}
        lines.append(json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode())
    return lines


@cache
def _json_template(fields: tuple[str, ...], rows: int, moved: bool) -> bytes:
    return b",".join(_json_lines(fields, moved)[:rows])


@cache
def _csv_template(fields: tuple[str, ...], rows: int, moved: bool) -> bytes:
    records = (record(row, moved=moved) for row in range(rows))
    return "".join(",".join(_csv_value(n, one[n]) for n in fields) + "\n" for one in records).encode()


def json_records(fields: Sequence[str], page: int, rows: int, *, moved: bool) -> bytes:
    """The records of one page, without brackets."""
    return _json_template(tuple(fields), rows, moved).replace(_PLACE.encode(), b"%06d" % page)


def json_by_id(fields: Sequence[str], ids: Sequence[str], *, moved: bool) -> bytes:
    """Records by their ids, without brackets."""
    lines, (page, row, end) = _json_lines(tuple(fields), moved), _DIGITS
    place = _PLACE.encode()
    return b",".join(lines[int(one[row:end])].replace(place, one[page:row].encode()) for one in ids)


def csv_rows(fields: Sequence[str], page: int, rows: int, *, moved: bool) -> bytes:
    """The rows of one page, without a header."""
    return _csv_template(tuple(fields), rows, moved).replace(_PLACE.encode(), b"%06d" % page)


def described() -> dict[str, object]:
    """The object's describe."""
    rights = dict.fromkeys(
        ("queryable", "createable", "updateable", "deletable", "replicateable", "retrieveable"), True
    )
    fields = [_field(name, kind) for name, kind in {**TYPES, **HIDDEN}.items()]
    return {"name": "Contact", "label": "Contact", "keyPrefix": "003", "custom": False, "fields": fields, **rights}


def _field(name: str, kind: str) -> dict[str, object]:
    custom, ours = name.endswith("__c"), name in ("Id", "SystemModstamp", "CreatedDate", *HIDDEN)
    number = {"precision": 10, "scale": 0} if kind == "double" else {"precision": 0, "scale": 0}
    return {
        "name": name, "type": kind, "label": name, "custom": custom, "createable": not ours, "updateable": not ours,
        "length": 255 if kind in ("string", "email", "phone", "picklist", "textarea") else 0, "digits": 0,
        "nillable": not ours, "calculated": False, "picklistValues": [],
        "referenceTo": {"AccountId": ["Account"], "OwnerId": ["User"], "MasterRecordId": ["Contact"]}.get(name, []),
        **number,
    }  # fmt: skip

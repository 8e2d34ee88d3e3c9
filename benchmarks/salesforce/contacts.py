"""The records that are read: contacts of 26 columns, as the vendor's JSON and CSV would have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from benchmarks.people import PLACE, person, placed

PAGE = 2_000
CHANGED_FIELDS = ("Title", "Phone", "MailingCity", "LeadSource")

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
FIELDS = tuple(TYPES)

HIDDEN = {"IsDeleted": "boolean", "MasterRecordId": "reference"}
"""Further fields of the object, which only a sync asks for."""


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


def record(row: int, *, moved: bool) -> dict[str, object]:
    """One record of every page; `moved` is the second edition, in which some rows have changed."""
    one = person(row, moved=moved)
    score = one["score"]
    return {
        "Id": f"0035f{PLACE}{row:04d}AAA", "SystemModstamp": one["modified"], "CreatedDate": one["created"],
        "AccountId": f"0015f0000{row % 400:06d}AAA", "OwnerId": f"0055f0000{row % 9:06d}AAA",
        "Salutation": one["salutation"], "FirstName": one["first"], "LastName": one["last"], "Title": one["title"],
        "Email": one["email"], "Phone": one["phone"], "MobilePhone": one["mobile"], "Fax": None,
        "MailingStreet": one["street"], "MailingCity": one["city"], "MailingState": one["state"],
        "MailingPostalCode": one["postal_code"], "MailingCountry": one["country"], "LeadSource": one["source"],
        "Description": one["note"], "Birthdate": one["birth"], "HasOptedOutOfEmail": one["opted_out"],
        "mkto71_Lead_Score__c": float(score) if isinstance(score, int) else None, "Tier__c": one["tier"],
        "External_Id__c": one["external"], "Newsletter__c": one["newsletter"],
        "IsDeleted": False, "MasterRecordId": None,
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
    return placed(_json_template(tuple(fields), rows, moved), page)


def json_by_id(fields: Sequence[str], ids: Sequence[str], *, moved: bool) -> bytes:
    """Records by their ids, without brackets."""
    lines, (page, row, end) = _json_lines(tuple(fields), moved), _DIGITS
    return b",".join(placed(lines[int(one[row:end])], int(one[page:row])) for one in ids)


def csv_rows(fields: Sequence[str], page: int, rows: int, *, moved: bool) -> bytes:
    """The rows of one page, without a header."""
    return placed(_csv_template(tuple(fields), rows, moved), page)


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

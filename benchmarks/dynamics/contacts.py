"""The records that are read: contacts of the default mapping's 40 columns, as the vendor's JSON would have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from benchmarks.people import CHANGED_EVERY, PLACE, person, placed

PAGE = 5_000
CHANGED_COLUMNS = 3  # title, phone and city
TARGET = "@Microsoft.Dynamics.CRM.lookuplogicalname"

FIELDS = (
    "contactid", "modifiedon", "versionnumber", "salutation", "firstname", "middlename", "lastname", "emailaddress1",
    "jobtitle", "telephone1", "mobilephone", "address1_line1", "address1_line2", "address1_line3", "address1_city",
    "address1_stateorprovince", "address1_country", "address1_postalcode", "statecode", "statuscode", "description",
    "donotphone", "donotbulkemail", "donotemail", "donotfax", "donotsendmm", "telephone2",
    "preferredcontactmethodcode", "mkt_lastinterestingmomentdate", "mkt_lastinterestingmomentdesc",
    "mkt_lastinterestingmomentsource", "mkt_lastinterestingmomenttype", "mkt_relativescore", "mkt_priority",
    "mkt_urgency", "_ownerid_value", "createdon", "new_synctomkto", "mkt_leadscore", "_parentcustomerid_value",
)  # fmt: skip

_TARGETS = {"_ownerid_value": "systemuser", "_parentcustomerid_value": "account"}
_DIGITS = (2, 8, 24)  # where the page stands in an id, where it ends, and where the row begins


def identity(page: int | str, row: int) -> str:
    """The id of a record; ids ascend."""
    digits = page if isinstance(page, str) else f"{page:06d}"
    return f"00{digits}-0000-4000-8000-{row:012d}"


def record(row: int, *, moved: bool) -> dict[str, object]:
    """One record of every page; `moved` is the second edition, in which some rows have changed.

    Columns that are not named are empty.
    """
    one = person(row, moved=moved)
    return {
        "contactid": identity(PLACE, row), "modifiedon": f"{one['modified']}Z", "createdon": f"{one['created']}Z",
        "versionnumber": version(row, moved=moved), "salutation": one["salutation"], "firstname": one["first"],
        "lastname": one["last"], "emailaddress1": one["email"], "jobtitle": one["title"], "telephone1": one["phone"],
        "mobilephone": one["mobile"], "address1_line1": one["street"], "address1_city": one["city"],
        "address1_stateorprovince": one["state"], "address1_country": one["country"],
        "address1_postalcode": one["postal_code"], "statecode": 0, "statuscode": 1, "description": one["note"],
        "donotphone": False, "donotbulkemail": one["opted_out"], "donotemail": False, "donotfax": False,
        "donotsendmm": False, "preferredcontactmethodcode": 1, "new_synctomkto": True, "mkt_leadscore": one["score"],
        "_ownerid_value": identity(9, row % 9),
        "_parentcustomerid_value": identity(1, row % 400), "merged": False,
    }  # fmt: skip


def version(row: int, *, moved: bool) -> int:
    """The version of a record, which its ETag also shows."""
    return 1_000_000 + row + (1_000_000 if moved and row % CHANGED_EVERY == 0 else 0)


@cache
def _lines(fields: tuple[str, ...], annotated: bool, moved: bool) -> list[bytes]:
    return [_line(record(row, moved=moved), fields, annotated=annotated) for row in range(PAGE)]


def _line(whole: dict[str, object], fields: Sequence[str], *, annotated: bool) -> bytes:
    shown: dict[str, object] = {"@odata.etag": f'W/"{whole["versionnumber"]}"'}
    for name in fields:
        if annotated and name in _TARGETS:
            shown[name + TARGET] = _TARGETS[name]
        shown[name] = whole.get(name)
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _template(fields: tuple[str, ...], rows: int, annotated: bool, moved: bool) -> bytes:
    return b",".join(_lines(fields, annotated, moved)[:rows])


def rendered(fields: tuple[str, ...], page: int, rows: int, *, annotated: bool, moved: bool) -> bytes:
    """The records of one page, without brackets."""
    return placed(_template(fields, rows, annotated, moved), page)


def by_id(fields: tuple[str, ...], ids: Sequence[str], *, annotated: bool, moved: bool) -> bytes:
    """Records by their ids, without brackets."""
    lines, (page, end, row) = _lines(fields, annotated, moved), _DIGITS
    return b",".join(placed(lines[int(one[row:])], int(one[page:end])) for one in ids)

"""Person accounts: an account and a contact that are one person, kept alike by every save of either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmsync_salesforce.simulator.fields import Row
from crmsync_salesforce.simulator.schema.custom import PERSON_PAIRS
from crmsync_salesforce.simulator.state import State
from crmsync_salesforce.simulator.table import Table

if TYPE_CHECKING:
    from crmsync_salesforce.simulator.rules import Draft

_STAMPS = ("SystemModstamp", "LastModifiedDate", "LastModifiedById")
_NEW = (*_STAMPS, "CreatedDate", "CreatedById", "OwnerId")


def is_person(table: Table, row: Row) -> bool:
    """Whether an account or a contact is half of a person account."""
    column = table.columns.get("IsPersonAccount")
    return column is not None and bool(row[column])


def save_account(draft: Draft) -> None:
    """Give a saved person account its name, and its contact half the same values."""
    if "PersonContactId" not in draft.table.columns:
        return
    if draft.before is None and draft["LastName"] and not draft["Name"]:
        draft["IsPersonAccount"] = True
    if not draft["IsPersonAccount"]:
        return
    draft["Name"] = full_name(draft["FirstName"], draft["LastName"])
    contacts = draft.state.tables["Contact"]
    if draft["PersonContactId"] is None:
        draft["PersonContactId"] = next(draft.state.fresh_ids("Contact"))
    before = contacts.by_id.get(draft["PersonContactId"])
    row = before.copy() if before is not None else _half(draft, contacts)
    row[contacts.columns["Name"]] = draft["Name"]
    for ours, theirs in PERSON_PAIRS.items():
        row[contacts.columns[theirs]] = draft[ours]
    _store(draft, contacts, row, before)


def save_contact(draft: Draft) -> None:
    """Give the account half of a saved person contact the same values."""
    if not is_person(draft.table, draft.row):
        return
    accounts = draft.state.tables["Account"]
    before = accounts.by_id.get(draft["AccountId"] or "")
    if before is None:
        return
    row = before.copy()
    row[accounts.columns["Name"]] = draft["Name"]
    for theirs, ours in PERSON_PAIRS.items():
        row[accounts.columns[theirs]] = draft[ours]
    _store(draft, accounts, row, before)


def full_name(given: str | None, family: str | None) -> str | None:
    """The compound name of a person."""
    return " ".join(part for part in (given, family) if part) or None


def _half(draft: Draft, contacts: Table) -> Row:
    row: Row = [False if contacts.kind.fields[name].type == "boolean" else None for name in contacts.columns]
    row[0] = draft["PersonContactId"]
    row[contacts.columns["AccountId"]] = draft.row[0]
    row[contacts.columns["IsPersonAccount"]] = True
    for name in _NEW:
        row[contacts.columns[name]] = draft[name]
    return row


def _store(draft: Draft, table: Table, row: Row, before: Row | None) -> None:
    if row == before:
        return
    for name in _STAMPS:
        row[table.columns[name]] = draft[name]
    state: State = draft.state
    state.save(table, row)

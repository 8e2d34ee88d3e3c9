"""Values that are worked out when a row is read: they are in no row, and no change of theirs moves a version."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmsync_dynamics.simulator.fields import Ref, Row

if TYPE_CHECKING:
    from crmsync_dynamics.simulator.state import State

Formula = Callable[[Any, Row], Any]
CENTS = Decimal("0.0000000001")


def _pointing(column: str, table: str) -> Formula:
    """The reference of a polymorphic look-up where it points to one table."""

    def take(state: State, row: Row) -> Any:
        del state
        ref = row.get(column)
        return ref if isinstance(ref, Ref) and ref.table == table else None

    return take


def _unit(state: State, row: Row) -> Any:
    owner = row.get("ownerid")
    holder = state.tables[owner.table].by_id.get(owner.id) if isinstance(owner, Ref) else None
    return (holder or {}).get("businessunitid")


def _composite(head: str) -> Formula:
    parts = [
        f"{head}_{name}" for name in ("line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country")
    ]

    def join(state: State, row: Row) -> Any:
        del state
        return "\r\n".join(str(row[one]) for one in parts if row.get(one)) or None

    return join


def _rate(state: State, row: Row) -> Any:
    currency = row.get("transactioncurrencyid")
    found = state.tables["transactioncurrency"].by_id.get(currency.id) if isinstance(currency, Ref) else None
    return (found or {}).get("exchangerate")


def _base(name: str) -> Formula:
    plain = name.removesuffix("_base")

    def convert(state: State, row: Row) -> Any:
        amount = row.get(plain)
        rate = _rate(state, row) or 1
        return None if amount is None else (amount / rate).quantize(CENTS)

    return convert


def _account_industry(state: State, row: Row) -> Any:
    ref = row.get("parentcustomerid")
    account = state.tables["account"].by_id.get(ref.id) if isinstance(ref, Ref) else None
    value = (account or {}).get("industrycode")
    options = state.entities["account"].columns["industrycode"].options
    return next((one.label for one in options if one.value == value), None)


def _type_of(table: str) -> Formula:
    def name(state: State, row: Row) -> str:
        del state, row
        return table

    return name


FORMULAS: dict[tuple[str, str], Any] = {
    ("", "owninguser"): _pointing("ownerid", "systemuser"),
    ("", "owningteam"): _pointing("ownerid", "team"),
    ("", "owningbusinessunit"): _unit,
    ("", "address1_composite"): _composite("address1"),
    ("", "address2_composite"): _composite("address2"),
    ("", "address3_composite"): _composite("address3"),
    ("", "base"): _base,
    ("contact", "accountid"): _pointing("parentcustomerid", "account"),
    ("contact", "parentcontactid"): _pointing("parentcustomerid", "contact"),
    ("contact", "new_accountindustry"): _account_industry,
    ("lead", "accountid"): _pointing("customerid", "account"),
    ("lead", "contactid"): _pointing("customerid", "contact"),
    ("opportunity", "accountid"): _pointing("customerid", "account"),
    ("opportunity", "contactid"): _pointing("customerid", "contact"),
    ("task", "activitytypecode"): _type_of("task"),
    **{(table, "exchangerate"): _rate for table in ("contact", "lead", "account", "opportunity", "campaign", "list")},
    **{(table, "exchangerate"): _rate for table in ("task", "connection", "new_subscription")},
}

"""The view `person_full`: persons with their account, their owner and its owner."""

from __future__ import annotations

from collections.abc import Sequence

from crmsync.entities import ACCOUNT_IN_FULL, COMPANY_OF_ACCOUNT
from crmsync.store.names import quoted


def full_view(person: Sequence[str], account: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The SELECT of `person_full`, and its account columns as view name → account column."""
    shared = {mine: theirs for mine, theirs in COMPANY_OF_ACCOUNT.items() if mine in person and theirs in account}
    skip = {"id", "crm_id", "crm_is_deleted", "created_at", *shared.values()}
    further = {name: name for name in ACCOUNT_IN_FULL if name in account and name not in person}
    for name in account:
        if name not in skip and name not in further:
            further[name if name not in person and "__" in name else f"account_{name}"] = name
    parts = [
        f"CASE WHEN a.id IS NULL THEN p.{quoted(name)} ELSE a.{quoted(shared[name])} END AS {quoted(name)}"
        if name in shared
        else f"p.{quoted(name)}"
        for name in person
    ]
    parts += [f"a.{quoted(theirs)} AS {quoted(mine)}" for mine, theirs in further.items()]
    parts += ["a.id AS account_id"]
    parts += [f"o.{name} AS owner_{name}" for name in ("first_name", "last_name", "title", "phone", "email")]
    parts += [f"ao.{name} AS account_owner_{name}" for name in ("first_name", "last_name", "email")]
    sql = f"""SELECT {", ".join(parts)} FROM person p
        LEFT JOIN crmsync_link la ON la.crm_id = p.account_crm_id AND la.object = {_object("account")}
        LEFT JOIN account a ON a.id = la.row_id
        LEFT JOIN crm_user o ON o.crm_id = p.owner_crm_id
        LEFT JOIN crm_user ao ON ao.crm_id = a.owner_crm_id"""
    return sql, {**shared, **further}


def _object(entity: str) -> str:
    return f"(SELECT object FROM crmsync_field WHERE entity = '{entity}' LIMIT 1)"

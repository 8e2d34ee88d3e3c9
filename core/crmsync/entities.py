"""The marketing database's own words: its tables and their neutral columns, to which every connector maps.

No name here is a reserved word of SQLite or PostgreSQL. Columns that end in `_crm_id` hold the CRM's id of
another record as the CRM gave it; they are joined through `crmsync_link`, so nothing has to be repaired when
parents arrive late, merge or convert. Fields that a connector selects beyond these become further columns.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from crmsync.model import Type

IDENTITY = ("crm_id", "modified_at", "version")
"""Columns of a page that are not data: the record's id and the moment of its version, which every page must have,
and a finer version where the CRM has one. They live in `crmsync_link`."""

ENGINE_COLUMNS = ("id", "crm_id", "crm_type", "crm_is_deleted", "created_at")
"""Columns that only the engine writes, in the entities that have them."""

GUARDED = (*ENGINE_COLUMNS, "crm_created_at")
"""Columns that no other program may change: the engine's own, and what the CRM alone decides (R-049)."""


class Trail(Struct, frozen=True, kw_only=True):
    """Activities that rows of an entity leave on persons: names by event, and where the persons are.

    `through` names the column that holds the person's CRM id, or (entity, column) when the persons are found
    on another entity's rows that refer to this one by that column.
    """

    added: str = ""
    changed: str = ""
    removed: str = ""
    through: tuple[str, ...] = ()
    roles: tuple[str, str, str] | None = None  # entity, its column for this row, its column for the person
    watch: frozenset[str] = frozenset()  # only these columns count as changed; empty is all


class Entity(Struct, frozen=True, kw_only=True):
    """One table: its neutral columns by name."""

    name: str
    columns: Mapping[str, Type] = field(default_factory=dict)
    keeps_deleted: bool = False
    indexes: tuple[str, ...] = ()
    trail: Trail = Trail()
    local: tuple[str, ...] = ()  # columns of the marketing side alone, never mapped


T, INT, D, B = Type.TEXT, Type.INTEGER, Type.DECIMAL, Type.BOOLEAN
DAY, AT, REF = Type.DATE, Type.DATETIME, Type.REFERENCE

COMPANY = {"company": T, "annual_revenue": D, "industry": T, "number_of_employees": INT, "website": T}
"""A person's own company columns, which count while the person has no account."""

COMPANY_OF_ACCOUNT = {
    "company": "name",
    "annual_revenue": "annual_revenue",
    "industry": "industry",
    "number_of_employees": "number_of_employees",
    "website": "website",
}
"""Where `person_full` finds the same columns for a person who has an account."""

ACCOUNT_IN_FULL = (
    "billing_street", "billing_city", "billing_state", "billing_postal_code", "billing_country", "main_phone",
    "sic_code", "site", "company_notes", "company_type",
)  # fmt: skip
"""Further account columns that `person_full` shows and writes under their own names."""

PERSON = Entity(
    name="person",
    keeps_deleted=True,
    indexes=("crm_id", "email", "account_crm_id"),
    columns={
        "email": T, "first_name": T, "middle_name": T, "last_name": T, "salutation": T, "title": T,
        "phone": T, "mobile_phone": T, "fax": T,
        "street": T, "city": T, "state": T, "postal_code": T, "country": T,
        "source": T, "status": T, "rating": T, "notes": T, "birthdate": DAY,
        "unsubscribed": B, "do_not_call": B, "score": INT,
        "acquisition_at": AT, "acquisition_program": T,
        **COMPANY,
        "account_crm_id": REF, "owner_crm_id": REF, "record_type_crm_id": REF,
        "crm_created_at": AT, "crm_is_converted": B, "crm_converted_at": DAY, "is_person_account": B,
    },
)  # fmt: skip

ACCOUNT = Entity(
    name="account",
    keeps_deleted=True,
    indexes=("crm_id",),
    columns={
        "name": T, "annual_revenue": D, "industry": T, "number_of_employees": INT, "website": T,
        "billing_street": T, "billing_city": T, "billing_state": T, "billing_postal_code": T, "billing_country": T,
        "main_phone": T, "sic_code": T, "site": T, "company_notes": T, "company_type": T,
        "owner_crm_id": REF, "parent_crm_id": REF, "record_type_crm_id": REF,
        "crm_created_at": AT, "is_person_account": B,
    },
)  # fmt: skip

CRM_USER = Entity(
    name="crm_user",
    columns={
        "username": T, "first_name": T, "last_name": T, "name": T, "email": T, "title": T, "phone": T,
        "mobile_phone": T, "department": T, "is_active": B, "user_type": T, "manager_crm_id": REF,
        "crm_created_at": AT,
    },
)  # fmt: skip

QUEUE = Entity(name="queue", columns={"name": T, "developer_name": T, "email": T, "queue_type": T})

RECORD_TYPE = Entity(name="record_type", columns={"name": T, "developer_name": T, "of_object": T, "is_active": B})

OPPORTUNITY = Entity(
    name="opportunity",
    indexes=("account_crm_id",),
    columns={
        "name": T, "notes": T, "stage": T, "amount": D, "currency_code": T, "probability": D,
        "expected_revenue": D, "quantity": D, "close_date": DAY,
        "opportunity_type": T, "next_step": T, "source": T, "is_closed": B, "is_won": B,
        "is_private": B, "forecast_category": T, "fiscal_quarter": INT, "fiscal_year": INT,
        "account_crm_id": REF, "campaign_crm_id": REF, "owner_crm_id": REF, "record_type_crm_id": REF,
        "crm_created_at": AT, "last_modified_at": AT,
    },
    trail=Trail(changed="Opportunity Updated", roles=("opportunity_role", "opportunity_crm_id", "contact_crm_id")),
)  # fmt: skip

OPPORTUNITY_ROLE = Entity(
    name="opportunity_role",
    indexes=("opportunity_crm_id", "contact_crm_id"),
    columns={
        "opportunity_crm_id": REF, "contact_crm_id": REF, "contact_role": T, "is_primary": B, "crm_created_at": AT,
    },
    trail=Trail(added="Added to Opportunity", removed="Removed from Opportunity", through=("contact_crm_id",)),
)  # fmt: skip

CAMPAIGN = Entity(
    name="campaign",
    columns={
        "name": T, "campaign_type": T, "status": T, "is_active": B, "start_date": DAY, "end_date": DAY,
        "description": T, "budgeted_cost": D, "actual_cost": D, "expected_revenue": D, "expected_response": D,
        "number_sent": D, "parent_crm_id": REF, "owner_crm_id": REF, "member_record_type_crm_id": REF,
        "crm_created_at": AT,
    },
)  # fmt: skip

CAMPAIGN_STATUS = Entity(
    name="campaign_status",
    indexes=("campaign_crm_id",),
    columns={"campaign_crm_id": REF, "label": T, "sort_order": INT, "is_default": B, "has_responded": B},
)

CAMPAIGN_MEMBER = Entity(
    name="campaign_member",
    indexes=("campaign_crm_id", "contact_crm_id", "lead_crm_id"),
    columns={
        "campaign_crm_id": REF, "lead_crm_id": REF, "contact_crm_id": REF, "status": T, "has_responded": B,
        "first_responded_date": DAY, "crm_created_at": AT,
    },
    trail=Trail(
        added="Added to Campaign", changed="Status Changed in Campaign", removed="Removed from Campaign",
        through=("contact_crm_id", "lead_crm_id"), watch=frozenset({"status"}),
    ),
)  # fmt: skip

CRM_ACTIVITY = Entity(
    name="crm_activity",
    indexes=("who_crm_id", "what_crm_id"),
    columns={
        "activity_kind": T, "subject": T, "description": T, "status": T, "priority": T, "activity_date": DAY,
        "starts_at": AT, "ends_at": AT, "duration_minutes": INT, "is_all_day": B, "location": T,
        "is_closed": B, "is_archived": B, "completed_at": AT,
        "who_crm_id": REF, "what_crm_id": REF, "account_crm_id": REF, "owner_crm_id": REF, "crm_created_at": AT,
    },
    trail=Trail(added="Activity Logged", changed="Activity Updated", through=("who_crm_id",)),
)  # fmt: skip

STANDARD: Mapping[str, Entity] = {
    entity.name: entity
    for entity in (
        PERSON, ACCOUNT, CRM_USER, QUEUE, RECORD_TYPE, OPPORTUNITY, OPPORTUNITY_ROLE, CAMPAIGN, CAMPAIGN_STATUS,
        CAMPAIGN_MEMBER, CRM_ACTIVITY,
    )
}  # fmt: skip


def entity_of(name: str) -> Entity:
    """The entity of that name; one that no standard entity has is a custom object's own table."""
    return STANDARD.get(name) or Entity(name=name)

"""What goes to the CRM: changes, and what became of them. Frozen, and free of any CRM's dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field

from crmsync.model import Value


class Operation(StrEnum):
    """Kinds of change. What each takes from a `Wish` beside the change's own values stands behind it."""

    CREATE = "create"  # owner, assign, mail, duplicates
    UPDATE = "update"  # owner among the values; never what makes the CRM assign an owner or send mail
    DELETE = "delete"
    CONVERT = "convert"  # owner, status, opportunity, mail; makes a new contact and account, never uses old ones
    MERGE = "merge"  # losers; `values` are what the survivor keeps
    MEMBER = "member"  # campaign, person, person_object, status, remove; `crm_id` is the member's where it is known
    TASK = "task"  # person, person_object, owner; `values` are the task's own fields


class Wish(Struct, frozen=True, kw_only=True):
    """What an operation takes beside values. Ids are the CRM's."""

    owner: str = ""  # a user or a queue
    assign: bool = False  # let the CRM's own rules choose the owner of a new record
    mail: bool = False  # let the CRM mail the new owner
    duplicates: bool = False  # save also where a rule of the CRM only warns of duplicates
    status: str = ""  # of the converted record, or of the member; "" is the CRM's default
    opportunity: str | None = ""  # its name, "" for the CRM's choice; None makes none
    losers: tuple[str, ...] = ()
    campaign: str = ""
    person: str = ""
    person_object: str = ""
    remove: bool = False


class Change(Struct, frozen=True, kw_only=True):
    """One pending write to the CRM: only the changed fields, by the CRM's names, in canonical values.

    `version` is the one the values were merged with, a precondition where the CRM has such. `key` stays the same
    however often one and the same create is sent: a connector writes it where the CRM keeps keys of others.
    """

    operation: Operation
    object: str
    row: int
    crm_id: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    version: str | None = None
    key: str = ""
    wish: Wish = Wish()


class Result(StrEnum):
    """What became of a change."""

    DONE = "done"  # also where there was nothing left to do: gone already, a member already
    REFUSED = "refused"  # by a rule of the CRM; the same again would be refused again
    RETRY = "retry"  # not written; may work later
    UNKNOWN = "unknown"  # sent, and the answer was lost
    GONE = "gone"  # not written: the record was deleted, merged or converted meanwhile


class Outcome(Struct, frozen=True, kw_only=True):
    """The answer to one change.

    `crm_id` is the record's (of a conversion, the contact's; of a membership, the member's). `fields` are what a
    refusal is about, where the CRM says so. `made` are further records that came into being, object to id.
    """

    result: Result
    crm_id: str | None = None
    version: str | None = None
    code: str = ""
    message: str = ""
    hint: str = ""
    retry_after: float | None = None
    fields: tuple[str, ...] = ()
    made: Mapping[str, str] = field(default_factory=dict)


Outcomes = Sequence[Outcome]

"""Who may see and change what: privileges per table with their depth, and columns that a profile must open."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Column, Entity, Ref, Row

if TYPE_CHECKING:
    from crmsync_dynamics.simulator.state import State

VERBS = ("Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share")


class Depth(IntEnum):
    """How far a privilege reaches: one's own rows, those of the business unit, of units below it, or all."""

    NONE = 0
    BASIC = 1
    LOCAL = 2
    DEEP = 3
    GLOBAL = 4


class User(Struct, kw_only=True):
    """One application user and what its roles give it. `usual` is the depth of every privilege not named."""

    name: str
    user_id: str
    client_id: str
    client_secret: str
    usual: Depth = Depth.GLOBAL
    depths: dict[tuple[str, str], Depth] = field(default_factory=dict)
    opened: set[tuple[str, str, str]] = field(default_factory=set)  # table, column and read, create or update
    every_column: bool = True
    member: bool = True  # whether there is an application user for the app at all
    roles: bool = True
    disabled: bool = False
    lacks: set[str] = field(default_factory=set)  # privileges by name that are of no table

    def depth(self, verb: str, table: str) -> Depth:
        """How far a privilege reaches."""
        return self.depths.get((verb, table), self.depths.get((verb, ""), self.usual))

    def opens(self, table: str, column: Column, verb: str = "read") -> bool:
        """Whether column security lets the user read, create or update a column."""
        return not column.secured or self.every_column or (table, column.name, verb) in self.opened

    def need(self, verb: str, entity: Entity) -> Depth:
        """The depth of a privilege; raises the vendor's refusal where the user has none."""
        depth = self.depth(verb, entity.name)
        if depth == Depth.NONE:
            raise Refusal("0x80040220", self._missing(verb, entity))
        return depth

    def _missing(self, verb: str, entity: Entity) -> str:
        return (
            f"Principal user (Id={self.user_id}, type=8, roleCount=1, privilegeCount={len(self.depths)}, "
            f"accessMode='4 Non-interactive', MetadataCachePrivilegesCount=4212), is missing prv{verb}{entity.schema} "
            f"privilege (Id={entity.code:08x}-0000-4000-a000-{VERBS.index(verb):012d}) on OTC={entity.code} for entity "
            f"'{entity.name}' (LocalizedName='{entity.label}'). Consider adding missed privilege to one of the "
            "principal (user/team) roles."
        )

    def reaches(self, state: State, verb: str, entity: Entity, row: Row) -> bool:
        """Whether a privilege of the user covers a row."""
        depth = self.depth(verb, entity.name)
        if depth in {Depth.NONE, Depth.GLOBAL} or entity.ownership != "UserOwned":
            return depth != Depth.NONE
        owner = row.get("ownerid")
        if not isinstance(owner, Ref) or owner.id == self.user_id or _shares(state, owner, self.user_id):
            return True
        return depth > Depth.BASIC and _unit(state, owner) in _units(state, self.user_id, depth)

    def need_row(self, state: State, verb: str, entity: Entity, row: Row) -> None:
        """Raise the vendor's refusal unless a privilege of the user covers the row."""
        self.need(verb, entity)
        if not self.reaches(state, verb, entity, row):
            raise Refusal(
                "0x80040220",
                f"Principal user (Id={self.user_id}, type=8) does not have {verb}Access right(s) for record with id "
                f"{row[entity.key]} of entity '{entity.name}'.",
            )


def _shares(state: State, owner: Ref, user: str) -> bool:
    return owner.table == "team" and (owner.id, user) in state.pairs["teammembership_association"]


def _unit(state: State, owner: Ref) -> str:
    unit = (state.get(owner) or {}).get("businessunitid")
    return unit.id if isinstance(unit, Ref) else ""


def _units(state: State, user: str, depth: Depth) -> set[str]:
    reached = {_unit(state, Ref("systemuser", user))}
    units = state.tables["businessunit"].by_id
    grown = depth == Depth.DEEP
    while grown:
        below = {key for key, one in units.items() if getattr(one.get("parentbusinessunitid"), "id", None) in reached}
        grown = not below <= reached
        reached |= below
    return reached


PEOPLE = ("lead", "contact")
_READ = (
    *("account", "contact", "lead", "opportunity", "systemuser", "team", "businessunit", "transactioncurrency"),
    *("campaign", "list", "listmember", "connection", "connectionrole", "organization", "task", "role"),
    *("fieldsecurityprofile", "fieldpermission", "sdkmessage", "sdkmessagefilter"),
    *("new_subscription", "new_subscriptionitem"),
)


def grant_minimum(user: User) -> None:
    """The least a sync user needs: reading everywhere, persons and tasks to write, lists to add to."""
    user.usual, user.every_column = Depth.NONE, False
    for table in _READ:
        user.depths["Read", table] = Depth.GLOBAL
    for table in (*PEOPLE, "task"):
        for verb in ("Create", "Write", "Append", "AppendTo", "Assign"):
            user.depths[verb, table] = Depth.GLOBAL
    for table in ("systemuser", "team", "campaign", "list", "account", "transactioncurrency", "businessunit"):
        user.depths["AppendTo", table] = Depth.GLOBAL
    for verb in ("Create", "Write", "Append"):
        user.depths[verb, "list"] = Depth.GLOBAL


def restrict(user: User) -> None:
    """A user who sees only what its own unit has, no opportunities and no secrets, and changes contacts only."""
    user.usual, user.every_column = Depth.NONE, False
    for table in _READ:
        user.depths["Read", table] = Depth.GLOBAL
    user.depths["Read", "opportunity"] = Depth.NONE
    user.depths["Read", "connection"] = Depth.NONE
    user.depths["Read", "new_subscription"] = Depth.NONE
    for table in (*PEOPLE, "account"):
        user.depths["Read", table] = Depth.LOCAL
    user.depths["Write", "contact"] = Depth.LOCAL
    user.lacks.add("prvBypassCustomPlugins")

"""What the user may do: privileges per table with their depth, and which secured columns are open to it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from crmsync.pacing import SingleFlight
from crmsync_dynamics.client import Client
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.tables import Table

VERBS = ("Read", "Create", "Write", "Delete", "Append", "AppendTo", "Assign")
WHOLE = "Global"
"""The depth that reaches all rows of the organisation."""

_OTHERWISE = {"systemuser": "User"}
AGE = 60.0
_ALLOWED = 4
_UNTOLD = frozenset({Policy.ABSENT, Policy.OBJECT, Policy.MISTAKE, Policy.PRIVILEGE, Policy.MOVED, Policy.RECORD})


class Permission(Struct, frozen=True):
    """What may be done with a secured column."""

    read: bool = False
    create: bool = False
    update: bool = False


class Held(Struct, frozen=True):
    """Everything the user may do; None where the server does not tell."""

    privileges: Mapping[str, str] | None = None  # name in lower case, as some servers tell tables → depth
    columns: Mapping[tuple[str, str], Permission] | None = None

    def depth(self, table: Table, verb: str) -> str | None:
        """How far a privilege reaches: "" where the user has none, None where nobody can tell."""
        if self.privileges is None:
            return None
        names = (one.lower() for one in names_of(table, verb))
        return next((self.privileges[one] for one in names if one in self.privileges), "")

    def may(self, table: Table, verb: str) -> bool:
        """Whether the user has a privilege at all, as far as can be told."""
        return self.depth(table, verb) != ""

    def column(self, table: str, name: str) -> Permission | None:
        """The permission on a secured column; None where nobody can tell."""
        return None if self.columns is None else self.columns.get((table, name), Permission())


def names_of(table: Table, verb: str) -> tuple[str, ...]:
    """What the vendor may call a privilege on a table: all activities share theirs."""
    names = [f"prv{verb}{_OTHERWISE.get(table.name, table.schema)}", f"prv{verb}{table.schema}"]
    return tuple(dict.fromkeys(["prv" + verb + "Activity", *names] if table.activity else names))


class Rights(Struct):
    """Asks for the rights, and remembers them for a minute."""

    client: Client
    user: str
    _held: Held | None = None
    _since: float = 0.0
    _flight: SingleFlight[Held] = field(default_factory=SingleFlight)

    async def held(self) -> Held:
        """What the user may do now. Raises ours for what concerns the whole connection."""
        if self._held is not None and time.monotonic() - self._since < AGE:
            return self._held
        return await self._flight.run(self._ask)

    def forget(self) -> None:
        """Ask anew the next time."""
        self._held = None

    async def _ask(self) -> Held:
        if not self.user:
            return Held()
        self._held = Held(await self._privileges(), await self._columns())
        self._since = time.monotonic()
        return self._held

    async def _privileges(self) -> dict[str, str] | None:
        way = f"systemusers({self.user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
        found = await self._list(way, "privileges", "RolePrivileges")
        if found is None:
            return None
        if any("PrivilegeName" not in one for one in found):
            named = await self._list("privileges?$select=privilegeid,name", "privileges")
            if named is None:
                return None
            known = {one["privilegeid"]: one["name"] for one in named}
            found = [{**one, "PrivilegeName": known.get(one.get("PrivilegeId"), "")} for one in found]
        return {str(one["PrivilegeName"]).lower(): str(one.get("Depth", WHOLE)) for one in found}

    async def _columns(self) -> dict[tuple[str, str], Permission] | None:
        """The permissions of all profiles that the user has, itself or through a team, taken together."""
        profiles = await self._profiles()
        if profiles is None:
            return None
        select = "entityname,attributelogicalname,canread,cancreate,canupdate"
        found: dict[tuple[str, str], Permission] = {}
        for one in sorted(profiles):
            tail = f"fieldpermissions?$select={select}&$filter=_fieldsecurityprofileid_value%20eq%20{one}"
            listed = await self._list(tail, "security")
            if listed is None:
                return None
            for row in listed:
                key = (str(row["entityname"]), str(row["attributelogicalname"]))
                found[key] = _joined(found.get(key, Permission()), row)
        return found

    async def _profiles(self) -> set[str] | None:
        own, teams = f"systemusers({self.user})", "teammembership_association?$select=teamid"
        ways = [f"{own}/systemuserprofiles_association"]
        joined = await self._list(f"{own}/{teams}", "security")
        if joined is None:
            return None
        ways += [f"teams({one['teamid']})/teamprofiles_association" for one in joined]
        found: set[str] = set()
        for way in ways:
            listed = await self._list(f"{way}?$select=fieldsecurityprofileid", "security")
            if listed is None:
                return None
            found |= {str(one["fieldsecurityprofileid"]) for one in listed}
        return found

    async def _list(self, path: str, feature: str, key: str = "value") -> list[dict[str, Any]] | None:
        """The rows of a short answer; None, told once, where the server does not have them for us."""
        if not self.client.features.has(feature):
            return None
        try:
            return list((await read_all(self.client, path, key)) or ())
        except Faulty as error:
            if error.policy not in _UNTOLD:
                raise
            self.client.features.miss(feature, error.fault.code)
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            self.client.features.miss(feature, type(error).__name__)
        return None


async def read_all(client: Client, path: str, key: str = "value") -> list[dict[str, Any]]:
    """The rows of all pages of a short answer. Raises Faulty, MsgspecError, KeyError."""
    found: list[dict[str, Any]] = []
    link: str | None = path
    while link is not None:
        body = msgspec.json.decode((await client.get(link)).body, type=dict[str, Any])
        found += body[key]
        link = body.get("@odata.nextLink")
    return found


def _joined(one: Permission, row: Mapping[str, Any]) -> Permission:
    may = {name: row.get(name) == _ALLOWED for name in ("canread", "cancreate", "canupdate")}
    return Permission(one.read or may["canread"], one.create or may["cancreate"], one.update or may["canupdate"])


def missing(held: Held, table: Table, verbs: Iterable[str]) -> list[str]:
    """Privileges on a table that the user certainly lacks, by the vendor's names."""
    return [names_of(table, verb)[0] for verb in verbs if not held.may(table, verb)]

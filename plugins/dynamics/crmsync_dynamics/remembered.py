"""Tables as they were described before: good as long as the environment's schema has the same version."""

from __future__ import annotations

import base64
import time
import zlib
from typing import Any

import msgspec
from msgspec import Struct, field

from crmsync.hookspecs import REMEMBERS
from crmsync.pacing import SingleFlight
from crmsync_dynamics.client import Client
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.tables import Table

_VERSION = "@Microsoft.Dynamics.CRM.globalmetadataversion"
_DAYS = "expirechangetrackingindays"
_ASK = f"organizations?$select=organizationid,{_DAYS}"
_AGE = 1.0
_ENDS = frozenset({Policy.LOGIN, Policy.STOP, Policy.THROTTLED})
_FORM = "2"  # of what is kept: another one is asked for anew


class Remembered(Struct):
    """Keeps tables in the connector's memory, each with the version of the schema that it is of."""

    client: Client
    _version: str | None = None
    _since: float = 0.0
    _flight: SingleFlight[str] = field(default_factory=SingleFlight)

    async def table(self, name: str) -> Table | None:
        """The table as it still is; None where it has to be asked for. Raises Faulty and ours."""
        version = await self._now()
        kept, _, text = self.client.context.memory.get(_key(name), "").partition(" ")
        if not version or kept != version:
            return None
        try:
            return msgspec.json.decode(zlib.decompress(base64.b85decode(text)), type=Table)
        except (ValueError, zlib.error, msgspec.MsgspecError):
            return None

    async def keep(self, table: Table) -> Table:
        """Remember a table that was asked for, and hand it on."""
        if version := await self._now():
            text = base64.b85encode(zlib.compress(msgspec.json.encode(table), 6)).decode()
            self.client.context.memory[_key(table.name)] = f"{version} {text}"
        return table

    def forget(self) -> None:
        """Ask for the schema's version the next time: something has moved."""
        self._version = None

    async def _now(self) -> str:
        """The version of the schema and of our form; "" where the server does not tell."""
        if self._version is not None and time.monotonic() - self._since < _AGE:
            return self._version
        return await self._flight.run(self._ask)

    async def _ask(self) -> str:
        try:
            answer = await self.client.get(_ASK, prefer='odata.include-annotations="*"')
            body = msgspec.json.decode(answer.body, type=dict[str, Any])
            found = body.get(_VERSION, "")
            self._days(body.get("value"))
        except Faulty as error:
            if error.policy in _ENDS:
                raise
            found = ""
        except msgspec.MsgspecError:
            found = ""
        self._version, self._since = f"{_FORM}.{found}" if found else "", time.monotonic()
        return self._version

    def _days(self, rows: Any) -> None:
        """Note for how long the environment tells of changes, which its administrators choose."""
        days = rows[0].get(_DAYS) if isinstance(rows, list) and rows else None
        if isinstance(days, int) and self.client.context.memory.get(REMEMBERS) != str(days):
            self.client.context.memory[REMEMBERS] = str(days)


def _key(name: str) -> str:
    return f"table:{name}"

"""The CRM in memory as an installed connector, with everything a connector may bring: for tests of the command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pydantic import BaseModel, SecretStr

from crmsync.clock import SetClock
from crmsync.errors import Denied
from crmsync.hookspecs import Simulation, System, hookimpl
from crmsync.model import Finding, Level, Route
from support.memory import PERSON, Crm

MODULE = """from support.installed import Plugin

plugin = Plugin()
system, fields, fetch, apply = plugin.system, plugin.fields, plugin.fetch, plugin.apply
"""
BROKEN = "raise RuntimeError('made for another version')\n"


def install(folder: Path, name: str, module: str, text: str) -> None:
    """A distribution in `folder` with one plugin, as an installer would leave it."""
    (folder / f"{module}.py").write_text(text)
    info = folder / f"crmsync_{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crmsync-{name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[crmsync]\n{name} = {module}\n")


class MemorySettings(BaseModel):
    """What it takes to reach the CRM in memory."""

    instance: str
    password: SecretStr
    page_size: int = 1000
    labels: list[str] = []


@dataclass
class Act:
    """What the demo plays."""

    crm: Crm
    big_account: str = "001BIG"
    edited_account: str = "001A"
    lead: str = "00Q001"
    disputed: str = "00Q002"
    converted: str = "00Q003"
    contact: str = "003001"
    manual: tuple[str, str] = ("Lead.LastName", "last_name")

    async def collide(self) -> Sequence[str]:
        self.crm.tick(2)
        self.crm.put("Lead", self.lead, Title="theirs")
        self.crm.put("Contact", self.contact, Title="theirs")
        self.crm.put("Lead", self.disputed, LastName="Cold")
        return ["edited the same fields"]

    async def shows(self, crm_id: str, column: str) -> Any:
        obj = "Lead" if crm_id.startswith("00Q") else "Contact"
        name = next(field for field, one in PERSON.items() if one == column)
        return self.crm.objects[obj][crm_id].get(name)

    async def edit(self) -> Sequence[str]:
        self.crm.tick(2)
        self.crm.put("Account", self.big_account, Industry="Bigger")
        self.crm.put("Contact", "003000", Title="CEO")
        self.crm.delete("Lead", "00Q000")
        return ["updated the big account and a contact", "deleted a lead"]

    async def overwrite(self) -> Sequence[str]:
        self.crm.tick(2)
        self.crm.put("Account", self.edited_account, Name="Renamed")
        return ["renamed account 001A"]


class Plugin(Crm):
    """The CRM in memory, on a clock that runs."""

    def __init__(self) -> None:
        super().__init__(clock=SetClock(running=True), page_size=1000)
        self.fill(4)

    def fill(self, records: int, big: int = 0) -> None:
        """Two accounts, contacts, leads and a deal; on request an account with many contacts."""
        for name in "AB":
            self.put("Account", f"001{name}", Name=f"Account {name}", Industry="Tech")
        for i in range(records):
            account = "001A" if i % 2 else "001B"
            self.put("Contact", f"003{i:03d}", Email=f"c{i}@x.org", LastName="Doe", AccountId=account)
            self.put("Lead", f"00Q{i:03d}", Email=f"l{i}@x.org", LastName="Roe")
        self.put("Deal", "0061", Name="Deal", Amount=5)
        if big:
            self.put("Account", "001BIG", Name="Big", Industry="Tech")
        for i in range(big):
            self.put("Contact", f"003B{i:05d}", LastName="Big", AccountId="001BIG")

    @hookimpl
    def system(self) -> System:
        return replace(
            super().system(), settings=MemorySettings, connect=self.logged_in, check=self.look,
            permission_set=self.grants, login=self.log_in, simulate=self.act,
        )  # fmt: skip

    @asynccontextmanager
    async def logged_in(self, settings: MemorySettings, _context: Any) -> AsyncIterator[Crm]:
        if settings.password.get_secret_value() != "open sesame":
            raise Denied(f"{settings.instance} refused the log-in.", hint="Check user and password.")
        yield self

    async def look(self, _session: Any, _routes: Sequence[Route]) -> Sequence[Finding]:
        return [Finding(level=Level.WARN, topic="limits", message="few calls left", grant="more calls")]

    def grants(self, routes: Sequence[Route]) -> str:
        return "".join(f"read {route.object}\n" for route in routes)

    async def log_in(self, settings: Mapping[str, Any], show: Callable[[str], None]) -> Mapping[str, str]:
        show(f"https://{settings['instance']}/login")
        return {"password": "open sesame"}

    @asynccontextmanager
    async def act(
        self, *, port: int, records: int, seed: int, tls: bool, users: bool, big: int
    ) -> AsyncIterator[Simulation]:
        self.objects.clear()
        self.fill(records, big)
        settings = {"instance": "memory", "password": "open sesame"}
        yield Simulation(settings=settings, ready={"url": "memory:", "port": port, "seed": seed}, story=Act(self))

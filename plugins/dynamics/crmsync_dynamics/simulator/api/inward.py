"""What every call that writes begins with: who writes, in which manner, and under which conditions of its headers."""

from __future__ import annotations

from crmsync_dynamics.simulator.access import Depth, User
from crmsync_dynamics.simulator.addresses import Address, find, need
from crmsync_dynamics.simulator.api.call import Call
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.writes import Manner, Writer

_BYPASS = {
    "MSCRM.BypassCustomPluginExecution": ({"true"}, "prvBypassCustomPlugins"),
    "MSCRM.BypassBusinessLogicExecution": ({"customsync", "customasync"}, "prvBypassCustomBusinessLogic"),
}


def writer(site: Site, call: Call, size: int = 1) -> Writer:
    """The writer for a call with so many rows; raises Refusal when its headers ask for what the user may not."""
    detect = call.header("MSCRM.SuppressDuplicateDetection").lower() == "false"
    manner = Manner(detect_duplicates=detect, bypass=_bypasses(call), size=size)
    return Writer(site.state, call.rights, manner)


def _bypasses(call: Call) -> bool:
    asked = False
    for header, (values, privilege) in _BYPASS.items():
        if values & {one.strip() for one in call.header(header).lower().split(",")}:
            _need(call.rights, privilege)
            asked = True
    return asked


def _need(user: User, privilege: str) -> None:
    if privilege in user.lacks or user.usual != Depth.GLOBAL:
        raise Refusal("0x80040220", f"Principal user (Id={user.user_id}, type=8) is missing {privilege} privilege.")


def check_conditions(site: Site, call: Call, address: Address) -> None:
    """Hold `If-Match` and `If-None-Match` against the row at an address; raises Refusal where they are not met."""
    if call.header("If-None-Match") == "*" and find(site.state, address) is not None:
        raise Refusal("0x80060892", "A record with matching key values already exists.")
    wanted = call.header("If-Match")
    if not wanted and site.settings.upsert:
        return
    row = site.state.tables[address.entity.name].by_id[need(site.state, address)]
    if wanted in {"", "*"}:
        return
    if not (address.entity.optimistic and site.settings.optimistic):
        raise Refusal("0x8006088d", f"Optimistic concurrency isn't enabled for entity type {address.entity.name}.")
    if wanted != f'W/"{row["versionnumber"]}"':
        raise Refusal(
            "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
        )

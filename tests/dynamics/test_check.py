"""The seven checks: each is reported whatever the others say, and a failed one says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from crmsync.model import Finding, Level
from crmsync_dynamics import plugin
from crmsync_dynamics.check import check
from crmsync_dynamics.simulator.access import Depth
from dynamics.orgs import Site, site

TOPICS = ["1 address", "2 credentials", "3 user", "4 privileges", "5 reading", "6 change tracking", "7 identity"]


def checked(change: Callable[[Site], object] = lambda _: None, without: str = "") -> dict[str, Finding]:
    """The findings, after something of the environment was changed, for all tables but one."""

    async def run() -> list[Finding]:
        async with site(2) as one:
            change(one)
            routes = await plugin.routes(one.session, frozenset())
            return await check(one.session, [route for route in routes if route.object != without])

    found = asyncio.run(run())
    assert [one.topic for one in found] == TOPICS
    return {one.topic: one for one in found}


@pytest.mark.rule("R-355", "R-356", "R-357")
def test_all_seven_pass_where_all_is_well() -> None:
    """Address, credentials, user, privileges, reach, change tracking and identity are each reported, and pass."""
    found = checked()
    assert {one.level for one in found.values()} == {Level.OK}
    assert "7 days" in found["6 change tracking"].message


@pytest.mark.parametrize("listed", [True, False])
def test_privileges_that_are_told_without_names_are_not_taken_for_none(listed: bool) -> None:
    """Their names are asked for; where they are not to be had, what the user may do is found out by trying (3.8)."""

    def unnamed(one: Site) -> None:
        one.org.settings.privilege_names, one.org.settings.privileges_listed = False, listed
        one.org.user("full").depths["Create", "lead"] = Depth.NONE
        one.session.describes.rights.forget()

    told = checked(unnamed)["4 privileges"]
    assert (told.level, "prvCreateLead" in told.message) == (Level.WARN, listed), told


def disabled(one: Site) -> None:
    one.org.update("systemuser", one.session.identity.user, {"isdisabled": True})


def another(one: Site) -> None:
    one.org.update(
        "systemuser", one.session.identity.user, {"applicationid": "11111111-1111-4111-8111-111111111111"}
    )  # fmt: skip


def untracked(one: Site) -> None:
    state = one.org.state
    state.entities["campaign"] = replace(state.entities["campaign"], tracked=False)


@pytest.mark.rule("R-356", "R-357", "R-256")
@pytest.mark.parametrize(
    ("change", "topic", "level", "said"),
    [
        (disabled, "3 user", Level.STOP, "Enable it"),
        (lambda one: one.grant("Create", "lead", Depth.NONE), "4 privileges", Level.WARN, "prvCreateLead"),
        (lambda one: one.grant("Create", "list", Depth.NONE), "4 privileges", Level.WARN, "prvCreateList"),
        (lambda one: one.grant("AppendTo", "campaign", Depth.NONE), "4 privileges", Level.WARN, "prvAppendToCampaign"),
        (lambda one: one.grant("Read", "contact", Depth.LOCAL), "5 reading", Level.WARN, "prvReadContact (Local)"),
        (untracked, "6 change tracking", Level.WARN, "campaign"),
        (another, "7 identity", Level.STOP, "was set up"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_the_remedy(
    change: Callable[[Site], object], topic: str, level: Level, said: str
) -> None:  # fmt: skip
    """One check fails, with what is missing and what to do, and the others are told as they are."""
    found = checked(change)
    assert found[topic].level is level
    assert said in f"{found[topic].message} {found[topic].grant}"
    assert {one.level for name, one in found.items() if name != topic} == {Level.OK}


def test_lists_are_asked_about_only_where_campaigns_are_synced() -> None:
    """Without campaigns nobody is added to a list, so nothing is missing."""
    found = checked(lambda one: one.grant("Create", "list", Depth.NONE), without="campaign")
    assert {one.level for one in found.values()} == {Level.OK}


def test_the_least_that_a_user_needs_is_enough() -> None:
    """The role of the simulator's minimum user has what the check asks for, and nothing is found missing."""

    async def run() -> list[Finding]:
        async with site(2, user="minimum") as one:
            return await check(one.session, await plugin.routes(one.session, frozenset()))

    assert [one.message for one in asyncio.run(run()) if one.level is not Level.OK] == []

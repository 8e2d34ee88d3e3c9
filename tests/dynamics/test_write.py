"""Records made, changed and deleted through the connector: once, only what is named, and never over a newer version."""

from __future__ import annotations

from uuid import uuid4

import pytest

from crmsync.errors import Denied, RetryLater, RouteStopped, SchemaMoved
from crmsync.model import Kind, Sent
from crmsync.writes import Result, Wish
from crmsync_dynamics.simulator.access import Depth
from dynamics.orgs import Site
from dynamics.writes import NOWHERE, create, delete, made, on_a_site, send, update, value
from support.written import all_done, results

BATCH = r"\$batch"


def version(one: Site, crm_id: str, obj: str = "lead") -> str:
    return str(value(one, obj, crm_id, "versionnumber"))


def batches(one: Site) -> int:
    return sum(count for name, count in one.server.statistics.paths.items() if name.endswith("$batch"))


@on_a_site()
async def test_many_changes_go_in_one_batch_and_each_has_its_own_answer(one: Site) -> None:
    """One bad record of many is refused with its reason and its column; the others are written, in one call."""
    ids = made(one, 5)
    changes = [update(crm_id, jobtitle=f"Title {n}") for n, crm_id in enumerate(ids)]
    changes[1] = update(ids[1], emailaddress1="x" * 101)
    changes[3] = update(NOWHERE, jobtitle="Ghost")
    before = batches(one)
    found = await send(one, *changes)
    assert results(found) == ["done", "refused", "done", "gone", "done"]
    assert batches(one) == before + 1
    assert (found[1].code, found[1].fields) == ("0x80044331", ("emailaddress1",))
    assert "Shorten" in found[1].hint
    assert [value(one, "lead", crm_id, "jobtitle") for crm_id in ids[::2]] == ["Title 0", "Title 2", "Title 4"]
    assert one.org.get("lead", NOWHERE) is None  # a change of nobody makes nobody


@on_a_site()
async def test_a_record_that_somebody_changed_meanwhile_is_not_overwritten(one: Site) -> None:
    """A change carries the version it was merged with: where the record has another, it comes back to be read again."""
    first, second = made(one, 2)
    stale = version(one, first)
    one.org.update("lead", first, {"jobtitle": "Theirs"})
    found = await send(
        one,
        update(first, version=stale, jobtitle="Ours"),
        update(second, version=version(one, second), jobtitle="Ours"),
    )
    assert results(found) == ["retry", "done"]
    assert (found[0].code, value(one, "lead", first, "jobtitle")) == ("0x80060882", "Theirs")
    one.org.state.entities["lead"].optimistic = False
    assert all_done(await send(one, update(first, version=stale, jobtitle="Ours")))  # a table without versions


@on_a_site()
async def test_what_cannot_be_is_told_before_it_is_sent(one: Site) -> None:
    """A value of another type, an id that is none, a field that is gone: told without a call that spoils others."""
    (known,) = made(one, 1)
    found = await send(one, update(known, revenue="much"), update("never-was", jobtitle="x"), update(known))
    assert results(found) == ["refused", "gone", "done"]
    assert found[0].fields == ("revenue",)
    assert results(await send(one, delete("never-was"))) == ["done"]
    with pytest.raises(SchemaMoved, match="new_nothing"):
        await send(one, update(known, new_nothing="x"))


@pytest.mark.rule("R-079", "R-102")
@on_a_site()
async def test_accounts_and_deals_are_never_made(one: Site) -> None:
    """No account, opportunity, user or campaign is made in the CRM, whatever is asked."""
    for obj in ("account", "opportunity", "systemuser", "campaign"):
        before = one.org.count(obj)
        (found,) = await send(one, create(obj))
        assert found.result is Result.REFUSED
        assert one.org.count(obj) == before


@on_a_site()
async def test_a_create_is_done_once_whatever_becomes_of_its_answers(one: Site) -> None:
    """Answers that are lost, twice or for good, leave one record; a read under the key tells of it."""
    before = one.org.count("lead")
    one.plant(drop=True, method="PATCH")
    key = uuid4().hex
    (found,) = await send(one, create(key=key))
    assert found.result is Result.DONE
    one.plant(drop=True, path=BATCH)
    assert all_done(await send(one, create(key=key), create(key=uuid4().hex)))
    assert one.org.count("lead") == before + 2
    lost = uuid4().hex
    one.plant(drop=True, method="PATCH", times=None)
    (unknown,) = await send(one, create(key=lost))
    one.server.faults.clear()
    assert unknown.result is Result.UNKNOWN
    query = await one.query("lead", Kind.SENT, ["leadid"], where=(), sent=Sent(key=lost, at="2026-05-06T12:00:00.000Z"))
    (page,) = await one.read(query)
    assert (len(page.rows), page.gap) == (1, True)
    one.later(minutes=5)
    (nothing,) = await one.read(await one.query("lead", Kind.SENT, ["leadid"], where=(), sent=Sent(
        key=uuid4().hex, at="2026-05-06T12:00:00.000Z")))  # fmt: skip
    assert (list(nothing.rows), nothing.gap) == ([], False)


@on_a_site()
async def test_the_crm_looks_for_duplicates_of_new_people_unless_they_are_allowed(one: Site) -> None:
    """A new lead like one that is there is refused, and made where duplicates are allowed; changes are let be."""
    (known,) = made(one, 1, emailaddress1="twin@example.org")
    (found,) = await send(one, create(emailaddress1="twin@example.org"))
    assert (found.result, found.code) == (Result.REFUSED, "0x80040333")
    (second,) = await send(one, create(emailaddress1="twin@example.org", wish=Wish(duplicates=True)))
    assert second.result is Result.DONE
    assert all_done(await send(one, update(known, emailaddress1="twin@example.org", jobtitle="CTO")))


@on_a_site()
async def test_throttling_inside_a_batch_is_waited_out(one: Site) -> None:
    """Parts that were throttled, or met a deadlock, are sent again; the others are not."""
    ids = made(one, 4)
    one.plant("throttle_requests", path=f"part:.*{ids[1]}", retry_after=0)
    one.plant("deadlock", path=f"part:.*{ids[2]}")
    found = await send(one, *(update(crm_id, jobtitle="Calm") for crm_id in ids))
    assert all_done(found)
    assert one.server.statistics.sub_requests == 4  # two were answered by the faults, and each once more
    one.plant("throttle_time", path=f"part:.*{ids[0]}", retry_after=3600)
    found = await send(one, *(update(crm_id, jobtitle="Busy") for crm_id in ids))
    assert results(found) == ["retry", "done", "done", "done"]
    assert found[0].retry_after == 3600


@on_a_site()
async def test_a_whole_call_that_fails_is_told_as_what_it_was(one: Site) -> None:
    """A batch that the server lacks is done one by one; a busy server later; an answer that never comes is unknown."""
    ids = made(one, 3)
    one.server.site.disabled = {"batch"}
    assert all_done(await send(one, *(update(crm_id, jobtitle="Alone") for crm_id in ids)))
    assert any("no batches" in said for said in one.warnings)
    one.session.client.features.missing.discard("batch")
    one.server.site.disabled = set()
    one.plant("throttle_time", path=BATCH, retry_after=3600)
    with pytest.raises(RetryLater) as busy:
        await send(one, *(update(crm_id, jobtitle="Later") for crm_id in ids))
    assert busy.value.retry_after == 3600
    one.plant(cut=20, path=BATCH, times=None)
    found = await send(one, *(update(crm_id, jobtitle="Cut") for crm_id in ids))
    assert results(found) == ["unknown"] * 3
    one.server.faults.clear()
    one.plant("plugin_refused", path="part:")
    found = await send(one, *(update(crm_id, jobtitle="Rule") for crm_id in ids))
    assert results(found) == ["refused", "done", "done"]
    one.plant("unexpected", path=ids[0], times=None)
    (first, _) = await send(one, *(update(crm_id, jobtitle="Crash") for crm_id in ids[:2]))
    assert (first.result, first.code) == (Result.REFUSED, "0x80040216")


@on_a_site()
async def test_a_right_that_is_missing_stops_the_table_or_the_record(one: Site) -> None:
    """Without the right to write leads nothing of them goes; a record out of reach is refused alone."""
    ids = made(one, 2)
    user = one.org.user("full")
    user.depths["Write", "lead"] = Depth.NONE
    with pytest.raises(RouteStopped, match="prvWriteLead"):
        await send(one, *(update(crm_id, jobtitle="x") for crm_id in ids))
    user.depths["Write", "lead"] = Depth.BASIC
    (own,) = await send(one, create())
    assert own.crm_id is not None
    found = await send(one, update(ids[0], jobtitle="x"), update(own.crm_id, jobtitle="x"))
    assert results(found) == ["refused", "done"]


@on_a_site()
async def test_a_client_whose_user_was_disabled_is_denied(one: Site) -> None:
    """A disabled user can write nothing: the connection stops, with what to do."""
    ids = made(one, 1)
    await send(one, update(ids[0], jobtitle="x"))
    one.org.user("full").disabled = True
    with pytest.raises(Denied):
        await send(one, update(ids[0], jobtitle="y"))


@on_a_site()
async def test_a_secured_column_is_refused_by_name(one: Site) -> None:
    """A column that may be read and not written is refused by its name, so that the others go."""
    (known,) = made(one, 1)
    one.plant(
        status=403, path=f"leads.{known}",
        body={"error": {"code": "0x8004f507", "message": "Caller user with Id 1 does not have update permissions for "
                        "the jobtitle secured attribute(s) on the lead table."}},
    )  # fmt: skip
    (found,) = await send(one, update(known, jobtitle="x", firstname="Ann"))
    assert (found.result, found.fields) == (Result.REFUSED, ("jobtitle",))


@on_a_site(settings={"bulk": "always"})
async def test_thousands_go_in_messages_and_one_bad_record_is_found(one: Site) -> None:
    """Beyond what a batch takes, messages carry the records; the bad one is refused, all others are written."""
    found = await send(one, *(create(key=uuid4().hex, jobtitle=f"T{n}") for n in range(6)))
    assert all_done(found)
    assert batches(one) == 0
    ids = [str(outcome.crm_id) for outcome in found]
    assert all_done(await send(one, *(update(crm_id, jobtitle="Bulk") for crm_id in ids)))
    assert batches(one) == 0
    changes = [update(crm_id, jobtitle="Again") for crm_id in ids]
    changes[4] = update(ids[4], firstname="x" * 60)
    assert results(await send(one, *changes)) == ["done"] * 4 + ["refused", "done"]
    assert batches(one) == 1
    one.server.site.disabled = {"bulk"}
    assert all_done(await send(one, *(update(crm_id, jobtitle="Batch") for crm_id in ids)))
    assert value(one, "lead", ids[5], "jobtitle") == "Batch"
    keys = [uuid4().hex for _ in range(3)]
    one.server.site.disabled = set()
    one.session.lacks.clear()
    before = one.org.count("lead")
    one.plant(drop=True, path="CreateMultiple")
    assert all_done(await send(one, *(create(key=key) for key in keys)))
    assert one.org.count("lead") == before + 3

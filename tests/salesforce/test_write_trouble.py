"""Trouble on the way: answers lost, rows locked, calls refused as a whole. Nothing is sent twice that must not be."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from crmsync.errors import Denied, RetryLater
from crmsync.writes import Result
from salesforce.orgs import site
from salesforce.writes import KEY, create, delete, leads, send, update, value, written
from support.written import all_done, results

REST = {"bulk": "never"}
TOO_MANY = 100


@pytest.mark.parametrize("action", [{"drop": True}, {"cut": 3}, {"status": 503, "body": "busy"}, {"status": 500}])
def test_a_create_whose_answer_is_lost_is_unknown_and_sent_once(action: dict[str, Any]) -> None:
    """However the answer is lost, a create without a key is never sent again, and nobody claims to know."""

    async def main() -> None:
        async with site(5) as one:
            await send(one, update(leads(one, 1)[0], Title="x"))
            before = one.org.count("Lead")
            one.plant(method="POST", path="composite/sobjects", **action)
            found = await send(one, create(), create())
            assert results(found) == ["unknown", "unknown"]
            assert written(one, "POST") == 1
            assert found[0].hint
            assert one.org.count("Lead") == before + (0 if "status" in action else 2)

    asyncio.run(main())


def test_what_may_be_repeated_is_until_an_answer_comes() -> None:
    """Updates, deletes and creates under a key change nothing the second time, so a lost answer is asked for again."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Lead", KEY)
            first, second = leads(one, 2)
            one.plant(drop=True, method="PATCH", path="composite/sobjects")
            assert all_done(await send(one, update(first, Title="x")))
            before = one.org.count("Lead")
            one.plant(drop=True, method="PATCH", path="composite/sobjects")
            assert all_done(await send(one, create(key="k1")))
            assert one.org.count("Lead") == before + 1
            one.plant(drop=True, method="DELETE", path="composite/sobjects")
            assert all_done(await send(one, delete(second)))
            assert (value(one, "Lead", first, "Title"), written(one), written(one, "DELETE")) == ("x", 4, 2)

    asyncio.run(main())


def test_a_server_that_stays_silent_leaves_the_rest_unsent() -> None:
    """When no answer comes at all, the call that was sent is UNKNOWN, and those behind it are not sent."""

    async def main() -> None:
        async with site(5, settings=REST) as one:
            ids = leads(one, 450)
            one.plant(drop=True, path="composite/sobjects", nth=2, times=None)
            found = await send(one, *(update(lead, Title="x") for lead in ids))
            assert results(found) == ["done"] * 200 + ["unknown"] * 200 + ["retry"] * 50
            assert written(one) == 1 + 3

    asyncio.run(main())


def test_a_server_that_is_not_there_raises() -> None:
    """A connection that was never made has written nothing, so the call raises and nothing is in doubt."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            await send(one, update(lead, Title="x"))
            await one.server.__aexit__(None, None, None)
            with suppress(RetryLater):
                await send(one, update(lead, Title="y"))  # on the connection that was open when the server went
            with pytest.raises(RetryLater, match="cannot be reached"):
                await send(one, create())

    asyncio.run(main())


def test_an_ended_session_is_renewed_also_for_a_create() -> None:
    """A 401 did nothing, so what may not be repeated is sent again with the new session, once."""

    async def main() -> None:
        async with site(5) as one:
            await send(one, update(leads(one, 1)[0], Title="x"))
            before = one.org.count("Lead")
            one.org.sessions.expire()
            assert all_done(await send(one, create()))
            assert one.org.count("Lead") == before + 1
            one.plant("unauthorized", times=None)
            with pytest.raises(Denied):
                await send(one, create())

    asyncio.run(main())


def test_too_many_at_once_is_waited_out() -> None:
    """A call that was refused for too many others did nothing either: it is sent again, a create as well."""

    async def main() -> None:
        async with site(5) as one:
            one.plant("concurrent_limit", path="composite/sobjects")
            one.plant(status=429, path="composite/sobjects", nth=2)
            before = one.org.count("Lead")
            assert all_done(await send(one, create()))
            assert one.org.count("Lead") == before + 1

    asyncio.run(main())


def test_an_unreadable_record_is_found_by_halves() -> None:
    """One record that spoils the whole call is found in a few smaller ones; the others are written."""

    async def main() -> None:
        async with site(5) as one:
            ids = leads(one, 64)
            changes = [update(lead, Birthdate__c=_date(n)) for n, lead in enumerate(ids)]
            one.org.add_field("Lead", {"name": "Birthdate__c", "type": "date"})
            found = await send(one, *changes)
            assert [n for n, outcome in enumerate(found) if outcome.result is Result.REFUSED] == [41]
            assert found[41].code == "JSON_PARSER_ERROR"
            assert results(found).count("done") == 63
            assert written(one) <= 1 + 2 * 6

    asyncio.run(main())


def _date(number: int) -> str:
    return "2026-02-30" if number == 41 else "2026-02-28"


def test_many_unreadable_records_cost_a_bounded_number_of_calls() -> None:
    """When nearly all records spoil the call, the search ends; what was not found out comes later."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Lead", {"name": "Birthdate__c", "type": "date"})
            found = await send(one, *(update(lead, Birthdate__c="2026-02-30") for lead in leads(one, 200)))
            assert set(results(found)) <= {"refused", "retry"}
            assert "refused" in results(found)
            assert written(one) <= TOO_MANY

    asyncio.run(main())


def test_a_trigger_over_its_limit_gets_smaller_calls() -> None:
    """Rows 45 and further: a trigger that fails for a full call is given halves until it can do them."""

    async def main() -> None:
        async with site(5) as one:
            one.org.state.automation.plant({"triggers": [{"object": "Lead", "most": 60}]})
            assert all_done(await send(one, *(update(lead, Title="x") for lead in leads(one, 200))))
            assert written(one) == 1 + 2 + 4

    asyncio.run(main())


def test_a_trigger_that_never_works_is_left_alone() -> None:
    """A trigger over its limit whatever the size costs a bounded number of calls, and the changes may come later."""

    async def main() -> None:
        async with site(5) as one:
            one.org.state.automation.plant({"triggers": [{"object": "Lead", "most": 0}]})
            found = await send(one, *(update(lead, Title="x") for lead in leads(one, 200)))
            assert set(results(found)) == {"retry"}
            assert "CPU time limit" in found[0].message
            assert written(one) <= TOO_MANY

    asyncio.run(main())


def test_locked_rows_are_tried_again_alone() -> None:
    """A record that somebody holds is sent again, alone and a little later; one that stays locked may come later."""

    async def main() -> None:
        async with site(5) as one:
            short, long, free = leads(one, 3)
            one.org.state.automation.plant({"locks": [{"id": short, "times": 2}, {"id": long, "times": 99}]})
            found = await send(one, *(update(lead, Title="x") for lead in (short, long, free)))
            assert results(found) == ["done", "retry", "done"]
            assert found[1].code == "UNABLE_TO_LOCK_ROW"
            assert written(one) == 3

    asyncio.run(main())


def test_a_lock_that_meets_a_whole_call_is_waited_out() -> None:
    """A lock told for the call as a whole did nothing: it is sent again, and raises when it stays."""

    async def main() -> None:
        async with site(5) as one:
            one.plant("lock_row", path="composite/sobjects", times=2)
            assert all_done(await send(one, create()))
            one.plant("lock_row", path="composite/sobjects", times=None)
            with pytest.raises(RetryLater):
                await send(one, create())

    asyncio.run(main())


def test_answers_that_do_not_fit_are_lost_answers() -> None:
    """A page for people, a body cut short or too few results leave in doubt what was sent, for every record."""

    async def main() -> None:
        async with site(5) as one:
            for body in (
                "<html>Proxy</html>",
                '[{"success":true',
                '[{"id":"00Q000000000001AAA","success":true}]',
                "{}",
            ):
                one.plant(status=200, body=body, method="POST", path="composite/sobjects")
                assert results(await send(one, create(), create())) == ["unknown", "unknown"]

    asyncio.run(main())


def test_records_rolled_back_for_others_come_later() -> None:
    """A record that failed only because others did is no failure of its own."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            for code in ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"):
                row = {"success": False, "errors": [{"statusCode": code, "message": "others", "fields": []}]}
                one.plant(status=200, body=[row], path="composite/sobjects")
                assert results(await send(one, update(lead, Title="x"))) == ["retry"]

    asyncio.run(main())

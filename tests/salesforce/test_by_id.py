"""Thousands of records by their ids: in collections where those cost fewer calls, else by queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import QuotaSpent, RetryLater, SchemaMoved
from crmsync.model import Condition, Kind, Page
from salesforce.orgs import NAMES, Site, column, ids, site

COLLECTION = "composite/sobjects"
MANY, UNKNOWN = 1_500, "003000000000000AAA"


@asynccontextmanager
async def org(**more: Any) -> AsyncIterator[tuple[Site, list[str]]]:
    """An org with more contacts than an address holds: two deleted, one merged, and the ids of all with an unknown."""
    async with site(MANY, **more) as one:
        contacts = [str(record["Id"]) for record in one.org.records("Contact")]
        for gone in (contacts[3], contacts[700]):
            one.org.delete("Contact", gone)
        one.org.merge("Contact", contacts[10], [contacts[11]])
        yield one, [*contacts, UNKNOWN]


async def told(one: Site, wanted: Sequence[str], **more: Any) -> tuple[list[Page], int]:
    """The pages of a read by id, and the calls it took."""
    query = await one.query("Contact", Kind.IDS, NAMES, ids=tuple(wanted), **more)
    before = one.session.client.calls
    return await one.read(query), one.session.client.calls - before


def found(pages: Sequence[Page]) -> tuple[Any, ...]:
    """Everything that some pages tell, whatever their number and order."""
    gone = sorted(one.id for page in pages for one in page.gone)
    merged = sorted((one.id, one.into) for page in pages for one in page.merged)
    return column(pages, "LastName"), column(pages, "Title"), gone, merged


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def test_collections_tell_what_queries_tell_in_fewer_calls() -> None:
    """Living, deleted, merged and unknown: the same by either way, one call for two thousand beside the lost."""

    async def main() -> None:
        async with org() as (one, wanted), site(org=one.org, disable=["collections"]) as other:
            pages, few = await told(one, wanted)
            plain, many = await told(other, wanted)
            assert found(pages) == found(plain)
            assert (few, len(ids(pages))) == (2, len(wanted) - 4)
            assert many > few + 1  # and the call that found out
            assert not one.warnings

    run(main)


def test_a_server_without_collections_is_asked_for_one_once() -> None:
    """It is told what is missing, one time; from then on only queries are sent."""

    async def main() -> None:
        async with org(disable=["collections"]) as (one, wanted):
            _, first = await told(one, wanted)
            pages, second = await told(one, wanted)
            assert second == first - 1
            assert len(ids(pages)) == len(wanted) - 4
            assert [text for text in one.warnings if "reads no collections" in text] == one.warnings[:1]
            assert len(one.warnings) == 1

    run(main)


def test_few_ids_are_asked_for_by_a_query() -> None:
    """While one address holds them all: deleted ones are told by the same call."""

    async def main() -> None:
        async with org() as (one, wanted):
            one.plant("server_error", path=COLLECTION, times=None)
            pages, calls = await told(one, wanted[:20])
            assert (calls, len(ids(pages))) == (1, 18)

    run(main)


def test_a_condition_is_kept_by_queries() -> None:
    """A collection knows none, so whatever the credentials' scope leaves out is left out by queries."""

    async def main() -> None:
        async with org() as (one, wanted):
            query = await one.query("Contact", Kind.IDS, NAMES, ids=tuple(wanted))
            chosen = Condition(field="LastName", op="=", value=str(next(one.org.records("Contact"))["LastName"]))
            one.plant("server_error", path=COLLECTION, times=None)
            pages = await one.read(replace(query, where=(chosen,)))
            assert set(column(pages, "LastName").values()) == {chosen.value}

    run(main)


@pytest.mark.parametrize("trouble", ["query_timeout", "MALFORMED_ID"])
def test_a_collection_that_is_refused_once_is_read_by_queries(trouble: str) -> None:
    """What queries may get round is none of the server's lacks: nothing is said, and the next read is a collection."""

    async def main() -> None:
        async with org() as (one, wanted):
            refusal = [{"errorCode": trouble, "message": "malformed id", "fields": []}]
            action = {"status": 400, "body": refusal} if trouble.isupper() else {"name": trouble}
            one.plant(path=COLLECTION, **action)
            pages, calls = await told(one, wanted)
            assert calls > 2
            assert len(ids(pages)) == len(wanted) - 4
            assert (await told(one, wanted))[1] == 2
            assert not one.warnings

    run(main)


@pytest.mark.parametrize("planted", [{"name": "server_error"}, {"drop": True}, {"name": "expire_session"}])
def test_what_passes_is_waited_out(planted: dict[str, Any]) -> None:
    """An error of the moment, a lost answer, an ended session: the same collection is asked for again."""

    async def main() -> None:
        async with org() as (one, wanted):
            one.plant(path=COLLECTION, **planted)
            pages, calls = await told(one, wanted)
            assert calls <= 3
            assert len(ids(pages)) == len(wanted) - 4

    run(main)


@pytest.mark.parametrize(
    ("planted", "error"),
    [
        ({"name": "server_error"}, RetryLater),
        ({"name": "daily_limit"}, QuotaSpent),
        ({"status": 200, "body": "no JSON", "content_type": "application/json"}, RetryLater),
        ({"status": 200, "body": [None]}, RetryLater),
    ],
)
def test_what_queries_would_meet_too_ends_the_read(planted: dict[str, Any], error: type[Exception]) -> None:
    """No further call is spent, and no answer with a record too few is taken for the truth."""

    async def main() -> None:
        async with org() as (one, wanted):
            one.plant(path=COLLECTION, times=None, **planted)
            queries = one.server.faults.plant({"delay": 0}, path="/query", times=None)
            with pytest.raises(error):
                await told(one, wanted)
            assert queries.hits == 0

    run(main)


def test_a_field_that_went_is_told_as_ever() -> None:
    """A collection refuses it without a name that helps; the query says which."""

    async def main() -> None:
        async with org() as (one, wanted):
            query = await one.query("Contact", Kind.IDS, NAMES, ids=tuple(wanted))
            one.org.hide_field(None, "Contact", "Title")
            with pytest.raises(SchemaMoved, match="Title"):
                await one.read(query)

    run(main)

"""The hooks besides reading: fields, scope, directions, routes, custom objects, and what an idle cycle costs."""

import asyncio
import time
from datetime import timedelta

import pytest

from crmsync.clock import SetClock
from crmsync.entities import STANDARD, entity_of
from crmsync.errors import QuotaSpent, RouteStopped
from crmsync.model import BOTH_WAYS, PULL_ONLY, Cursor, Direction, Kind, Query, Type, Winner
from crmsync_salesforce import plugin
from crmsync_salesforce.client import limit_info
from crmsync_salesforce.describe import Facts
from crmsync_salesforce.described import fields_of, read_describe
from crmsync_salesforce.resume import write_mark
from crmsync_salesforce.routes import CAMPAIGN, CONTACT, LEAD, ROUTES
from salesforce.orgs import Site, ids, site

STANDARD_OBJECTS = [route.object for route in ROUTES]


def test_who_it_is() -> None:
    """The connector's facts: its name is the entry point's, and it brings what the commands need."""
    system = plugin.system()
    assert (system.name, system.title) == ("salesforce", "Salesforce")
    assert all((system.check, system.permission_set, system.login, system.simulate))


@pytest.mark.rule("R-043", "R-198")
def test_the_table_of_routes() -> None:
    """Leads, contacts, campaigns, members and their statuses go both ways, all else one way, into known columns."""
    two_way = {route.object for route in ROUTES if route.directions == BOTH_WAYS}
    assert two_way == {"Lead", "Contact", "Campaign", "CampaignMember", "CampaignMemberStatus"}
    winners = {route.object: route.winner for route in ROUTES}
    assert winners["Lead"] is Winner.MARKETING
    assert {winner for obj, winner in winners.items() if obj != "Lead"} == {Winner.CRM}
    for route in ROUTES:
        columns = set(route.fields.values())
        assert {"crm_id", "modified_at"} <= columns
        assert route.two_way <= columns
        assert set(route.parents) <= columns
        known = {*STANDARD[route.entity].columns, "crm_id", "modified_at", "currency_code"}
        assert columns <= known, (route.object, columns - known)
        assert not route.two_way or route.directions == BOTH_WAYS
        assert plugin.directions(route) == route.directions
    orders = [route.order for route in ROUTES]
    assert orders == sorted(orders)
    assert len({route.order for route in ROUTES}) == len(ROUTES)


@pytest.mark.rule("R-208")
def test_what_the_default_mapping_leaves_out() -> None:
    """Audit and rarely wanted standard fields are left out; mailing addresses follow the documented mapping."""
    assert not {"Name", "HomePhone", "OtherCity", "AssistantName", "LastModifiedById"} & set(CONTACT)
    assert {"MailingCity", "MailingStreet"} <= set(CONTACT)
    assert "AnnualRevenue" in LEAD
    assert "ActualCost" in CAMPAIGN


@pytest.mark.rule("R-199", "R-200", "R-248")
def test_fields_are_what_describe_shows() -> None:
    """Every visible field with its type and rights; hidden ones are absent, new ones appear, compounds never do."""

    async def main() -> None:
        async with site(3) as one:
            fields = await plugin.fields(one.session, "Contact")
            assert fields["Email"].native == "email"
            assert fields["Interests__c"].type is Type.MULTI
            assert fields["Budget__c"].digits == 18
            assert fields["AccountId"].references == ("Account",)
            assert not {"MailingAddress", "LastViewedDate"} & set(fields)
            assert fields["LastActivityDate"].calculated
            one.org.hide_field(None, "Contact", "Email")
            one.org.add_field("Contact", {"name": "New__c", "type": "string"})
            fields = await plugin.fields(one.session, "Contact")
            assert "Email" not in fields
            assert fields["New__c"].custom

    asyncio.run(main())


def test_odd_describes() -> None:
    """Fields of unknown types are texts, members may be missing or null, and twins of one label do no harm."""
    body = b"""{"name":"X","fields":[{"name":"A","type":"brandnew","label":"Same"},{"name":"B","label":"Same"},
      {"name":"C","type":"picklist","picklistValues":[{"value":"x","active":true},{"value":"y","active":false}],
       "restrictedPicklist":true,"referenceTo":null,"precision":null},{"name":"D","type":"base64"}]}"""
    fields = fields_of(read_describe(body))
    assert set(fields) == {"A", "B", "C"}
    assert fields["A"].type is Type.TEXT
    assert fields["C"].values == ("x",)
    assert fields["C"].restricted


def test_facts_survive_as_text() -> None:
    """What reading must know of an object is remembered in a few letters."""
    for facts in (Facts(), Facts(stamp="CreatedDate", deleted=True, feed=False), Facts(converted=True, archived=True)):
        assert Facts.read(facts.text()) == facts


def test_described_only_when_changed() -> None:
    """A describe that has not changed is not sent again; one that changed is seen at once."""

    async def main() -> None:
        async with site(3) as one:
            clock = one.org.clock
            assert isinstance(clock, SetClock)
            clock.advance(timedelta(minutes=1))
            await plugin.fields(one.session, "Contact")
            before = one.session.client.http.traffic.bytes
            await plugin.fields(one.session, "Contact")
            assert one.session.client.http.traffic.bytes - before < 500
            one.org.add_field("Contact", {"name": "New__c", "type": "string"})
            assert "New__c" in await plugin.fields(one.session, "Contact")

    asyncio.run(main())


@pytest.mark.rule("R-142")
def test_scope() -> None:
    """Rights are the describe's; without the marketing-user flag campaigns are read, and the flag is asked for."""

    async def main() -> None:
        async with site(3) as one:
            scope = await plugin.scope(one.session, "Campaign")
            assert (scope.create, scope.update, scope.delete, scope.grants) == (True, True, True, ())
        async with site(3, user="minimum") as one:
            scope = await plugin.scope(one.session, "Campaign")
            assert scope.read
            assert not scope.create
            assert "Marketing User" in scope.grants[0]
        async with site(3, user="restricted") as one:
            with pytest.raises(RouteStopped, match="Opportunity") as caught:
                await plugin.fields(one.session, "Opportunity")
            assert "Read" in caught.value.hint
            assert "Phone" not in await plugin.fields(one.session, "Contact")

    asyncio.run(main())


def test_custom_objects_within_two_levels() -> None:
    """Custom objects related to a person or an account, or to one that is, are on offer; the others are not."""

    async def main() -> None:
        async with site(3) as one:
            routes = {route.object: route for route in await plugin.routes(one.session, None) if route.custom}
            assert set(routes) == {"Subscription__c", "Subscription_Item__c"}
            found = routes["Subscription__c"]
            assert found.entity == "subscription__c"
            assert entity_of(found.entity).name == found.entity
            assert found.optional
            assert found.directions == PULL_ONLY
            assert found.parents["contact__c"] == "Contact"
            assert routes["Subscription_Item__c"].parents["subscription__c"] == "Subscription__c"
            named = await plugin.routes(one.session, frozenset({"Subscription_Item__c", "Region__c", "Nope__c"}))
            taken = [route.object for route in named if route.custom and not getattr(route, "refused", "")]
            assert taken == ["Subscription_Item__c"]
            assert [r.object for r in await plugin.routes(one.session, frozenset())] == STANDARD_OBJECTS
        async with site(3, user="minimum") as one:
            assert [r.object for r in await plugin.routes(one.session, None)] == STANDARD_OBJECTS

    asyncio.run(main())


async def cycle(one: Site, objects: list[str]) -> float:
    """Ask for all first pages and all describes at once, as the engine does; returns the CPU it took."""
    mark = Cursor(mark=write_mark("2026-05-06T11:30:00.000Z"))
    queries: list[Query] = []
    for obj in objects:
        for kind in (Kind.CHANGES, Kind.DELETES):
            query = await one.query(obj, kind, ["Id", "SystemModstamp"], cursor=mark)
            queries.append(query)
    clock = one.org.clock
    assert isinstance(clock, SetClock)
    clock.advance(timedelta(minutes=20))
    one.server.statistics.reset()
    began = time.process_time()
    await asyncio.gather(*(one.read(query) for query in queries), *(plugin.fields(one.session, obj) for obj in objects))
    return time.process_time() - began


def test_an_idle_cycle_costs_three_calls() -> None:
    """Changes, deletions and schema of the thirteen standard objects take three calls, five custom objects one more."""

    async def main() -> None:
        async with site(3) as one:
            await cycle(one, STANDARD_OBJECTS)
            spent = await cycle(one, STANDARD_OBJECTS)
            assert one.server.statistics.calls == 3
            assert spent / len(STANDARD_OBJECTS) < 0.02  # client and server together, on a busy machine
            names = [f"More{number}__c" for number in range(5)]
            for name in names:
                one.org.add_object({"name": name})
            await cycle(one, [*STANDARD_OBJECTS, *names])
            assert one.server.statistics.calls == 4

    asyncio.run(main())


def test_calls_are_told_with_the_pages() -> None:
    """What a bundle of reads cost is told once, by one of them."""

    async def main() -> None:
        async with site(3) as one:
            queries = [
                await one.query(obj, Kind.CHANGES, cursor=Cursor(mark=write_mark("2026-05-06T11:30:00.000Z")))
                for obj in ("Contact", "Lead", "Account")
            ]
            one.server.statistics.reset()
            pages = await asyncio.gather(*(one.read(query) for query in queries))
            assert sum(page.calls for found in pages for page in found) == one.server.statistics.calls == 1
            assert all(page.bytes for found in pages for page in found)

    asyncio.run(main())


def test_a_new_process_knows_its_objects() -> None:
    """The facts of objects are remembered, so the first read of a new process waits for no describe."""

    async def main() -> None:
        memory: dict[str, str] = {}
        async with site(3, memory=memory) as one:
            query = await one.query("Contact", Kind.CHANGES, cursor=Cursor(mark=write_mark("2026-05-06T11:30:00.000Z")))
            org = one.org
        async with site(org=org, memory=memory) as one:
            await one.read(query)
            assert not [path for path in one.server.statistics.paths if "describe" in path]

    asyncio.run(main())


def test_half_a_composite() -> None:
    """A server whose composite answers nonsense to queries is asked one by one from then on, told once."""

    async def main() -> None:
        async with site(3) as one:
            bad = {"httpStatusCode": 404, "httpHeaders": {}, "body": [{"errorCode": "NOT_FOUND", "message": "no"}]}
            body = {"compositeResponse": [{**bad, "referenceId": f"r{n}"} for n in range(25)]}
            one.plant(status=200, body=body, path="composite", times=None)
            mark = Cursor(mark=write_mark("2026-05-06T11:30:00.000Z"))
            queries = [await one.query(obj, Kind.CHANGES, cursor=mark) for obj in ("Contact", "Lead", "Account")]
            for _ in range(2):
                assert all(found[-1].mark for found in await asyncio.gather(*(one.read(query) for query in queries)))
            assert len([said for said in one.warnings if "composite" in said]) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    "feature", ["queryAll", "getDeleted", "composite", "bulk", "limits", "describe_304", "versions"]
)
def test_what_a_server_does_not_offer(feature: str) -> None:
    """A missing ability is told once and done another way; nothing fails."""

    async def main() -> None:
        async with site(30, disable=[feature], settings={"bulk": "always" if feature == "bulk" else "never"}) as one:
            if feature == "limits":
                one.plant(path=".", strip=["Sforce-Limit-Info"], times=None)
            contacts = await one.load("Contact")
            assert len(ids(contacts)) == one.org.count("Contact")
            one.org.update("Contact", ids(contacts)[0], {"Title": "x"})
            mark = Cursor(mark=contacts[-1].mark)
            reads = [
                await one.query(obj, kind, cursor=mark)
                for obj in ("Contact", "Lead")
                for kind in (Kind.CHANGES, Kind.DELETES)
            ]
            for _ in range(2):
                found = await asyncio.gather(*(one.read(query) for query in reads))
                assert ids(contacts)[0] in ids(found[0])
                assert all(pages[-1].mark for pages in found)
            assert len(one.warnings) == len(set(one.warnings))
            if feature != "describe_304":
                assert one.warnings
            counted = await one.read(await one.query("Contact", Kind.COUNT))
            assert counted[0].rows[0][0] == one.org.count("Contact")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("api-usage=10018/100000", (10018, 100000)),
        ("api-usage=1/2; api-bursts=1/750", (1, 2)),
        ("per-app-api-usage=17/250(appName=x), api-usage=5/15000", (5, 15000)),
        ("api-usage=x/y", None),
        ("", None),
    ],
)
def test_the_limit_header(header: str, found: tuple[int, int] | None) -> None:
    """Row 42 of the sheet: the figures are found whatever else stands in the header."""
    assert limit_info(header) == found


def test_the_quota_is_never_passed() -> None:
    """Row 31 of the sheet: calls end before the share of the day is used up, and say what is used."""

    async def main() -> None:
        async with site(900, settings={"bulk": "never", "page_size": 200}, share=0.05, daily_limit=100) as one:
            with pytest.raises(QuotaSpent, match="of 100"):
                await one.load("Contact", ["Id", "LastName"])
            assert one.server.statistics.charged <= 5
            usage = one.session.usage()
            assert (usage.used, usage.limit) == (5, 100)
            assert usage.calls <= 5

    asyncio.run(main())


def test_the_quota_without_the_header() -> None:
    """Where a proxy strips the header, the figures are asked for once and counted on from there."""

    async def main() -> None:
        async with site(900, settings={"bulk": "never", "page_size": 200}, share=0.05, daily_limit=100) as one:
            one.plant(path=".", strip=["Sforce-Limit-Info"], times=None)
            with pytest.raises(QuotaSpent):
                await one.load("Contact", ["Id", "LastName"])
            assert one.server.statistics.charged <= 5
            assert len([path for path in one.server.statistics.paths if path.endswith("limits")]) <= 1

    asyncio.run(main())


def test_the_version_is_chosen_once() -> None:
    """The newest version both sides know, remembered, changed on request; what is not offered is refused."""

    async def main() -> None:
        memory: dict[str, str] = {}
        async with site(2, memory=memory) as one:
            assert one.session.identity.version == "65.0"
        async with site(2, memory=memory, versions=("60.0", "65.0", "66.0", "99.0")) as one:
            assert one.session.identity.version == "65.0"
        async with site(2, memory=memory, versions=("58.0", "60.0")) as one:
            assert one.session.identity.version == "60.0"
        async with site(2, memory=memory, settings={"api_version": "v59"}) as one:
            assert one.session.identity.version == "59.0"
        with pytest.raises(Exception, match="does not offer"):
            async with site(2, settings={"api_version": "51"}):
                pass

    asyncio.run(main())


def test_directions_of_custom_objects() -> None:
    """Custom objects come from the CRM only."""

    async def main() -> None:
        async with site(2) as one:
            for route in await plugin.routes(one.session, None):
                if route.custom:
                    assert Direction.PUSH not in plugin.directions(route)

    asyncio.run(main())

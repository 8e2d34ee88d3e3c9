"""Change tracking: delta links, what they bring, and when they are no good any more."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crmsync.clock import SetClock
from dynamics.simulator.running import Answer, Client

TRACK = "odata.track-changes,odata.maxpagesize=8"
DELTA = "@odata.deltaLink"


def follow(client: Client, answer: Answer, prefer: str = TRACK) -> tuple[list[dict[str, Any]], str]:
    """All entries of a tracked read and the delta link of its last page, the only one that has it."""
    found = list(answer.json["value"])
    while "@odata.nextLink" in answer.json:
        assert DELTA not in answer.json
        answer = client.send("GET", answer.json["@odata.nextLink"], Prefer=prefer)
        assert answer.status == 200, answer.body
        found += answer.json["value"]
    return found, str(answer.json.get(DELTA, ""))


def delta(client: Client, link: str) -> tuple[list[str], list[str], str]:
    """Ids of changed and of deleted rows, and the next link."""
    found, more = follow(client, client.send("GET", link, Prefer=TRACK))
    gone = [one["id"] for one in found if one.get("reason") == "deleted"]
    return [one["contactid"] for one in found if "contactid" in one], gone, more


def test_a_delta_brings_what_changed_since_the_first_read_began(client: Client) -> None:
    """Changed rows come whole and by version, deletions last, rows that came and went among them; tokens stay good."""
    answer = client.get("contacts", TRACK, select="lastname,jobtitle")
    assert "Preference-Applied" in answer.headers
    ids = [one["contactid"] for one in answer.json["value"]]
    client.org.update("contact", ids[0], {"jobtitle": "While it was read"})
    found, link = follow(client, answer)
    assert len(found) == 20
    assert delta(client, link)[:2] == ([ids[0]], [])
    new = client.org.create("contact", {"lastname": "New"})
    client.org.delete("contact", ids[1])
    client.org.update("contact", ids[2], {"department": "not selected"})
    brief = client.org.create("contact", {"lastname": "Brief"})
    client.org.delete("contact", brief)
    changed, gone, more = delta(client, link)
    assert changed == [ids[0], new, ids[2]]
    assert gone == [ids[1], brief]
    assert delta(client, link)[:2] == (changed, gone)
    assert delta(client, more)[:2] == ([], [])
    assert client.send("GET", link.replace("contacts?", "contacts/$count?")).body == b"5"


def test_long_deltas_are_paged_and_changes_meanwhile_wait_for_the_next(client: Client) -> None:
    """A delta is what there was when it began; what changes while it is paged comes with the next one."""
    _, link = follow(client, client.get("contacts", TRACK, select="lastname"))
    made = [client.org.create("contact", {"lastname": f"L{n}"}) for n in range(20)]
    gone = [client.org.create("contact", {"lastname": f"G{n}"}) for n in range(10)]
    for one in gone:
        client.org.delete("contact", one)
    first = client.send("GET", link, Prefer=TRACK)
    for one in (made[0], made[15]):
        client.org.update("contact", one, {"lastname": "again"})
    found, more = follow(client, first)
    assert [one.get("contactid", one.get("id")) for one in found] == [*made[:15], *made[16:], *gone]
    assert delta(client, more)[0] == [made[0], made[15]]


def test_a_table_that_is_not_tracked_and_options_that_do_not_fit_are_refused(client: Client) -> None:
    """Each has the vendor's code."""
    client.control("POST", "schema", {"track": [{"table": "lead", "tracked": False}]})
    assert client.get("leads", TRACK).code == "0x80072491"
    for options in ({"filter": "statecode eq 0"}, {"orderby": "lastname"}, {"top": "1"}):
        refused = client.get("contacts", TRACK, **options)
        assert refused.status == 400
        assert "isn't supported when Change Tracking is enabled" in refused.text


def test_old_links_and_links_from_before_a_schema_change_are_refused(client: Client, clock: SetClock) -> None:
    """A link is good for as long as the organisation says, and not after a column changed."""
    _, link = follow(client, client.get("contacts", TRACK, select="lastname"))
    clock.advance(timedelta(days=6))
    client.token = client.org.sessions.open(client.org.user("full"), 10**6).text
    assert delta(client, link)[:2] == ([], [])
    organization = client.org.state.people.organization
    client.org.update("organization", organization, {"expirechangetrackingindays": 3})
    assert client.send("GET", link, Prefer=TRACK).code == "0x80044352"
    client.org.update("organization", organization, {"expirechangetrackingindays": 30})
    client.org.add_column("contact", "new_More string:10 CRU-n")
    assert delta(client, link)[:2] == ([], [])
    client.org.remove_column("contact", "new_more")
    refused = client.send("GET", link, Prefer=TRACK)
    assert (refused.status, refused.code) == (400, "0x80044352")


def test_a_row_deleted_and_made_again_comes_as_both(site: Callable[..., Client]) -> None:
    """Of an id that went and came back both are told, in either order as the environment behaves."""
    client = site(deletions_first=True)
    _, link = follow(client, client.get("contacts", TRACK, select="lastname"))
    identity = next(client.org.records("contact"))["contactid"]
    client.org.delete("contact", identity)
    client.org.create("contact", {"contactid": identity, "lastname": "Back"})
    found, _ = follow(client, client.send("GET", link, Prefer=TRACK))
    assert [one.get("id", one.get("contactid")) for one in found] == [identity, identity]
    assert found[0]["reason"] == "deleted"


def test_reading_everything_is_needed_to_track(client: Client) -> None:
    """Without reading at the depth of the organisation a tracked read is refused, though plain reading works."""
    other = client.as_user("restricted")
    assert other.get("contacts", select="lastname").status == 200
    assert (other.get("contacts", TRACK).status, other.get("contacts", TRACK).code) == (403, "0x80040220")


def test_a_server_may_give_no_link_with_annotations_or_know_no_tracking(site: Callable[..., Client]) -> None:
    """The last page may lack its link where annotations are asked for; without the feature reading is plain."""
    client = site(delta_with_annotations=False)
    prefer = f'{TRACK},odata.include-annotations="*"'
    found, link = follow(client, client.get("contacts", prefer, select="lastname"), prefer)
    assert (len(found), link) == (20, "")
    client.control("POST", "faults", {"disable": ["tracking"]})
    assert DELTA not in client.get("contacts", "odata.track-changes", select="lastname").json

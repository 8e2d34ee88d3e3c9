"""Programs get their campaigns: linked where both match, or made in the CRM, once, whatever happens on the way."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import CrmError, CrmsyncError, RetryLater, RouteStopped, SettingsError
from crmsync.model import Page
from crmsync.store.sending.retries import Wanted
from crmsync.writes import Change, Operation, Outcome, Result
from support.campaigns import Fair, statuses


def create(fair: Fair, program: str = "Webinar", name: str = "") -> dict[str, Any]:
    """`crmsync campaign create`."""
    return fair.use(lambda connection: connection.programs.create(program, name))


def made(fair: Fair) -> list[str]:
    """The campaigns in the CRM but the first."""
    return [one for one in fair.crm.objects["Campaign"] if one != "C1"]


def labels(fair: Fair, campaign: str) -> dict[str, tuple[bool, bool]]:
    """The statuses of a campaign in the CRM: default, and whether they count as a response."""
    held = [one for one in fair.crm.objects["Status"].values() if one["CampaignId"] == campaign]
    return {str(one["Label"]): (bool(one["Default"]), bool(one["Responded"])) for one in held}


def test_a_campaign_is_made_with_the_programs_statuses_and_linked(fair: Fair) -> None:
    """Name, channel and cost go along, the statuses that the CRM gave it go; the next cycle adds the members."""
    fair.sql("UPDATE program SET channel = 'Webinar', period_cost = 99.5")
    fair.joins("L1", "Seen")
    done = create(fair, name="Webinar in May")
    ((campaign),) = made(fair)
    assert done == {"program": "Webinar", "campaign": "Webinar in May", "campaign_crm_id": campaign, "state": "linked"}
    held = fair.crm.objects["Campaign"][campaign]
    assert (held["Name"], held["Type"], held["Cost"]) == ("Webinar in May", "Webinar", 99.5)
    assert labels(fair, campaign) == {"Invited": (True, False), "Seen": (False, False), "Came": (False, True)}
    fair.sync()
    assert fair.there == {"L1": "Seen"}
    assert fair.verify().ok


def test_statuses_that_both_have_stay_and_are_brought_in_line(fair: Fair) -> None:
    """The default, and whether it counts as a response, are the program's."""
    fair.program("Fair", "Responded", "Sent", "Met")
    fair.sql("UPDATE program_status SET is_default = 1 WHERE label = 'Met'")
    fair.sql("UPDATE program_status SET has_responded = 1 WHERE label = 'Responded'")
    campaign = create(fair, "Fair")["campaign_crm_id"]
    assert labels(fair, campaign) == {"Responded": (False, True), "Sent": (False, False), "Met": (True, True)}


@pytest.mark.parametrize("which", [1, 2, 3])
def test_cut_off_anywhere_it_goes_on_and_makes_no_second_campaign(fair: Fair, which: int) -> None:
    """The answer to the campaign, to its statuses or to a deletion is lost; the next cycle finishes it."""
    calls = 0

    def lose() -> None:
        nonlocal calls
        calls += 1
        if calls == which:
            raise ConnectionResetError

    fair.crm.after_apply = lose
    with suppress(ConnectionResetError, CrmsyncError):
        create(fair)
    fair.crm.after_apply = lambda: None
    fair.crm.tick(100_000)
    fair.sync()
    fair.crm.tick(100_000)
    fair.sync()
    (campaign,) = made(fair)
    assert fair.one("SELECT campaign_crm_id FROM program") == campaign
    assert sorted(labels(fair, campaign)) == ["Came", "Invited", "Seen"]
    assert fair.sql("SELECT * FROM crmsync_program_wish") == []


def doubted(fair: Fair, monkeypatch: pytest.MonkeyPatch, obj: str) -> None:
    """What is made of an object gets no answer, and several records look like it."""
    nobody = Outcome(result=Result.UNKNOWN, code="lost", message="No answer.")
    fair.crm.answer = lambda change: nobody if change.object == obj else None
    create(fair)
    fair.crm.answer = lambda _change: None
    with monkeypatch.context() as patch:
        many = Page(columns=("Id",), rows=[(one,) for one in "ABCDE"])
        patch.setattr(fair.crm, "_made", lambda _query: many)
        for _ in range(2):
            fair.crm.tick(100_000)
            fair.sync()


@pytest.mark.parametrize("obj", ["Campaign", "Status"])
def test_a_program_in_doubt_goes_on_at_a_person_s_wish(fair: Fair, monkeypatch: pytest.MonkeyPatch, obj: str) -> None:
    """More records than one look like what never arrived; they go, and all goes on."""
    doubted(fair, monkeypatch, obj)
    assert fair.one("SELECT code FROM crmsync_program_wish") == "ambiguous"
    freed = fair.use(lambda connection: connection.review.retry(Wanted(cause="ambiguous")))
    assert {(one["way"], one["object"]) for one in freed} == {("create", obj)}
    fair.sync()
    (campaign,) = made(fair)
    assert fair.one("SELECT campaign_crm_id FROM program") == campaign
    assert sorted(labels(fair, campaign)) == ["Came", "Invited", "Seen"]
    assert fair.use(lambda connection: connection.review.retry(Wanted())) == []


def test_a_status_that_was_in_doubt_and_is_deleted_here_is_in_no_doubt(
    fair: Fair, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubted(fair, monkeypatch, "Status")
    fair.sql("DELETE FROM program_status")
    assert fair.use(lambda connection: connection.review.retry(Wanted(cause="ambiguous"))) == []


def test_what_the_crm_refuses_is_told_and_the_same_command_goes_on(fair: Fair) -> None:
    """The campaign that was made is not made again."""

    def no(change: Change) -> Outcome | None:
        refused = Outcome(result=Result.REFUSED, code="RULE", message="No third status.")
        return refused if change.values.get("Label") == "Came" else None

    fair.crm.answer = no
    with pytest.raises(CrmError, match="No campaign for the program 'Webinar': No third status"):
        create(fair)
    assert fair.one("SELECT message FROM crmsync_error") == "No campaign for the program 'Webinar': No third status."
    fair.sync()
    assert len(made(fair)) == 1
    fair.crm.answer = lambda _change: None
    fair.sql("DELETE FROM crmsync_intent")  # as old ones go
    fair.crm.keyed = False
    assert create(fair)["state"] == "linked"
    assert len(made(fair)) == 1


def test_what_may_work_later_is_tried_later(fair: Fair) -> None:
    """The wish stays, and a cycle grants it."""
    fair.crm.answer = lambda _change: Outcome(result=Result.RETRY, code="LOCKED", message="Busy.")
    assert create(fair)["state"] == "waiting"
    fair.crm.answer = lambda _change: None
    fair.sync()
    assert made(fair) == []
    fair.crm.tick(100_000)
    fair.sync()
    assert len(made(fair)) == 1
    assert fair.one("SELECT COUNT(*) FROM program WHERE campaign_crm_id IS NOT NULL") == 1


def test_while_another_process_runs_the_cycles_that_one_makes_it(fair: Fair) -> None:
    """The command leaves the wish, and does not wait."""
    fair.sql(
        "INSERT INTO crmsync_lease VALUES ('cycles', 'elsewhere:1:1', 99, '2099-01-01T00:00:00.000Z') "
        "ON CONFLICT DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at"
    )
    assert create(fair)["state"] == "waiting"
    assert made(fair) == []
    fair.sql("UPDATE crmsync_lease SET expires_at = '2000-01-01T00:00:00.000Z'")
    fair.sync()
    assert len(made(fair)) == 1


def test_a_program_without_statuses_or_with_a_campaign_gets_none(fair: Fair) -> None:
    """The message says what to do."""
    fair.program("Empty")
    with pytest.raises(CrmsyncError, match="no statuses"):
        create(fair, "Empty")
    fair.link()
    with pytest.raises(CrmsyncError, match="linked to campaign C1 already"):
        create(fair)
    assert made(fair) == []


def test_a_link_is_one_to_one(fair: Fair) -> None:
    """Neither a second campaign nor a second program; linking again changes nothing; parted, both are free."""
    statuses(fair.crm, fair.crm.put("Campaign", "C2", Name="Autumn"), "Invited", "Seen", "Came")
    fair.sync()
    fair.link()
    fair.link()
    with pytest.raises(CrmsyncError, match="linked to campaign C1 already"):
        fair.link(campaign="C2")
    fair.program("Other", "Invited", "Seen", "Came")
    with pytest.raises(CrmsyncError, match="linked to the program 'Webinar' already"):
        fair.link("Other", "Spring")
    fair.joins("L1")
    fair.sync()
    fair.use(lambda connection: connection.programs.unlink("Webinar"))
    fair.link("Other", "C1")
    fair.link("Webinar", "C2")
    fair.sync()
    assert sorted(fair.sql("SELECT program_id FROM program_member")) == [(1,), (2,)]
    assert {one["CampaignId"] for one in fair.crm.objects["Member"].values()} == {"C1", "C2"}


def test_parted_and_linked_anew_while_a_member_is_asked_for(fair: Fair) -> None:
    """What the former campaign answered is not taken for the new one's: the member is asked for there too."""
    statuses(fair.crm, fair.crm.put("Campaign", "C2", Name="Autumn"), "Invited", "Seen", "Came")
    fair.sync()
    fair.linked()
    fair.joins("L1")

    def part() -> None:
        fair.crm.after_apply = lambda: None
        fair.sql("DELETE FROM crmsync_program")
        fair.sql("UPDATE program SET campaign_crm_id = NULL")

    fair.crm.after_apply = part
    fair.sync()
    assert fair.sql("SELECT * FROM crmsync_member") == []
    fair.link(campaign="C2")
    fair.sync()
    assert {one["CampaignId"] for one in fair.crm.objects["Member"].values()} == {"C1", "C2"}


def test_no_link_while_statuses_differ(fair: Fair) -> None:
    """The message says which are missing where, what members have, and the three ways out."""
    fair.sql("UPDATE program_status SET label = 'Watched' WHERE label = 'Seen'")
    fair.enters("L1", "Seen")
    fair.enters("L2", "Bounced")
    fair.sync()
    with pytest.raises(CrmsyncError) as refused:
        fair.link()
    said = str(refused.value)
    assert "the program alone has 'Watched'; the campaign alone has 'Seen'" in said
    assert "1 member of the campaign is in 'Bounced'" in said
    assert all(way in said for way in ("in the CRM", "in program_status", "choose another campaign", "link again"))
    assert fair.one("SELECT campaign_crm_id FROM program") is None
    fair.sql("UPDATE program_status SET label = 'Seen' WHERE label = 'Watched'")
    fair.crm.tick()
    fair.crm.put("Member", "M-L2", Status="Came")
    fair.sync()
    fair.link()
    fair.sync()
    assert fair.here == {"L1": "Seen", "L2": "Came"}


def test_without_the_right_to_change_campaigns_nothing_is_linked_and_the_reason_is_told(tmp_path: Path) -> None:
    """In the CRM's own words for what to grant."""
    fair = Fair(tmp_path / "marketing.db")
    fair.crm.may_write = False
    fair.sync()
    for work in (fair.link, lambda: create(fair)):
        with pytest.raises(RouteStopped, match='Tick "May run campaigns"'):
            work()


def test_campaigns_that_are_not_synced_are_not_on_offer(tmp_path: Path) -> None:
    """The message says how to have them."""
    fair = Fair(tmp_path / "marketing.db")
    fair.settings.objects.disable = ["Campaign", "Status", "Member"]
    fair.sync()
    with pytest.raises(SettingsError, match=r"not synced.*objects\.disable"):
        fair.link()
    assert fair.use(lambda connection: connection.programs.listed())[0]["state"] == "unlinked"


def test_programs_are_listed_with_their_links_and_members(fair: Fair) -> None:
    """On both sides, with what waits and what was refused, and why a link rests."""
    fair.linked()
    fair.program("Other")
    fair.joins("L1")
    fair.joins("L2")
    fair.crm.answer = lambda change: (
        Outcome(result=Result.REFUSED, code="NO", message="no") if change.wish.person == "L2" else None
    )
    fair.sync()
    other, webinar = fair.use(lambda connection: connection.programs.listed())
    assert (other["program"], other["state"], other["campaign_members"]) == ("Other", "unlinked", None)
    names = ("campaign", "campaign_crm_id", "state", "members", "campaign_members", "waiting", "refused")
    assert [webinar[name] for name in names] == ["Spring", "C1", "linked", 2, 1, 0, 1]
    fair.crm.put("Status", "C1-New", CampaignId="C1", Label="New", Sort=9)
    fair.sync()
    (_, webinar) = fair.use(lambda connection: connection.programs.listed())
    assert (webinar["state"], webinar["difference"]) == ("statuses differ", "the campaign alone has 'New'")


def test_lost_for_the_moment(fair: Fair) -> None:
    """A call that cannot be made loses no wish."""
    fair.crm.before_page = lambda query, _number: (_ for _ in ()).throw(RetryLater("down")) if query.where else None
    with suppress(CrmsyncError):
        create(fair)
    fair.crm.before_page = lambda _query, _number: None
    fair.sync()
    assert len(made(fair)) == 1
    creates = [one for one in fair.crm.written if one.operation is Operation.CREATE and one.object == "Campaign"]
    assert len({one.key for one in creates}) == 1
    assert fair.one("SELECT campaign_crm_id FROM program") == made(fair)[0]

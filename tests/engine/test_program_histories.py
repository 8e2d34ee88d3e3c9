"""Whatever happens to a linked program on either side, and however it is disturbed: both end with the same members."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crmsync.errors import CrmsyncError, RetryLater
from crmsync.writes import Change, Outcome, Result
from support.campaigns import Fair
from support.lasting import Lasting

EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "150")) // 6
STEPS = {"Invited": 1, "Seen": 2, "Came": 3}
STATUSES = st.sampled_from(sorted(STEPS))
PEOPLE = st.integers(0, 4)
TROUBLES = st.sampled_from(["none", "none", "answer lost", "refused", "later", "read cut"])
LATER = 100_000  # seconds: past every wait


class LastingFair(Lasting, Fair):
    """A connection that stays open."""


class Program(RuleBasedStateMachine):
    """Members come, move and go, here and there; persons are merged, converted and deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    @initialize()
    def begin(self) -> None:
        self.fair: LastingFair = LastingFair(Path(self.folder.name) / "marketing.db").linked()
        self.number = 0

    def person(self, number: int) -> int | None:
        rows = self.fair.sql("SELECT id FROM person WHERE crm_is_deleted = 0 ORDER BY id")
        return int(rows[number % len(rows)][0]) if rows else None

    def record(self, number: int) -> tuple[str, str] | None:
        """A lead or contact of the CRM: the field that refers to it, and its id."""
        held = [("LeadId", one) for one in sorted(self.fair.crm.objects.get("Lead", {}))]
        held += [("ContactId", one) for one in sorted(self.fair.crm.objects.get("Contact", {}))]
        return held[number % len(held)] if held else None

    def membership(self, who: tuple[str, str] | None) -> str | None:
        held = self.fair.crm.objects.get("Member", {})
        return next((one for one, record in held.items() if who and record.get(who[0]) == who[1]), None)

    @rule(number=PEOPLE, status=STATUSES)
    def joins_here(self, number: int, status: str) -> None:
        self.fair.sql(
            "INSERT INTO program_member (program_id, person_id, status) SELECT 1, ?, ? WHERE ?1 IS NOT NULL "
            "ON CONFLICT DO UPDATE SET status = excluded.status",
            self.person(number), status,
        )  # fmt: skip

    @rule(number=PEOPLE)
    def leaves_here(self, number: int) -> None:
        self.fair.sql("DELETE FROM program_member WHERE person_id = ?", self.person(number))

    @rule(number=PEOPLE, status=STATUSES)
    def joins_there(self, number: int, status: str) -> None:
        who = self.record(number)
        if who is not None:
            self.fair.crm.tick()
            self.number += 1
            known = self.membership(who) or f"There-{self.number}"
            self.fair.crm.put("Member", known, **{"CampaignId": "C1", who[0]: who[1], "Status": status})

    @rule(number=PEOPLE)
    def leaves_there(self, number: int) -> None:
        if (known := self.membership(self.record(number))) is not None:
            self.fair.crm.tick()
            self.fair.crm.delete("Member", known)

    @rule(number=PEOPLE)
    def is_deleted_here(self, number: int) -> None:
        self.fair.sql("DELETE FROM person WHERE id = ?", self.person(number))

    @rule(number=PEOPLE)
    def is_deleted_there(self, number: int) -> None:
        who = self.record(number)
        if who is not None:
            self.fair.crm.tick()
            self.fair.crm.delete(who[0].removesuffix("Id"), who[1])

    @rule(loser=PEOPLE, winner=PEOPLE)
    def are_merged_there(self, loser: int, winner: int) -> None:
        one, other = self.record(loser), self.record(winner)
        if one is None or other is None or one[0] != other[0] or one == other:
            return
        self.fair.crm.tick()
        moved, kept = self.membership(one), self.membership(other)
        if moved is not None and kept is not None:
            self.fair.crm.delete("Member", moved)
        elif moved is not None:
            self.fair.crm.put("Member", moved, **{one[0]: other[1]})
        self.fair.crm.join(one[0].removesuffix("Id"), one[1], other[1])

    @rule(number=PEOPLE)
    def is_converted_there(self, number: int) -> None:
        who = self.record(number)
        if who is None or who[0] != "LeadId":
            return
        self.fair.crm.tick()
        lead, contact = self.fair.crm.objects["Lead"][who[1]], f"K-{who[1]}"
        self.fair.crm.put("Contact", contact, LastName=lead.get("LastName"), Email=lead.get("Email"))
        if (known := self.membership(who)) is not None:
            self.fair.crm.put("Member", known, ContactId=contact)
        self.fair.crm.join("Lead", who[1], contact, "Contact", "converted")

    @rule(last_name=st.sampled_from(["Roe", "Poe"]))
    def appears_here(self, last_name: str) -> None:
        self.fair.sql("INSERT INTO person (last_name) VALUES (?)", last_name)

    @rule(trouble=TROUBLES)
    def is_synced(self, trouble: str) -> None:
        crm = self.fair.crm

        def lose() -> None:
            raise ConnectionResetError

        def cut(*_: object) -> None:
            raise RetryLater("the line is cut")

        def answer(_change: Change) -> Outcome | None:
            bad = {"refused": Result.REFUSED, "later": Result.RETRY}.get(trouble)
            return Outcome(result=bad, code="TROUBLE", message="no") if bad else None

        crm.answer = answer
        crm.after_apply = lose if trouble == "answer lost" else crm.after_apply
        crm.before_page = cut if trouble == "read cut" else crm.before_page
        with suppress(CrmsyncError):
            self.fair.sync()
        crm.answer, crm.after_apply, crm.before_page = lambda _: None, lambda: None, lambda *_: None

    def teardown(self) -> None:
        try:
            if hasattr(self, "fair"):
                self.settle()
                self.fair.end()
        finally:
            self.folder.cleanup()

    def settle(self) -> None:
        """Both sides come to rest: the same members, and no status later there than here."""
        fair = self.fair
        fair.sql("UPDATE crmsync_member_ask SET state = 'waiting', tries = 0")
        for _ in range(4):
            fair.crm.tick(LATER)
            fair.sync()
        written = len(fair.crm.written)
        fair.sync()
        assert len(fair.crm.written) == written
        rows = fair.sql(
            "SELECT p.crm_id, m.status FROM program_member m JOIN person p ON p.id = m.person_id ORDER BY p.crm_id"
        )
        members = fair.crm.objects.get("Member", {}).values()
        theirs = sorted((str(one.get("ContactId") or one.get("LeadId")), str(one["Status"])) for one in members)
        gone = [crm_id for crm_id, _ in theirs if fair.sql("SELECT 1 FROM person WHERE crm_id = ?", crm_id) == []]
        theirs = [one for one in theirs if one[0] not in gone]  # deleted here alone, and not changed there since
        assert [crm_id for crm_id, _ in rows] == [crm_id for crm_id, _ in theirs]
        assert all(STEPS[ours] >= STEPS[status] for (_, ours), (_, status) in zip(rows, theirs, strict=True))
        assert fair.sql("SELECT * FROM crmsync_member_ask") == []
        assert fair.sql("SELECT * FROM crmsync_member_moved WHERE person_id >= 0") == []


def test_both_sides_end_with_the_same_members() -> None:
    """Random histories with lost answers, refusals, pauses and cut reads."""
    run_state_machine_as_test(
        Program,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=12, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip

"""One action while it is being done: what is said of it, and how it ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from msgspec import Struct, field

from crmsync.errors import CrmsyncError, RetryLater, SettingsError
from crmsync.push.patience import pause
from crmsync.store.people.actions import DONE, FAILED, REFUSED, RUNNING, WAITING, Ended
from crmsync.store.people.known import Person
from crmsync.writes import Outcome, Result

SKIPPED = "skipped"
ASK_AGAIN = timedelta(seconds=5)  # whether a lost answer can be found out now
LONGEST = timedelta(minutes=5)


class Job(Struct):
    """`state` is empty while it is open; then done, refused, failed, waiting (for another try) or running (unknown)."""

    id: int
    kind: str
    person_id: int
    wish: Any
    tries: int = 0
    state: str = ""
    code: str = ""
    crm_id: str | None = None
    said: list[str] = field(default_factory=list)
    wait: timedelta | None = None
    listed: bool = False  # among the errors, by whoever found out

    def tell(self, what: str) -> None:
        """Something that happened."""
        self.said.append(what)

    def done(self, what: str = "", *, crm_id: str | None = None, code: str = "") -> None:
        """It is done; `code` is "skipped" where there was nothing to do."""
        self._end(DONE, what, code)
        self.crm_id = crm_id or self.crm_id

    def skip(self, what: str, *, crm_id: str | None = None) -> None:
        """There is nothing to do."""
        self.done(what, crm_id=crm_id, code=SKIPPED)

    def refuse(self, code: str, what: str) -> None:
        """It cannot be done as it was asked for, now and later."""
        self._end(REFUSED, what, code)

    def later(self, code: str, what: str, wait: timedelta) -> None:
        """It may work after a while."""
        self._end(WAITING, what, code)
        self.wait = wait

    def _end(self, state: str, what: str, code: str) -> None:
        self.state, self.code = state, code
        if what:
            self.tell(what)

    def reopen(self) -> None:
        """What the CRM just said does not end it after all."""
        if self.state:
            self.said.pop()
        self.state, self.code, self.wait = "", "", None

    def heard(self, who: object, outcome: Outcome) -> bool:
        """Take in what the CRM said; True where the job may go on."""
        if outcome.result is Result.DONE:
            self.crm_id = outcome.crm_id or self.crm_id
            return True
        said = f"{who}: {outcome.message} {outcome.hint}".strip()
        if outcome.result is Result.REFUSED:
            self.refuse(outcome.code, said)
        elif outcome.result is Result.UNKNOWN:
            self.unsure(said)
        else:  # gone meanwhile: what became of it was read, so that the next try knows
            self.later(outcome.code, said, ASK_AGAIN if outcome.result is Result.GONE else pause(self.tries, outcome))
        return False

    def unsure(self, what: str) -> None:
        """What the CRM made of it is not known; it is found out before anything is sent again."""
        self._end(RUNNING, what, "unknown")
        self.wait = min(ASK_AGAIN * 2.0 ** min(self.tries, 10), LONGEST)

    def broken(self, error: Exception) -> None:
        """An error ended what was being done for many; it says nothing of this one alone."""
        if isinstance(error, SettingsError):
            self.refuse("settings", str(error))
            return
        known = error if isinstance(error, CrmsyncError) else None
        after = error.retry_after if isinstance(error, RetryLater) else None
        outcome = Outcome(result=Result.RETRY, retry_after=after)
        said = str(known) if known else f"{type(error).__name__}: {error}"
        self.later((known.code if known else "") or type(error).__name__, said, pause(self.tries, outcome))

    def give_up(self) -> None:
        """It was tried often enough."""
        self.state, self.wait = FAILED, None

    def as_ended(self, retry_at: str | None) -> Ended:
        """How it is stored."""
        return Ended(
            id=self.id, state=self.state, outcome=" ".join(self.said), code=self.code, crm_id=self.crm_id,
            retry_at=retry_at,
        )  # fmt: skip


def still_open(jobs: Iterable[Job]) -> list[Job]:
    """Those that go on."""
    return [job for job in jobs if not job.state]


def named(person: Person) -> str:
    """A person's record in the CRM, for a sentence."""
    return f"{person.object} {person.crm_id} of person {person.row_id}"

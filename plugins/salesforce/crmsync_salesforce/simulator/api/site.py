"""What the HTTP side keeps beside the org: open cursors, bulk jobs, counts and planted faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from crmsync import simulate
from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.org import Org
from crmsync_salesforce.simulator.sessions import Session
from crmsync_salesforce.simulator.soql.run import Found
from crmsync_salesforce.simulator.state import Settings, State

CURSOR_SECONDS = 2 * 86_400
FEATURES = frozenset(
    {
        *("versions", "queryAll", "getDeleted", "getUpdated", "composite", "collections", "bulk", "limits"),
        *("recordCount", "describe_304", "locators", "soap"),
    }
)


class Cursor(Struct):
    """A result that is being paged through, by the session that asked for it."""

    found: Found
    size: int
    session: Session
    until: float


class Site(simulate.Site):
    """One running simulator."""

    org: Org
    dispatch: Callable[[Call], Reply]
    cursors: dict[str, Cursor] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    describes: dict[tuple[Any, ...], bytes] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    never_cured: bool = False
    _locators: Any = field(default_factory=lambda: ids.count_up("0r8"))
    _job_ids: Any = field(default_factory=lambda: ids.count_up("750"))

    @property
    def state(self) -> State:
        """The org's data."""
        return self.org.state

    @property
    def settings(self) -> Settings:
        """The org's settings."""
        return self.org.settings

    def need(self, feature: str) -> None:
        """Refuse a feature that was switched off, as a server that lacks it would."""
        if feature in self.disabled:
            raise Refusal("NOT_FOUND", "The requested resource does not exist")

    def mend(self) -> None:
        """Take all faults away, and switch everything on again."""
        simulate.Site.mend(self)  # a dataclass with slots is another class than the one that super() knows
        self.never_cured = False

    def keep(self, cursor: Cursor) -> str:
        """The locator under which a cursor can be asked for."""
        locator = str(next(self._locators))
        self.cursors[locator] = cursor
        return locator

    def next_job(self) -> str:
        """The id of a new bulk job."""
        return str(next(self._job_ids))

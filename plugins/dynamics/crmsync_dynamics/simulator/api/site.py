"""What the HTTP side keeps beside the environment: counts, planted faults, answers that are being paged through."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from msgspec import field

from crmsync import simulate
from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.throttle import Throttle
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.odata.paths import Reach
from crmsync_dynamics.simulator.org import Org
from crmsync_dynamics.simulator.state import Settings, State

FEATURES = frozenset({"tracking", "batch", "bulk", "definitions", "annotations", "delta_link", "keys"})
_KEPT = 16


class Site(simulate.Site):
    """One running simulator."""

    org: Org
    dispatch: Callable[[Call], Reply]
    throttle: Throttle = field(default_factory=Throttle)
    _results: OrderedDict[Any, Any] = field(default_factory=OrderedDict)

    @property
    def state(self) -> State:
        """The environment's data."""
        return self.org.state

    @property
    def settings(self) -> Settings:
        """How the environment behaves."""
        return self.org.settings

    def reach(self, call: Call) -> Reach:
        """What names in the queries of a call mean to who calls."""
        return Reach(self.state, call.rights, strong=call.strong)

    def need(self, feature: str) -> None:
        """Refuse a feature that was switched off, as a server that lacks it would."""
        if feature in self.disabled:
            raise Refusal("0x80060888", f"Not Implemented: {feature}", status=501)

    def remember(self, key: Any, make: Callable[[], Any], *, anew: bool = False) -> Any:
        """The result of `make`, kept while nothing is written; made anew for the first of several pages."""
        whole = (key, self.state.version, self.state.schema_version)
        if anew or whole not in self._results:
            self._results[whole] = make()
            if len(self._results) > _KEPT:
                self._results.popitem(last=False)
        self._results.move_to_end(whole)
        return self._results[whole]

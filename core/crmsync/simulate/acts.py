"""What can be asked of any simulator over its control path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from crmsync.clock import Clock, SetClock, moment, stamp
from crmsync.simulate.calls import Call
from crmsync.simulate.site import Site

Body = dict[str, Any]
Act = Callable[[Any, Any], Any]
"""Called with the site and the call; returns the body of the answer."""


def read_object(body: bytes) -> Body:
    """The JSON object of a control request, empty for an empty body; raises ValueError for anything else."""
    value = json.loads(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("the body of a control request is a JSON object")  # noqa: TRY004 - bad input, not a bad call
    return value


def move_clock(clock: Clock, wish: Mapping[str, Any]) -> str:
    """Set or advance a simulator's clock by `{"now": ISO 8601}` or `{"advance": seconds}`; returns its new time."""
    if wish and not isinstance(clock, SetClock):
        raise ValueError("this simulator runs on the machine's clock, which is not ours to set")
    if isinstance(clock, SetClock):
        if "now" in wish:
            clock.set(moment(str(wish["now"])))
        if "advance" in wish:
            clock.advance(timedelta(seconds=float(wish["advance"])))
    return stamp(clock.now())


def show_faults(site: Site, call: Call) -> Body:
    """The planted faults, and the names of what is switched off."""
    del call
    return {"faults": [one.show() for one in site.faults.planted], "disable": sorted(site.disabled)}


def _mend(site: Site, call: Call) -> Body:
    site.mend()
    return show_faults(site, call)


def _clock(site: Site, call: Call) -> Body:
    return {"now": move_clock(site.org.clock, read_object(call.body))}


def _settings(site: Site, call: Call) -> Body:
    settings = site.org.settings
    names: tuple[str, ...] = settings.__struct_fields__
    for name, value in read_object(call.body).items():
        if name not in names:
            raise ValueError(f"no setting is named {name}")
        setattr(settings, name, tuple(value) if isinstance(value, list) else value)
    return {name: getattr(settings, name) for name in names}


def _automate(site: Site, call: Call) -> Body:
    site.org.state.automation.plant(read_object(call.body))
    return {"planted": True}


def _idle(site: Site, call: Call) -> Body:
    del call
    site.org.state.automation.clear()
    return {"planted": False}


COMMON: dict[tuple[str, str], Act] = {
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("GET", "faults"): show_faults,
    ("DELETE", "faults"): _mend,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _settings,
    ("POST", "automation"): _automate,
    ("DELETE", "automation"): _idle,
}


def change_schema(org: Any, verbs: Mapping[str, Callable[[Any, Body], None]], wish: Body) -> None:
    """Do lists of changes, each list under its verb; raises ValueError for a verb that is not there."""
    for verb, wanted in wish.items():
        if verb not in verbs:
            raise ValueError(f"the schema cannot {verb}; it can {', '.join(sorted(verbs))}")
        for one in wanted:
            verbs[verb](org, dict(one))


def expire(site: Site, call: Call) -> Body:
    """End all log-ins; the answer tells how many are left."""
    del call
    site.org.sessions.expire()
    return {"left": 0}

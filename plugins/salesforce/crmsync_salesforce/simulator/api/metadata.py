"""Versions, resources, describes, limits and counts."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import msgspec

from crmsync_salesforce.simulator import describe as bodies
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal, not_found
from crmsync_salesforce.simulator.fields import ObjectType

_SEASONS = {0: "Spring", 1: "Summer", 2: "Winter"}
_FIRST_SEASON = 48  # the version of Spring '20


def versions(site: Site, call: Call) -> Reply:
    """The versions on offer, oldest first; needs no session and costs nothing."""
    del call
    site.need("versions")
    known = sorted(site.settings.versions, key=float)
    return Reply(body=[{"label": _label(one), "url": f"/services/data/v{one}", "version": one} for one in known])


def _label(version: str) -> str:
    releases = int(float(version)) - _FIRST_SEASON
    year = 20 + releases // 3 + (releases % 3 == 2)  # noqa: PLR2004 - winter carries the next year's number
    return f"{_SEASONS[releases % 3]} '{year}"


def resources(site: Site, call: Call) -> Reply:
    """The resources of a version."""
    del site
    names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "search", "recent")
    return Reply(body={name: f"{call.base}/{name}" for name in names})


def describe_global(site: Site, call: Call) -> Reply:
    """All objects the user sees."""
    return _described(site, call, ("*",), lambda: bodies.global_body(site.state, call.rights, call.version))


def describe(site: Site, call: Call, name: str) -> Reply:
    """One object in full."""
    kind = visible(site, call, name)
    return _described(site, call, (kind.name,), lambda: bodies.object_body(site.state, kind, call.rights, call.version))


def basic(site: Site, call: Call, name: str) -> Reply:
    """One object in short."""
    kind = visible(site, call, name)
    return Reply(body={"objectDescribe": bodies.summary(kind, call.rights, call.version), "recentItems": []})


def visible(site: Site, call: Call, name: str) -> ObjectType:
    """The object of a path; 404 when the user has none of that name."""
    kind = site.state.find_object(name)
    if kind is None or not call.rights.sees_object(kind.name):
        raise not_found()
    return kind


def _described(site: Site, call: Call, what: tuple[str, ...], make: Any) -> Reply:
    changed = site.state.schema_changed
    headers = {"Last-Modified": format_datetime(changed, usegmt=True)}
    if "describe_304" not in site.disabled and _unchanged(call.header("If-Modified-Since"), changed):
        return Reply(304, None, headers)
    rights = call.rights
    key = (*what, rights.user_id, rights.marketing_user, call.version, site.state.schema_revision)
    body = site.describes.get(key)
    if body is None:
        body = site.describes[key] = msgspec.json.encode(make())
    return Reply(200, body, headers)


def _unchanged(since: str, changed: datetime) -> bool:
    if not since:
        return False
    try:
        return parsedate_to_datetime(since) >= changed
    except ValueError:
        return False


def limits(site: Site, call: Call) -> Reply:
    """The org's allocations; only for users who may view the setup."""
    site.need("limits")
    if not call.rights.view_setup:
        raise Refusal("INSUFFICIENT_ACCESS", "insufficient access rights on limits", status=403)
    used, most = site.statistics.charged, site.settings.daily_limit
    daily = {
        "DailyApiRequests": (most, max(0, most - used)),
        "DailyBulkApiBatches": (15_000, 15_000),
        "DailyBulkV2QueryJobs": (10_000, max(0, 10_000 - len(site.jobs))),
        "DailyBulkV2QueryFileStorageMB": (976_562, 976_562),
        "DailyDeliveredPlatformEvents": (50_000, 50_000),
        "DataStorageMB": (1024, 1000),
        "FileStorageMB": (20_480, 20_480),
    }
    body = {name: {"Max": most, "Remaining": left} for name, (most, left) in daily.items()}
    for name, left in site.limits.items():
        body.setdefault(name, {"Max": left})["Remaining"] = left
    return Reply(body=body)


def record_count(site: Site, call: Call) -> Reply:
    """How many rows objects have, the recycle bin included; unknown objects are left out."""
    site.need("recordCount")
    asked = [one for one in call.query.get("sObjects", "").split(",") if one]
    kinds = [site.state.find_object(one) for one in asked] if asked else list(site.state.objects.values())
    counts = [
        {"count": len(site.state.tables[kind.name].by_id), "name": kind.name}
        for kind in kinds
        if kind is not None and call.rights.sees_object(kind.name)
    ]
    return Reply(body={"sObjects": counts})

"""What only this connector can tell of the credentials: log-in, version, org, rights, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crmsync.errors import RouteStopped
from crmsync.model import Finding, Level, Route
from crmsync_salesforce.errors import Faulty, Policy, translate
from crmsync_salesforce.query import encoded, text_literal
from crmsync_salesforce.rights import CONVERTED, OF_LEADS, Right, in_words, lacking, pushed
from crmsync_salesforce.session import USERINFO, SalesforceSession

VIEW_ALL = "ViewAllData"
SEEING = (
    'Grant "View All" on the synced objects, or "View All Data": a record that leaves the user\'s view looks as if it '
    "had not changed."
)
LOW = 0.1


async def check(session: SalesforceSession, routes: Sequence[Route]) -> list[Finding]:
    """Findings on the log-in as a whole, and on what single objects' rights do not tell; core looks at the objects."""
    identity, client = session.identity, session.client
    who = await _userinfo(session)
    name = who.get("preferred_username") or identity.user_name or identity.user or "an unknown user"
    found = [
        Finding(
            level=Level.OK, topic="login", message=f"{name} at {identity.address} ({session.settings.login_flow()})"
        ),
        Finding(level=Level.OK, topic="org", message=identity.org),
        Finding(level=Level.OK, topic="version", message=f"API version {client.version}"),
    ]
    user = str(who.get("user_id") or identity.user)
    if user and not client.features.plain:
        found += [*await _campaigns(session, user), *await _rights(session, user, routes)]
    await client.know_quota()
    found.append(_limits(session))
    return found


async def _userinfo(session: SalesforceSession) -> dict[str, Any]:
    try:
        answer = await session.client.get(USERINFO)
        body = msgspec.json.decode(answer.body)
    except Faulty as error:
        if error.policy in (Policy.LOGIN, Policy.STOP, Policy.QUOTA):
            raise translate(error) from error
        return {}
    except msgspec.MsgspecError:
        return {}
    return body if isinstance(body, dict) else {}


async def _campaigns(session: SalesforceSession, user: str) -> list[Finding]:
    flag = await _row(session, f"SELECT UserPermissionsMarketingUser FROM User WHERE Id = {text_literal(user)}")
    if flag is None or flag.get("UserPermissionsMarketingUser"):
        return []
    message = "The user is no marketing user: campaigns are read, and cannot be created or changed (R-142)."
    return [_warning("campaigns", message, 'Tick "Marketing User".')]


async def _rights(session: SalesforceSession, user: str, routes: Sequence[Route]) -> list[Finding]:
    """System permissions that are missing for these routes; of one that nobody can tell of nothing is said."""
    of_leads = OF_LEADS if "Lead" in pushed(routes) else {}
    further = {"PasswordNeverExpires"} if session.settings.login_flow() == "password" else set()
    held, sure = await _held(session, user, [VIEW_ALL, *of_leads, *sorted(further)])
    found = [_seeing(held, sure=sure)] if not held.get(VIEW_ALL) else []
    if held.get("PasswordNeverExpires") is False:
        message = "The password expires, and the sync stops with it."
        found.append(_warning("rights", message, 'Grant "Password Never Expires".'))
    for name, (label, without) in of_leads.items():
        wanted = [f'"{label}"'] if held.get(name) is False else []
        missing = [*wanted, *(await _to_convert(session) if name == "ConvertLeads" else [])]
        if missing:
            message = f"{without}{_unsure(sure, wanted)}."
            found.append(_warning("Lead", message, f"Grant {' and '.join(missing)}."))
    return found


def _warning(topic: str, message: str, grant: str) -> Finding:
    return Finding(level=Level.WARN, topic=topic, message=message, grant=grant)


def _unsure(sure: bool, wanted: Sequence[str]) -> str:
    return "" if sure or not wanted else ", unless a permission set grants what the profile does not"


def _seeing(held: Mapping[str, bool], *, sure: bool) -> Finding:
    if VIEW_ALL not in held:
        message = "Whether the user sees all records cannot be told. Records that it does not see are not synced."
        return Finding(level=Level.OK, topic="rights", message=message, grant=SEEING)
    message = f"The user may not see all records{_unsure(sure, [SEEING])}. Those that it does not see are not synced."
    return _warning("rights", message, SEEING)


async def _held(session: SalesforceSession, user: str, names: Sequence[str]) -> tuple[dict[str, bool], bool]:
    """Which system permissions the user has, and whether that is all: old servers tell of the profile's alone."""
    fields = [f"Permissions{one}" for one in names]
    if row := await _row(session, f"SELECT {','.join(fields)} FROM UserPermissionAccess LIMIT 1"):
        return _flags(row), True
    paths = ",".join(f"Profile.{one}" for one in fields)
    row = await _row(session, f"SELECT {paths} FROM User WHERE Id = {text_literal(user)}")
    profile = row.get("Profile") if row else None
    return (_flags(profile) if isinstance(profile, dict) else {}), False


def _flags(row: Mapping[str, Any]) -> dict[str, bool]:
    return {name.removeprefix("Permissions"): value for name, value in row.items() if isinstance(value, bool)}


async def _to_convert(session: SalesforceSession) -> list[str]:
    """The rights on objects that a conversion lacks."""
    found = []
    for obj in CONVERTED:
        try:
            missing = lacking((await session.describes.last(obj)).described, (Right.CREATE, Right.EDIT))
        except RouteStopped:
            missing = [Right.CREATE, Right.EDIT]
        if missing:
            found.append(f"{in_words(missing)} on {obj}")
    return found


async def _row(session: SalesforceSession, soql: str) -> dict[str, Any] | None:
    try:
        answer = await session.client.get(f"query?q={encoded(soql)}")
        records = msgspec.json.decode(answer.body)["records"]
    except Faulty as error:
        if error.policy in (Policy.LOGIN, Policy.STOP, Policy.QUOTA):
            raise translate(error) from error
        return None
    except (msgspec.MsgspecError, KeyError, TypeError):
        return None
    return records[0] if records else None


def _limits(session: SalesforceSession) -> Finding:
    usage, budget = session.usage(), session.client.budget
    if usage.used is None or usage.limit is None:
        return Finding(level=Level.WARN, topic="limits", message="The server tells nothing of its daily API calls.")
    left = budget.left or 0
    level = Level.WARN if left < LOW * usage.limit else Level.OK
    message = (
        f"{usage.used:,} of {usage.limit:,} API calls of the last 24 hours are used; "
        f"{left:,} are left of the share of {budget.share:.0%}"
    )
    return Finding(level=level, topic="limits", message=message)

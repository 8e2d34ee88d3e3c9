"""What only this connector can tell of the credentials: log-in, version, org, rights, limits."""

from __future__ import annotations

from typing import Any

import msgspec

from crmsync.model import Finding, Level
from crmsync_salesforce.errors import Faulty, Policy, translate
from crmsync_salesforce.query import encoded, text_literal
from crmsync_salesforce.session import USERINFO, SalesforceSession

NEEDED = {
    "PermissionsApiEnabled": "API Enabled",
}
ADVISED = {
    "PermissionsViewAllData": 'Grant "View All" on the synced objects, or "View All Data": a record that leaves the '
    "user's view looks as if it had not changed.",
    "PermissionsConvertLeads": 'Grant "Convert Leads", if leads are to be converted from the marketing side.',
    "PermissionsEditTask": 'Grant "Edit Tasks".',
    "PermissionsEditEvent": 'Grant "Edit Events".',
    "PermissionsPasswordNeverExpires": 'Grant "Password Never Expires", if user name and password are used.',
}
LOW = 0.1


async def check(session: SalesforceSession) -> list[Finding]:
    """Findings on the log-in as a whole; the objects are looked at by core."""
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
    found += await _user(session, str(who.get("user_id") or identity.user))
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


async def _user(session: SalesforceSession, user: str) -> list[Finding]:
    if not user or session.client.features.plain:
        return []
    found = []
    flag = await _row(session, f"SELECT UserPermissionsMarketingUser FROM User WHERE Id = {text_literal(user)}")
    if flag is not None and not flag.get("UserPermissionsMarketingUser"):
        message = "The user is no marketing user: campaigns are read, and cannot be created or changed (R-142)."
        found.append(Finding(level=Level.WARN, topic="campaigns", message=message, grant='Tick "Marketing User".'))
    names = ",".join(f"Profile.{one}" for one in (*NEEDED, *ADVISED))
    rights = await _row(session, f"SELECT {names} FROM User WHERE Id = {text_literal(user)}")
    profile = rights.get("Profile") if rights else None
    if not isinstance(profile, dict):
        message = "Whether the user sees all records cannot be told. Records that it does not see are not synced."
        grant = ADVISED["PermissionsViewAllData"]
        return [*found, Finding(level=Level.OK, topic="rights", message=message, grant=grant)]
    for key, grant in ADVISED.items():
        if profile.get(key) is False:
            message = f"The profile has no {key.removeprefix('Permissions')}; a permission set may grant it."
            found.append(Finding(level=Level.WARN, topic="rights", message=message, grant=grant))
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

"""Logging in over HTTP: the token endpoint, the browser's authorize page, and who a session belongs to."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlencode

from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.sessions import Form, LoginRefused


def token(site: Site, call: Call) -> Reply:
    """Exchange credentials of any flow for an access token."""
    try:
        answer = site.org.sessions.grant(_form(call), call.header("Host").lower())
    except LoginRefused as refusal:
        return Reply(400, refusal.body)
    return Reply(body={**answer, "instance_url": call.url})


def _form(call: Call) -> Form:
    form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    kind, _, value = call.header("Authorization").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return form
        form |= {"client_id": name, "client_secret": secret}
    return form


def authorize(site: Site, call: Call) -> Reply:
    """Send the browser back at once with a code, as if the user had logged in and clicked Allow."""
    asked = call.query
    redirect = asked.get("redirect_uri", "")
    answer = {"state": asked["state"]} if "state" in asked else {}
    if asked.get("client_id") != site.org.sessions.client_id:
        return Reply(400, {"error": "invalid_client_id", "error_description": "client identifier invalid"})
    if asked.get("response_type") != "code":
        answer |= {"error": "unsupported_response_type", "error_description": "response type must be code"}
    else:
        challenge = asked.get("code_challenge")
        answer["code"] = site.org.sessions.authorize(redirect, challenge, asked.get("login_hint"))
    joint = "&" if "?" in redirect else "?"
    return Reply(302, None, {"Location": f"{redirect}{joint}{urlencode(answer)}"})


def revoke(site: Site, call: Call) -> Reply:
    """End a session or a refresh token."""
    given = _form(call).get("token", "")
    site.org.sessions.issued.pop(given, None)
    site.org.sessions.refresh.pop(given, None)
    return Reply(200)


def userinfo(site: Site, call: Call) -> Reply:
    """Who the session belongs to."""
    rights, organization = call.rights, site.org.sessions.organization
    user = site.org.get("User", rights.user_id) or {}
    return Reply(
        body={
            "sub": f"https://login.salesforce.com/id/{organization}/{rights.user_id}",
            "user_id": rights.user_id,
            "organization_id": organization,
            "preferred_username": rights.username,
            "email": user.get("Email"),
            "name": user.get("Name"),
            "zoneinfo": user.get("TimeZoneSidKey"),
            "locale": user.get("LocaleSidKey"),
            "language": user.get("LanguageLocaleKey"),
            "user_type": "STANDARD",
            "active": user.get("IsActive"),
            "is_app_installed": True,
            "urls": {
                "rest": f"{call.url}/services/data/v{{version}}/",
                "query": f"{call.url}/services/data/v{{version}}/query/",
            },
            "updated_at": str(user.get("SystemModstamp")),
        }
    )

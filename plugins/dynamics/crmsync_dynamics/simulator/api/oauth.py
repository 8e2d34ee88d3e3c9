"""Logging in over HTTP: the token endpoint of the identity service, with the secret or a certificate of an app."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, unquote

import jwt

from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.sessions import LoginRefused

Form = dict[str, str]
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_JSON = "application/json; charset=utf-8"


def token(site: Site, call: Call, tenant: str) -> Reply:
    """Exchange the credentials of an app for an access token."""
    try:
        user = _grant(site, call, _form(call), tenant)
    except LoginRefused as refusal:
        return Reply(refusal.status, _refusal(site, refusal), content_type=_JSON)
    given = site.org.sessions.open(user)
    seconds = site.settings.token_seconds
    body = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": given.text}
    return Reply(body=body, headers={"Cache-Control": "no-store"}, content_type=_JSON)


def _form(call: Call) -> Form:
    form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    kind, _, value = call.header("Authorization").partition(" ")
    if kind.lower() == "basic":
        name, _, secret = base64.b64decode(value).decode("utf-8", "replace").partition(":")
        form |= {"client_id": unquote(name), "client_secret": unquote(secret)}
    return form


def _grant(site: Site, call: Call, form: Form, tenant: str) -> User:
    if tenant != site.org.sessions.tenant_id:
        raise LoginRefused("invalid_request", 90002, f"Tenant '{tenant}' not found.")
    if form.get("grant_type") != "client_credentials":
        raise LoginRefused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    if form.get("scope") != f"{call.url}/.default":
        raise LoginRefused("invalid_scope", 70011, f"The provided value for scope {form.get('scope')} is not valid.")
    user = next((one for one in site.state.users.values() if one.client_id == form.get("client_id")), None)
    if user is None:
        text = f"Application with identifier '{form.get('client_id')}' was not found in the directory."
        raise LoginRefused("unauthorized_client", 700016, text)
    _prove(site, call, form, user)
    return user


def _prove(site: Site, call: Call, form: Form, user: User) -> None:
    if form.get("client_assertion_type") == _ASSERTION:
        _check_assertion(site, call, form.get("client_assertion", ""), user)
    elif "client_secret" not in form:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise LoginRefused("invalid_client", 7000218, text, 401)
    elif form["client_secret"] != user.client_secret:
        raise LoginRefused("invalid_client", 7000215, "Invalid client secret provided.", 401)
    elif site.settings.secret_expired:
        raise LoginRefused("invalid_client", 7000222, "The provided client secret keys are expired.", 401)


def _check_assertion(site: Site, call: Call, text: str, user: User) -> None:
    audience = f"{call.url}/{site.org.sessions.tenant_id}/oauth2/v2.0/token"
    problem = _problem(site, text, audience, user.client_id)
    if problem:
        raise LoginRefused(
            "invalid_client", 700027, f"Client assertion contains an invalid signature. [{problem}]", 401
        )


def _problem(site: Site, text: str, audience: str, client_id: str) -> str:
    """Why an assertion does not prove who the app is; empty if it does."""
    pem = site.org.sessions.certificate
    if pem is None:
        return "no certificate is registered with the app"
    try:
        head, claims = jwt.get_unverified_header(text), _claims(pem, text, audience)
    except jwt.InvalidTokenError as error:
        return str(error)
    if {claims["iss"], claims["sub"]} != {client_id} or not head.keys() & {"x5t", "x5t#S256"}:
        return "the assertion is not of this app"
    return "" if claims["exp"] > site.state.now().timestamp() else "the assertion has expired"


def _claims(pem: str, text: str, audience: str) -> dict[str, Any]:
    from cryptography import x509  # noqa: PLC0415 - only a log-in with a certificate needs it

    key: Any = x509.load_pem_x509_certificate(pem.encode()).public_key()
    # The times in it are judged by the environment's clock, and not by the machine's.
    options: Any = {
        "require": ["exp", "iss", "sub", "jti"],
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
    claims: dict[str, Any] = jwt.decode(text, key, algorithms=["RS256", "PS256"], audience=audience, options=options)
    return claims


def _refusal(site: Site, refusal: LoginRefused) -> dict[str, Any]:
    moment = f"{site.state.now():%Y-%m-%d %H:%M:%SZ}"
    trace = "00000000-0000-4000-a000-000000000001"
    return {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.number}: {refusal.text}\r\nTrace ID: {trace}\r\nTimestamp: {moment}",
        "error_codes": [refusal.number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={refusal.number}",
    }

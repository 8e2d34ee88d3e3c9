"""Logging in: the token flows, one renewal for all who wait, and where a token answer may send us."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct, field
from pydantic import SecretStr

from crmsync.clock import Clock
from crmsync.connectors.rotating import Rotating
from crmsync.errors import CrmsyncError, Denied, RetryLater, SettingsError
from crmsync.http import HttpClient, Response, checked, is_loopback
from crmsync.pacing import SingleFlight
from crmsync_salesforce.settings import SalesforceSettings

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
REFRESH = "refresh_token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 180
VENDOR = (".salesforce.com", ".force.com", ".salesforce.mil", ".sfcrmapps.cn", ".cloudforce.com", ".crmforce.mil")
_OK, _SERVER = 200, 500
_NO_ORG = frozenset({404, 405, 410})

_HINTS: tuple[tuple[str, str], ...] = (
    ("request not supported on this domain", "Client credentials need the My Domain address as url."),
    ("authentication failure", "Check user name, password and token; is the user active and the login flow allowed?"),
    ("audience", 'A sandbox needs sandbox = true or audience = "https://test.salesforce.com".'),
    ("hasn't approved", "Pre-authorise the user for the connected app (permission set or profile)."),
    ("expired access/refresh token", "The refresh token was revoked or used up: run `crmsync init` to log in again."),
    ("invalid authorization code", "The code was used twice; run `crmsync init` again."),
    ("expired authorization code", "Is this machine's clock right?"),
    ("assertion", "Does private_key belong to the certificate of the app, and is this machine's clock right?"),
    ("client identifier invalid", "Check client_id; a new app needs about ten minutes, and sandboxes have their own."),
    ("invalid client credentials", "Check client_secret."),
    ("grant type not supported", "Is url an https address, and does the org allow this flow?"),
    ("inactive_user", "The user is inactive."),
    ("inactive_org", "The org is inactive."),
)  # fmt: skip
_LATER = frozenset({"rate_limit_exceeded", "server_error", "temporarily_unavailable"})
_SKEW = ("expired", "assertion", "not yet valid")


class Token(Struct, frozen=True):
    """A session: its secret, where it is good, and who it is."""

    secret: SecretStr
    instance: str
    identity: str = ""  # the vendor's identity URL
    since: float = field(default_factory=time.monotonic)

    @property
    def ids(self) -> tuple[str, str]:
        """Organisation and user id; what can be told of them."""
        parts = urlsplit(self.identity).path.strip("/").split("/")
        if len(parts) >= 3 and parts[-3] == "id":  # noqa: PLR2004 - id/organisation/user
            return parts[-2], parts[-1]
        org, mark, _ = self.secret.get_secret_value().partition("!")
        return (org, "") if mark and org.startswith("00D") else ("", "")


class Auth(Struct, kw_only=True):
    """Gives out the session's token and renews it. `vault` keeps a refresh token that was rotated."""

    settings: SalesforceSettings
    http: HttpClient
    clock: Clock
    vault: MutableMapping[str, str]
    logins: int = 0
    _token: Token | None = None
    _flight: SingleFlight[Token] = field(default_factory=SingleFlight)
    _skew: timedelta = timedelta()

    async def token(self) -> Token:
        """The token in use; the first call logs in. Raises Denied, RetryLater, SettingsError."""
        return self._token or await self._flight.run(self._login)

    async def renew(self, stale: Token) -> Token:
        """A token other than `stale`: one login, however many ask. Raises Denied where there is no other."""
        if self._token is not None and self._token is not stale:
            return self._token
        if self.settings.login_flow() == "session":
            raise Denied("The session in access_token has ended.", hint="Set credentials that can log in.")
        return await self._flight.run(self._login)

    async def _login(self) -> Token:
        flow = self.settings.login_flow()
        if flow == "session":
            assert self.settings.access_token is not None
            self._token = Token(self.settings.access_token, self.http.allow(self.settings.login_url))
            return self._token
        response = await self._post(self._form(flow))
        if response.status != _OK and flow == "jwt" and self._clock_was_wrong(response):
            response = await self._post(self._form(flow))
        self._token = self._accept(response, flow)
        self.logins += 1
        return self._token

    async def _post(self, form: dict[str, str]) -> Response:
        url = f"{self.http.allow(self.settings.login_url)}{TOKEN_PATH}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return await self.http.request("POST", url, headers=headers, body=urlencode(form).encode(), repeatable=True)

    def _form(self, flow: str) -> dict[str, str]:
        s = self.settings
        if flow == "jwt":
            return {"grant_type": JWT_GRANT, "assertion": self._assertion()}
        form = {"grant_type": flow, "client_id": s.client_id or ""}
        if s.client_secret is not None:
            form["client_secret"] = s.client_secret.get_secret_value()
        if flow == REFRESH:
            form[REFRESH] = self._rotating.newest
        if flow == "password":
            token = s.security_token.get_secret_value() if s.security_token else ""
            form |= {"username": s.username or "", "password": (s.password or SecretStr("")).get_secret_value() + token}
        return form

    @property
    def _rotating(self) -> Rotating:
        return Rotating(REFRESH, self.settings.refresh_token, self.vault)

    def _assertion(self) -> str:
        s = self.settings
        now = self.clock.now() + self._skew
        audience = s.audience or (
            "https://test.salesforce.com" if self._is_sandbox() else "https://login.salesforce.com"
        )
        claims = {
            "iss": s.client_id,
            "sub": s.username,
            "aud": audience,
            "exp": int(now.timestamp()) + ASSERTION_SECONDS,
        }
        from crmsync_salesforce.signing import signed  # noqa: PLC0415 - a tenth of a sync's start, for one flow

        word = s.private_key_password.get_secret_value().encode() if s.private_key_password else None
        return signed(claims, self._key(), word)

    def _key(self) -> bytes:
        s = self.settings
        if s.private_key is not None:
            return s.private_key.get_secret_value().encode()
        assert s.private_key_file is not None
        try:
            return s.private_key_file.read_bytes()
        except OSError as error:
            raise SettingsError(f"private_key_file {str(s.private_key_file)!r} cannot be read.") from error

    def _is_sandbox(self) -> bool:
        host = urlsplit(self.settings.login_url).hostname or ""
        return self.settings.sandbox or host.startswith("test.") or ".sandbox." in host or "--" in host.split(".")[0]

    def _clock_was_wrong(self, response: Response) -> bool:
        _, said = _read_error(response)
        there = response.date
        if there is None or not any(word in said.lower() for word in _SKEW):
            return False
        skew = there - self.clock.now()
        if abs(skew - self._skew) < timedelta(seconds=30):
            return False
        self._skew = skew
        return True

    def _accept(self, response: Response, flow: str) -> Token:
        if response.status != _OK:
            raise _refused(response)
        try:
            body = msgspec.json.decode(response.body, type=dict[str, Any])
            secret, instance = str(body["access_token"]), str(body.get("instance_url") or self.settings.login_url)
        except (msgspec.MsgspecError, KeyError) as error:
            host = urlsplit(self.settings.login_url).hostname
            raise Denied(
                f"{host} answered the log-in with something else than a token.", hint="Is url right?"
            ) from error
        if flow == REFRESH:
            self._rotating.replace(body.get(REFRESH))
        return Token(SecretStr(secret), self._instance(instance), str(body.get("id") or ""))

    def _instance(self, address: str) -> str:
        host = urlsplit(address).hostname
        try:
            checked(address)
        except SettingsError as error:
            raise Denied(f"The log-in answered with the address {host}, which is not spoken to: {error}") from error
        ours = urlsplit(self.settings.login_url).hostname or ""
        if not trusted(host or "", ours):
            raise Denied(
                f"The log-in at {ours} answered with the address {host}, which is no address of the vendor.",
                hint="Nothing was sent there. Is url right?",
            )
        return self.http.allow(address)


def trusted(host: str, ours: str) -> bool:
    """Whether a token answer of `ours` may send us to `host`: the vendor's, the same, or loopback from loopback."""
    host = host.lower().rstrip(".")
    if is_loopback(host) or is_loopback(ours):
        return is_loopback(host) and is_loopback(ours)
    return host == ours.lower() or host.endswith(VENDOR)


def _read_error(response: Response) -> tuple[str, str]:
    try:
        body = msgspec.json.decode(response.body)
    except msgspec.MsgspecError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("error") or ""), str(body.get("error_description") or "")


def _refused(response: Response) -> CrmsyncError:
    code, said = _read_error(response)
    host = urlsplit(response.url).hostname
    if not code and response.status in _NO_ORG:
        raise SettingsError(
            f"{host} is no address of an org: it knows no log-in (HTTP {response.status}).", hint="Is url right?"
        )
    if not code and (response.html or response.status >= _SERVER):
        return RetryLater(
            f"{host} answered the log-in with HTTP {response.status} and no token.",
            hint="A proxy, a maintenance page, or url is not the address of an org.",
            code=f"HTTP_{response.status}",
            retry_after=response.retry_after,
        )
    if code in _LATER or response.status >= _SERVER:
        return RetryLater(
            f"{host} cannot log in just now: {said or code}.", code=code, retry_after=response.retry_after
        )
    text = f"{code} {said}".lower()
    hint = next((hint for sign, hint in _HINTS if sign in text), "")
    reason = f"{code}: {said}" if said else code or f"HTTP {response.status}"
    return Denied(f"{host} refused the log-in: {reason}.", hint=hint, code=code)

"""Logging in: the token flows, one renewal for all who wait, and what a refused log-in means."""

from __future__ import annotations

import time
import uuid
from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct, field
from pydantic import SecretStr

from crmsync.clock import Clock
from crmsync.connectors.rotating import Rotating
from crmsync.errors import CrmsyncError, Denied, RetryLater, SettingsError
from crmsync.http import HttpClient, Response
from crmsync.pacing import SingleFlight
from crmsync_dynamics.settings import DynamicsSettings

REFRESH = "refresh_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 300
EARLY = timedelta(minutes=5)
"""How long before its end a token is renewed; of one with a short life, a tenth of that."""
_OK, _SERVER, _TOO_MANY = 200, 500, 429

_HINTS: dict[int, str] = {
    7000215: "client_secret is wrong: it is the secret's value that is needed, not its id.",
    7000222: "The secret or certificate has expired: make a new one in the app registration and set it here.",
    700016: "The application is not in this tenant: check client_id and tenant_id.",
    700027: "certificate_file does not belong to the app registration, or its certificate is not uploaded there.",
    7000218: "Neither secret nor certificate was sent: set client_secret or certificate_file.",
    70011: "The scope was refused: is url the address of the environment, with nothing behind its host?",
    500011: "The tenant does not know this environment: check url and tenant_id.",
    900144: "Something is missing in the log-in: check tenant_id and client_id.",
    90002: "The tenant was not found: check tenant_id.",
    50126: "User name or password is wrong.",
    50076: "Multi-factor authentication is demanded: log in as an application (client_id and client_secret).",
    50079: "Multi-factor authentication is demanded: log in as an application (client_id and client_secret).",
    700082: "The refresh token has expired: log in again and set a new one.",
    50173: "The refresh token was revoked: log in again and set a new one.",
}
"""What to do, by the number that comes with a refusal; the vendor may change these, so nothing depends on them."""
_LATER = frozenset({"temporarily_unavailable", "server_error"})


class Token(Struct, frozen=True):
    """A token and when it is to be renewed."""

    secret: SecretStr | None
    until: datetime | None = None  # by the engine's clock
    since: float = field(default_factory=time.monotonic)

    @property
    def header(self) -> dict[str, str]:
        """What a request carries."""
        return {"Authorization": f"Bearer {self.secret.get_secret_value()}"} if self.secret else {}


class Auth(Struct, kw_only=True):
    """Gives out the token and renews it. `vault` keeps a refresh token that was replaced."""

    settings: DynamicsSettings
    http: HttpClient  # of its own: a token is never sent where tokens are asked for
    clock: Clock
    vault: MutableMapping[str, str]
    logins: int = 0
    _token: Token | None = None
    _flight: SingleFlight[Token] = field(default_factory=SingleFlight)

    async def token(self) -> Token:
        """The token in use; the first call logs in, and one that is about to end is renewed. Raises ours."""
        held = self._token
        if held is not None and (held.until is None or self.clock.now() < held.until):
            return held
        return await self._flight.run(self._login)

    async def renew(self, stale: Token) -> Token:
        """A token other than `stale`: one log-in, however many ask. Raises Denied where there is no other."""
        if self._token is not None and self._token is not stale:
            return self._token
        flow = self.settings.login_flow()
        if flow in ("access_token", "none"):
            said = "The token in access_token has ended." if flow == "access_token" else "The server wants a log-in."
            raise Denied(said, hint="Set credentials that can log in.")
        return await self._flight.run(self._login)

    async def _login(self) -> Token:
        flow = self.settings.login_flow()
        if flow in ("access_token", "none"):
            self._token = Token(self.settings.access_token if flow == "access_token" else None)
            return self._token
        if flow == "managed_identity":
            self._token = await self._managed()
        else:
            self._token = self._accept(await self._post(self._form(flow)), flow)
        self.logins += 1
        return self._token

    async def _post(self, form: dict[str, str]) -> Response:
        address = self.settings.token_address
        self.http.allow(address)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        body = urlencode(form).encode()
        return await self.http.request("POST", address, headers=headers, body=body, repeatable=True)

    def _form(self, flow: str) -> dict[str, str]:
        given = self.settings
        form = {"client_id": given.client_id or "", "scope": self._scope}
        if given.client_secret is not None and flow != "certificate":
            form["client_secret"] = given.client_secret.get_secret_value()
        if flow == REFRESH:
            return form | {"grant_type": REFRESH, REFRESH: self._rotating.newest}
        if flow == "certificate":
            form |= {"client_assertion_type": ASSERTION, "client_assertion": self._assertion()}
        return form | {"grant_type": "client_credentials"}

    @property
    def _scope(self) -> str:
        if self.settings.login_flow() == REFRESH:
            return f"{self.settings.address}/user_impersonation offline_access"
        return f"{self.settings.address}/.default"

    @property
    def _rotating(self) -> Rotating:
        return Rotating(REFRESH, self.settings.refresh_token, self.vault)

    def _assertion(self) -> str:
        from crmsync_dynamics.certificate import assertion  # noqa: PLC0415 - most environments are reached without

        now = int(self.clock.now().timestamp())
        claims = {
            "aud": self.settings.token_address, "iss": self.settings.client_id, "sub": self.settings.client_id,
            "jti": str(uuid.uuid4()), "nbf": now - 60, "exp": now + ASSERTION_SECONDS,
        }  # fmt: skip
        return assertion(self.settings, claims)

    async def _managed(self) -> Token:
        try:
            from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise SettingsError(
                "flow = managed_identity needs a package that is not installed.",
                hint='Install "crmsync-dynamics[managed-identity]".',
            ) from error
        credential = ManagedIdentityCredential(client_id=self.settings.client_id)
        try:
            found = await credential.get_token(self._scope)
        except Exception as error:
            raise Denied(f"This machine's identity was refused: {type(error).__name__}.") from error
        finally:
            await credential.close()
        return self._dated(found.token, found.expires_on - self.clock.now().timestamp())

    def _accept(self, response: Response, flow: str) -> Token:
        host = urlsplit(self.settings.token_address).hostname
        if response.status != _OK:
            raise _refused(response, host or "")
        try:
            body = msgspec.json.decode(response.body, type=dict[str, Any])
            token = self._dated(str(body["access_token"]), float(body.get("expires_in") or 0))
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            said = f"{host} answered the log-in with something else than a token."
            raise Denied(said, hint="Are authority and token_url right?") from error
        if flow == REFRESH:
            self._rotating.replace(body.get(REFRESH))
        return token

    def _dated(self, secret: str, seconds: float) -> Token:
        if seconds <= 0:
            return Token(SecretStr(secret))
        life = timedelta(seconds=seconds)
        return Token(SecretStr(secret), self.clock.now() + life - min(EARLY, life / 10))


def _read_error(response: Response) -> tuple[str, str, int]:
    """The kind of a refusal, what it says in one line, and its number."""
    try:
        body = msgspec.json.decode(response.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return "", "", 0
    said = str(body.get("error_description") or "").splitlines() or [""]
    numbers = body.get("error_codes")
    number = numbers[0] if isinstance(numbers, list) and numbers and isinstance(numbers[0], int) else 0
    return str(body.get("error") or ""), said[0].rstrip("."), number


def _refused(response: Response, host: str) -> CrmsyncError:
    kind, said, number = _read_error(response)
    if kind in _LATER or response.status >= _SERVER or response.status == _TOO_MANY:
        return RetryLater(
            f"{host} cannot log in just now: {said or kind or f'HTTP {response.status}'}.",
            code=kind or f"HTTP_{response.status}",
            retry_after=response.retry_after,
        )
    if not kind:
        said = f"{host} answered the log-in with HTTP {response.status} and no token."
        return SettingsError(said, hint="Are authority, tenant_id and token_url right?")
    hint = _HINTS.get(number, "Check tenant_id, client_id and the secret.")
    return Denied(f"{host} refused the log-in: {kind}{f': {said}' if said else ''}.", hint=hint, code=kind)

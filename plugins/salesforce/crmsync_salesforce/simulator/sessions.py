"""Logging in: the token flows, how long a session lives by the org's clock, and what each flow refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct, field

from crmsync_salesforce.simulator.access import Rights
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.state import State

Form = dict[str, str]
LONGEST_ASSERTION = 300
LONGEST_CODE = 600


class LoginRefused(Exception):
    """The token endpoint says no, in its own shape."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.body = {"error": error, "error_description": description}


class Session(Struct):
    """One access token's life; it is renewed by use."""

    token: str
    rights: Rights
    until: float


class Code(Struct):
    """An authorisation code waiting to be exchanged."""

    user_id: str
    redirect: str
    challenge: str | None
    until: float


class Sessions(Struct):
    """Every token the org has given out."""

    state: State
    seed: int
    client_id: str = ""
    client_secret: str = ""
    issued: dict[str, Session] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        """Make the app's own credentials out of the seed."""
        self._random = random.Random(f"{self.seed}:sessions")
        self.client_id = f"3MVG9{self._secret(40)}"
        self.client_secret = self._secret(32)

    def _secret(self, digits: int) -> str:
        return f"{self._random.getrandbits(digits * 4):0{digits}X}"

    @property
    def organization(self) -> str:
        """The org's id."""
        return next(iter(self.state.tables["Organization"].by_id))

    def open(self, rights: Rights) -> Session:
        """A new session for a user."""
        if not rights.api_enabled:
            raise LoginRefused("inactive_user", "user is inactive")
        token = f"{self.organization[:15]}!AQ{self._secret(40)}"
        session = Session(token, rights, self._now() + self.state.settings.session_seconds)
        self.issued[token] = session
        return session

    def check(self, token: str | None) -> Session:
        """The live session of a token, renewed; raises INVALID_SESSION_ID otherwise."""
        session = self.issued.get(token or "")
        if session is None or session.until <= self._now():
            raise Refusal("INVALID_SESSION_ID", "Session expired or invalid")
        session.until = self._now() + self.state.settings.session_seconds
        return session

    def expire(self) -> None:
        """End every session at once."""
        self.issued.clear()

    def _now(self) -> float:
        return self.state.now().timestamp()

    def grant(self, form: Form, host: str) -> dict[str, Any]:
        """The answer of the token endpoint to a form; raises LoginRefused."""
        kind = form.get("grant_type", "")
        extra: dict[str, Any] = {}
        if kind == "client_credentials":
            rights = self._by_app(form, host)
        elif kind == "password":
            rights = self._by_password(form)
        elif kind == "refresh_token":
            rights, extra = self._by_refresh(form)
        elif kind == "authorization_code":
            rights, extra = self._by_code(form)
        elif kind == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self._answer(self._by_assertion(form), signed=False)
        else:
            raise LoginRefused("unsupported_grant_type", "grant type not supported")
        return self._answer(rights, signed=True) | extra

    def _answer(self, rights: Rights, *, signed: bool) -> dict[str, Any]:
        session = self.open(rights)
        identity = f"https://login.salesforce.com/id/{self.organization}/{rights.user_id}"
        body: dict[str, Any] = {"access_token": session.token, "id": identity, "token_type": "Bearer", "scope": "api"}
        if signed:
            issued = str(int(self._now() * 1000))
            mark = hmac.digest(self.client_secret.encode(), (identity + issued).encode(), hashlib.sha256)
            body |= {"issued_at": issued, "signature": base64.b64encode(mark).decode()}
        return body

    def _check_client(self, form: Form, *, secret: bool = True) -> None:
        if form.get("client_id") != self.client_id:
            raise LoginRefused("invalid_client_id", "client identifier invalid")
        if secret and form.get("client_secret") != self.client_secret:
            raise LoginRefused("invalid_client", "invalid client credentials")

    def _by_app(self, form: Form, host: str) -> Rights:
        if host.startswith(("login.", "test.")):
            raise LoginRefused("invalid_grant", "request not supported on this domain")
        self._check_client(form)
        return self.state.rights[self.state.people.integration]

    def by_name(self, username: str, password: str) -> Rights:
        """The user of a name, with password and security token written together."""
        for rights in self.state.rights.values():
            given = rights.password + rights.security_token
            if rights.username == username and password == given:
                return rights
        raise LoginRefused("invalid_grant", "authentication failure")

    def _by_password(self, form: Form) -> Rights:
        self._check_client(form)
        return self.by_name(form.get("username", ""), form.get("password", ""))

    def _by_refresh(self, form: Form) -> tuple[Rights, dict[str, Any]]:
        self._check_client(form, secret="client_secret" in form)
        token = form.get("refresh_token", "")
        user = self.refresh.get(token)
        if user is None:
            raise LoginRefused("invalid_grant", "expired access/refresh token")
        if not self.state.settings.rotate_refresh_tokens:
            return self.state.rights[user], {}
        del self.refresh[token]
        for old in [key for key, one in self.issued.items() if one.rights.user_id == user]:
            del self.issued[old]
        return self.state.rights[user], {"refresh_token": self._refresh_token(user)}

    def _refresh_token(self, user: str) -> str:
        token = f"5Aep{self._secret(48)}"
        self.refresh[token] = user
        return token

    def authorize(self, redirect: str, challenge: str | None, username: str | None) -> str:
        """A code for the browser flow, as if the user had clicked Allow."""
        known = [one for one in self.state.rights.values() if one.username == username]
        user = known[0].user_id if known else self.state.people.integration
        code = f"aPrx{self._secret(48)}"
        self.codes[code] = Code(user, redirect, challenge, self._now() + LONGEST_CODE)
        return code

    def _by_code(self, form: Form) -> tuple[Rights, dict[str, Any]]:
        self._check_client(form, secret="client_secret" in form)
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.redirect != form.get("redirect_uri", ""):
            raise LoginRefused("invalid_grant", "invalid authorization code")
        if code.until <= self._now():
            raise LoginRefused("invalid_grant", "expired authorization code")
        if code.challenge is not None:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
                raise LoginRefused("invalid_grant", "invalid code verifier")
        return self.state.rights[code.user_id], {"refresh_token": self._refresh_token(code.user_id)}

    def _by_assertion(self, form: Form) -> Rights:
        claims = self._claims(form.get("assertion", ""))
        if claims.get("iss") != self.client_id:
            raise LoginRefused("invalid_client_id", "client identifier invalid")
        audience = str(claims.get("aud", ""))
        if audience.rstrip("/") not in {"https://login.salesforce.com", "https://test.salesforce.com"}:
            raise LoginRefused("invalid_grant", "audience is invalid")
        left = float(claims.get("exp", 0)) - self._now()
        if not 0 < left <= LONGEST_ASSERTION:
            raise LoginRefused("invalid_grant", "expired authorization code")
        for rights in self.state.rights.values():
            if rights.username == claims.get("sub"):
                return rights
        raise LoginRefused("invalid_grant", "user hasn't approved this consumer")

    def _claims(self, assertion: str) -> dict[str, Any]:
        head, _, rest = assertion.partition(".")
        body, _, mark = rest.partition(".")
        try:
            self._verify(f"{head}.{body}".encode(), _decode(mark))
            claims = json.loads(_decode(body))
        except (ValueError, InvalidSignature) as error:
            raise LoginRefused("invalid_grant", "invalid assertion") from error
        return claims if isinstance(claims, dict) else {}

    def _verify(self, signed: bytes, mark: bytes) -> None:
        pem = self.state.settings.certificate
        if pem is None:
            raise LoginRefused("invalid_grant", "no certificate is registered for this app")
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise LoginRefused("invalid_grant", "the registered certificate has no RSA key")
        key.verify(mark, signed, padding.PKCS1v15(), SHA256())


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

"""Access tokens: who gets one, for how long it is good, and what is said to those who have none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from crmsync_dynamics.simulator import ids
from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.state import State


class LoginRefused(Exception):
    """The token endpoint refuses: the OAuth error, its number, and the text that goes with it."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(f"{error}: AADSTS{number}")
        self.error, self.number, self.text, self.status = error, number, text, status


@dataclass(frozen=True, slots=True)
class Token:
    """One bearer token of a user."""

    text: str = field(repr=False)
    user: User
    until: datetime


class Sessions:
    """All tokens that were given out; `certificate` is the PEM text registered with the app, if any."""

    def __init__(self, state: State, seed: int) -> None:
        self._state = state
        self._draw = ids.draw(f"tokens {seed}")
        self._tokens: dict[str, Token] = {}
        self.tenant_id = next(ids.draw(f"tenant {seed}"))
        self.issued = 0
        self.certificate: str | None = None

    def open(self, user: User, seconds: float | None = None) -> Token:
        """A new token for a user."""
        lasting = self._state.settings.token_seconds if seconds is None else seconds
        text = f"eyJ0eXAiOiJKV1QifQ.{UUID(next(self._draw)).hex}.{UUID(next(self._draw)).hex}"
        token = Token(text, user, self._state.now() + timedelta(seconds=lasting))
        self._tokens[text] = token
        self.issued += 1
        return token

    def check(self, text: str) -> User:
        """The user of a bearer token that is good; raises KeyError for any other, and what an unfit user is told."""
        token = self._tokens[text]
        if token.until <= self._state.now():
            raise KeyError(text)
        user = token.user
        if not user.member:
            raise Refusal("0x80072560", "The user is not a member of the organization.")
        if user.disabled:
            raise Refusal("0x8004a112", f"The user with id {user.user_id} is disabled.")
        if not user.roles:
            raise Refusal("0x80042f09", f"The user with id {user.user_id} has not been assigned any roles.")
        return user

    def whose(self, header: str) -> str:
        """The id of the user whose bearer token a header has, for counting; the header itself for nobody's."""
        token = self._tokens.get(header.partition(" ")[2].strip())
        return token.user.user_id if token is not None else header

    def expire(self) -> None:
        """End every token."""
        self._tokens.clear()

"""A secret that a vendor replaces while it is used: the newest is kept, and what the user sets anew goes before it."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Rotating:
    """The secret of a setting, and what came in its place, which is kept in the vault under its name."""

    name: str
    given: SecretStr | None
    vault: MutableMapping[str, str] = field(repr=False)

    @property
    def newest(self) -> str:
        """The secret to be used now; empty where there is none."""
        mark, _, kept = self.vault.get(self.name, "").partition(":")
        # One that the user has set anew since goes before the one that came from its predecessor.
        return kept if kept and mark == self._mark else self._secret

    def replace(self, renewed: object) -> None:
        """Keep what the vendor gave in its place; anything but a text that is not empty changes nothing."""
        if isinstance(renewed, str) and renewed:
            self.vault[self.name] = f"{self._mark}:{renewed}"

    @property
    def _secret(self) -> str:
        return self.given.get_secret_value() if self.given is not None else ""

    @property
    def _mark(self) -> str:
        """A short sign of a secret that tells nothing of it, to see whether it was changed."""
        return sha256(b"crmsync:" + self._secret.encode()).hexdigest()[:16]

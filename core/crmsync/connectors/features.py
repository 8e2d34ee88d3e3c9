"""What a server offers. What turns out to be missing is told once and done another way from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from msgspec import Struct, field


class Features(Struct):
    """Abilities of the server by name; one that nobody has missed yet is believed in.

    A connector's own class says what each ability is and what is done without it, as the rest of a sentence.
    """

    instead: ClassVar[Mapping[str, str]] = {}
    warn: Callable[[str], None] = lambda _: None
    missing: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Whether the ability may be used."""
        return name not in self.missing

    def miss(self, name: str, why: str = "") -> None:
        """Note that the ability is not there, and tell once what is done instead."""
        if name not in self.missing:
            self.missing.add(name)
            self.warn(f"The server {self.instead[name]}." + (f" ({why})" if why else ""))

"""What an administrator of a simulated CRM has set up to happen on a save: rules, field updates, triggers, locks.

It is planted as lists under `validations`, `updates`, `triggers` and `locks`; a CRM's own simulator says how that CRM
refuses, and may know further kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from msgspec import Struct


class Validation(Struct, frozen=True, kw_only=True):
    """A rule that refuses records which hold a value in a field."""

    object: str
    field: str
    value: Any
    message: str = "The value is not allowed here."


FORMULAS: dict[str, Callable[[str], str]] = {
    "LOWER": str.lower,
    "SUBSTITUTE": lambda text: text.replace(" ", "-"),
    "TRIM": lambda text: " ".join(text.split()),
    "UPPER": str.upper,
}
"""What a rule may make of the text that is being saved."""


class Update(Struct, frozen=True, kw_only=True):
    """A field that every save through the API sets to a value, or by a formula to another spelling of its own text."""

    object: str
    field: str
    value: Any = None
    formula: str = ""

    def __post_init__(self) -> None:
        """Refuse a formula that is not known, in time."""
        if self.formula and self.formula not in FORMULAS:
            raise ValueError(f"no formula is named {self.formula}; there are {', '.join(FORMULAS)}")

    def run(self, cells: dict[str, Any]) -> None:
        """Change what is about to be saved."""
        if not self.formula:
            cells[self.field] = self.value
        elif isinstance(text := cells.get(self.field), str):
            cells[self.field] = FORMULAS[self.formula](text)


class Trigger(Struct, frozen=True, kw_only=True):
    """Code of the CRM's owner that fails for every record of a call with more than `most` of them."""

    object: str
    most: int = 0
    message: str = ""
    code: str = ""


class Lock(Struct, frozen=True, kw_only=True):
    """A record that somebody holds while so many writes try to have it."""

    id: str
    times: int = 1


Refusing = Validation | Trigger | Lock


class Automation:
    """All of it, as the control path plants it; `refuse` makes the CRM's own error of what stands in the way."""

    KINDS: ClassVar[dict[str, type[Any]]] = {
        "validations": Validation,
        "updates": Update,
        "triggers": Trigger,
        "locks": Lock,
    }

    def __init__(self, refuse: Callable[[Refusing], Exception]) -> None:
        self._refuse = refuse
        self._planted: dict[str, list[Any]] = {name: [] for name in self.KINDS}
        self._held: dict[str, int] = {}

    def plant(self, body: Mapping[str, Any]) -> None:
        """Set up more of it; raises ValueError or TypeError for what nobody knows."""
        for name, wanted in body.items():
            if name not in self.KINDS:
                raise ValueError(f"no automation is named {name}; there are {', '.join(self.KINDS)}")
            made = [self.KINDS[name](**one) for one in wanted]
            self._planted[name].extend(made)
            self._held.update({one.id: one.times for one in made if isinstance(one, Lock)})

    def clear(self) -> None:
        """Take all of it away."""
        for one in self._planted.values():
            one.clear()
        self._held.clear()

    def planted(self, name: str) -> list[Any]:
        """What was planted of one kind."""
        return self._planted[name]

    def touch(self, identity: str) -> None:
        """Refuse a write to a record that is locked just now."""
        left = self._held.get(identity, 0)
        if left:
            self._held[identity] = left - 1
            raise self._refuse(Lock(id=identity, times=left))

    def before_save(self, name: str, cells: dict[str, Any], size: int) -> None:
        """Run the triggers and rules of an object on what is about to be saved, in a call of `size` records."""
        for trigger in self._planted["triggers"]:
            if trigger.object == name and size > trigger.most:
                raise self._refuse(trigger)
        for update in self._planted["updates"]:
            if update.object == name:
                update.run(cells)
        for rule in self._planted["validations"]:
            if rule.object == name and cells.get(rule.field) == rule.value:
                raise self._refuse(rule)

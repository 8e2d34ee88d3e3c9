"""What an administrator has set up to happen on a save: validation rules, field updates, triggers; and locked rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values

CPU_LIMIT = "LeadTrigger: System.LimitException: Apex CPU time limit exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
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
"""What a rule may make of the text that is being saved, by the vendor's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A field that every save through the API sets to a value, or by a formula to another spelling of its own text."""

    object: str
    field: str
    value: Any = None
    formula: str = ""

    def __post_init__(self) -> None:
        """Refuse a formula that is not known, in time."""
        if self.formula and self.formula not in FORMULAS:
            raise ValueError(f"no formula is named {self.formula}; there are {', '.join(FORMULAS)}")

    def run(self, cells: Values) -> None:
        """Change what is about to be saved."""
        if not self.formula:
            cells[self.field] = self.value
        elif isinstance(text := cells.get(self.field), str):
            cells[self.field] = FORMULAS[self.formula](text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A trigger that fails for every record of a call with more than `most` of them."""

    object: str
    most: int = 0
    message: str = CPU_LIMIT
    code: str = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A record that somebody holds while so many writes try to have it."""

    id: str
    times: int = 1


_KINDS = {"validations": Validation, "updates": Update, "triggers": Trigger, "locks": Lock}


@dataclass(slots=True)
class Automation:
    """All of it, as the control path plants it."""

    validations: list[Validation] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    locks: dict[str, int] = field(default_factory=dict)

    def plant(self, body: dict[str, Any]) -> None:
        """Set up more of it; raises ValueError or TypeError for what nobody knows."""
        for name, wanted in body.items():
            if name not in _KINDS:
                raise ValueError(f"no automation is named {name}; there are {', '.join(_KINDS)}")
            made = [_KINDS[name](**one) for one in wanted]
            if name == "locks":
                self.locks.update({one.id: one.times for one in made if isinstance(one, Lock)})
            else:
                getattr(self, name).extend(made)

    def clear(self) -> None:
        """Take all of it away."""
        for one in fields(self):
            getattr(self, one.name).clear()

    def touch(self, identity: str) -> None:
        """Refuse a write to a record that is locked just now."""
        left = self.locks.get(identity, 0)
        if left:
            self.locks[identity] = left - 1
            raise Refusal(
                "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: " + identity,
                fields=[],
            )  # fmt: skip

    def before_save(self, name: str, cells: Values, size: int) -> None:
        """Run the triggers and rules of an object on what is about to be saved."""
        for trigger in self.triggers:
            if trigger.object == name and size > trigger.most:
                raise Refusal(trigger.code, trigger.message, fields=[])
        for update in self.updates:
            if update.object == name:
                update.run(cells)
        for rule in self.validations:
            if rule.object == name and cells.get(rule.field) == rule.value:
                raise Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields=[])

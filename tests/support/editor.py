"""Another user of a simulated org, as the contract of connectors wants one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Editor:
    """Makes, changes, deletes and reads records of one object, by the CRM's names for a last name and a title."""

    org: Any
    object: str
    name: str
    title: str
    more: Mapping[str, str] = field(default_factory=dict)  # what a new record must have beside its name
    deleted: str = ""  # the field that says so of a record that is still there
    edits: int = 0

    def create(self) -> str:
        self.edits += 1
        return str(self.org.create(self.object, {self.name: f"Made {self.edits}", **self.more}))

    def update(self, crm_id: str) -> None:
        self.edits += 1
        self.org.update(self.object, crm_id, {self.title: f"Edited {self.edits}"})

    def delete(self, crm_id: str) -> None:
        self.org.delete(self.object, crm_id)

    def read(self, crm_id: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.org.get(self.object, crm_id)
        return None if found is None or found.get(self.deleted) else found

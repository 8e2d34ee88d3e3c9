"""What a stand-in is asked to write, and to read for it: nothing is checked, everything is counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """The records written since it was asked last, each once, and how many calls that took."""

    ids: set[str] = field(default_factory=set)
    records: int = 0
    writes: int = 0  # calls that write
    reads: int = 0  # calls that read records by their ids

    def told(self) -> dict[str, int]:
        """What was counted."""
        return {"ids": len(self.ids), "records": self.records, "writes": self.writes, "reads": self.reads}

    def note(self, ids: Iterable[str]) -> list[str]:
        """Count records that are written."""
        found = list(ids)
        self.ids.update(found)
        self.records += len(found)
        return found

"""What a run of the command leaves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SETTINGS = """[connections.acme]
connector = "memory"
database = "acme.db"

[connections.acme.settings]
instance = "here"
password = "open sesame"
"""
"""One connection of the CRM in memory."""


@dataclass
class Said:
    """What a command left: exit code and both outputs."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out)))


Command = Callable[..., Said]

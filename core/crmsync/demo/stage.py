"""Where the demo is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from crmsync.progress import Tell


class Stage(Protocol):
    """Where the demo is played: a terminal, or nowhere when a program only wants the result."""

    def act(self, title: str) -> None:
        """A new part of the story begins."""

    def line(self, text: str) -> None:
        """Something happened."""

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Figures."""

    def progress(self) -> AbstractContextManager[Tell]:
        """Progress while something long runs."""

    def save(self, settings: Mapping[str, Any], folder: Path) -> Path:
        """Leave a settings file, so that other commands work on what the demo left."""

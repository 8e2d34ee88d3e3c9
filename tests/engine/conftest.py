"""One connection of a CRM in memory with a database file."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection that has not synced yet."""
    return Engine(tmp_path / "marketing.db")

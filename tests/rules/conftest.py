"""A connection of the Salesforce plugin with a simulated org of twenty contacts, ten leads and what hangs on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.simulated import Simulated


@pytest.fixture
def sim(tmp_path: Path) -> Simulated:
    """A connection that has not synced yet."""
    return Simulated(tmp_path / "m.db")

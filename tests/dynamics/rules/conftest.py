"""A connection with a simulated environment of twenty contacts, ten leads and what hangs on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsync.settings import ObjectSettings
from dynamics.environment import Environment

IDLE = ["systemuser", "team", "campaign", "task", "opportunity", "opportunity_customer", "connection"]
"""Tables that most tests do without, so that they take less time."""


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    """A connection that has not synced yet, with accounts, contacts and leads."""
    return Environment(tmp_path / "dyn.db", objects=ObjectSettings(disable=IDLE))

"""One connection of a CRM in memory with a database file."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.campaigns import Fair
from support.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection that has not synced yet."""
    return Engine(tmp_path / "marketing.db")


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """A lead and a contact, synced, of a CRM that would make a second record if asked twice."""
    engine.crm.keyed = False
    engine.crm.put("Lead", "00Q1", LastName="Lead", Email="l@x.org")
    engine.crm.put("Contact", "0031", LastName="Contact", Email="c@x.org")
    engine.sync()
    return engine


@pytest.fixture
def fair(tmp_path: Path) -> Fair:
    """A program and a campaign with the same statuses, not linked."""
    return Fair(tmp_path / "marketing.db")

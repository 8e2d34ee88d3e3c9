"""An empty database for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.desk import ROUTES, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty database with the tables of accounts, contacts, leads, deals and their roles."""
    made = Desk(tmp_path / "marketing.db")
    made.use(lambda store: store.prepare(ROUTES))
    return made

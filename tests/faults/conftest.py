"""A user with a connection to an org of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.office import Office, serving


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    """Twenty contacts and what belongs to them, and a folder in which nothing was synced yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("CRMSYNC_SETTINGS", "CRMSYNC_SECRETS_DIR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield Office(tmp_path, server, capsys)

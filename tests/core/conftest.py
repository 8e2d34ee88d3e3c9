"""The command, run in this process on a connector that is installed for the test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmsync import cli
from support import installed
from support.command import SETTINGS, Command, Said


@pytest.fixture
def crmsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command in a folder of its own, in which nothing is set up but the connector."""
    site = tmp_path / "site"
    site.mkdir()
    installed.install(site, "memory", "memory_plugin", installed.MODULE)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "memory_plugin", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("CRMSYNC_SETTINGS", "CRMSYNC_SECRETS_DIR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: str) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(args)
        said = capsys.readouterr()
        return Said(int(str(ended.value.code or 0)), said.out, said.err)

    yield run
    sys.modules.pop("memory_plugin", None)


@pytest.fixture
def acme(crmsync: Command) -> Command:
    """The command, with one connection."""
    Path("crmsync.toml").write_text(SETTINGS)
    return crmsync

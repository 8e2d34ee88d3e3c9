"""Processes that run until they are told to stop, as an operator sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import installed

TESTS = Path(__file__).parents[1]
SETTINGS = """log = "json"

[connections.acme]
connector = "memory"
database = "acme.db"
settings = { instance = "here", password = "open sesame" }
"""


@contextmanager
def started(folder: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, in `folder`, with the connector installed."""
    site = folder / "site"
    if not site.exists():
        site.mkdir()
        installed.install(site, "memory", "memory_plugin", installed.MODULE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRMSYNC_")}
    clean["PYTHONPATH"] = f"{TESTS}{os.pathsep}{site}"
    command = [sys.executable, "-m", "crmsync", *args]
    with subprocess.Popen(
        command, cwd=folder, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_simulator_prints_one_line_when_ready_and_ends_with_zero(tmp_path: Path, number: int) -> None:
    with started(tmp_path, "simulate", "memory", "--records", "3", "--seed", "5") as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline()) == {"url": "memory:", "port": 0, "seed": 5}
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == process.stderr.read() == ""


def test_a_command_leaves_with_its_exit_code_and_has_said_everything(tmp_path: Path) -> None:
    """A process ends without being taken apart; nothing that was written may be lost by that."""
    with started(tmp_path, "plugins", "--json") as process:
        said, complained = process.communicate(timeout=20)
        assert (process.returncode, complained) == (0, "")
        assert "memory" in {one["name"] for one in json.loads(said)}
    with started(tmp_path, "sync") as process:
        said, complained = process.communicate(timeout=20)
        assert (process.returncode, said) == (2, "")
        assert "settings file" in complained


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_logs_its_cycles_as_json_and_drains_when_told(tmp_path: Path, number: int) -> None:
    (tmp_path / "crmsync.toml").write_text(SETTINGS)
    with started(tmp_path, "run") as process:
        assert process.stderr
        told = json.loads(process.stderr.readline())
        assert (told["event"], told["connection"], told["status"], told["new"]) == ("cycle", "acme", "succeeded", 11)
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in process.stderr.read()


def test_run_once_makes_one_cycle_and_tells_a_failure_by_its_code(tmp_path: Path) -> None:
    (tmp_path / "crmsync.toml").write_text(SETTINGS)
    with started(tmp_path, "run", "--once") as process:
        assert process.wait(20) == 0
    (tmp_path / "crmsync.toml").write_text(SETTINGS.replace("sesame", "says me"))
    with started(tmp_path, "run", "--once") as process:
        assert process.stderr
        told = json.loads(process.stderr.readline())
        assert process.wait(20) == 3
        assert (told["event"], told["exit_code"]) == ("stopped", 3)
        assert "says me" not in json.dumps(told)


def test_output_that_nobody_reads_any_more_ends_quietly(tmp_path: Path) -> None:
    with started(tmp_path, "plugins") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.wait(20)
        assert "Traceback" not in process.stderr.read()

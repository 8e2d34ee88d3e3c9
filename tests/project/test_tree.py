"""What is under version control is fit for anybody's machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
LONGEST_TEST = 550  # of one promise after another, which are read one at a time
FORBIDDEN = {
    "the path of one machine": r"(?<![\w.])/(?:root|home|work|Users|opt)/\w",
    "the host of a package registry": r"p[y]pi\.org|p[y]thonhosted|\bconda\.io|artifactory",
    "an address for the installer": r"--(?:extra-)?index-url|--find-links[ =]",
    "how the work was done": r"(?i)(?<!user[- ])\b(?:sub)?agents?\b|\bLLMs?\b|\bAI[- ]assist|\bchatbot",
}


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        if path != Path(__file__)
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_constraints_are_plain_pins() -> None:
    for line in text(ROOT / "constraints.txt").splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.+!-]+( ; .+)?", line), line


def test_no_source_file_is_too_long_to_read() -> None:
    sources = [path for path in tracked() if path.suffix == ".py"]
    lines = {str(path.relative_to(ROOT)): len(text(path).splitlines()) for path in sources}
    too_long = {name: n for name, n in lines.items() if n > (LONGEST_TEST if name.startswith("tests/") else LONGEST)}
    assert too_long == {}


def test_the_lock_file_of_one_machine_is_not_tracked() -> None:
    assert ROOT / "uv.lock" not in tracked()


def test_every_package_is_typed() -> None:
    plugins = ("plugins/dynamics/crmsync_dynamics", "plugins/salesforce/crmsync_salesforce")
    for package in ("core/crmsync", *plugins):
        assert (ROOT / package / "py.typed").exists()


def test_make_help_names_every_command() -> None:
    lines = text(ROOT / "Makefile").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    assert [name for name in phony if not any(re.match(rf"{name}:.*## ", line) for line in lines)] == []

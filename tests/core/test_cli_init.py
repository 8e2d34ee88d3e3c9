"""`init` writes settings that the other commands read, and keeps secrets to itself."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

import pytest

from support.command import Command

FLAGS = ["init", "acme", "--connector", "memory", "--yes"]
SECRET = Path("secrets/crmsync_connections__acme__settings__password")


def test_flags_alone_write_settings_that_work(crmsync: Command) -> None:
    Path("pw").write_text("open sesame\n")
    said = crmsync(*FLAGS, "--set", "instance=here", "--set", "password=@pw", "--set", "labels=['a']", "--pause", "60")
    assert said.code == 0, said.err
    written = tomllib.loads(Path("crmsync.toml").read_text())["connections"]["acme"]
    assert written == {
        "connector": "memory", "database": "acme.db", "pause": 60.0,
        "settings": {"instance": "here", "labels": ["a"]},
    }  # fmt: skip
    assert crmsync("check").code == 0
    assert crmsync("sync").code == 0


def test_fields_are_chosen_and_listed(crmsync: Command) -> None:
    """What these credentials can read, with what is selected: the default mapping, more, and less."""
    given = [*FLAGS, "--set", "instance=here", "--set", "password=open sesame"]
    said = crmsync(*given, "--exclude", "Lead.Title", "--include", "Lead.Email", "--fields")
    assert said.code == 0, said.err
    written = tomllib.loads(Path("crmsync.toml").read_text())["connections"]["acme"]
    assert written["fields"] == {"include": ["Lead.Email"], "exclude": ["Lead.Title"]}
    (title,) = (line for line in said.out.splitlines() if line.startswith("Lead ") and " Title " in line)
    assert "excluded" in title
    assert "selected" in said.out
    listed = {(row["object"], row["field"]): row["state"] for row in crmsync("fields", "--json").data}
    assert (listed["Lead", "Title"], listed["Contact", "Title"]) == ("excluded", "selected")


def test_secrets_are_in_files_for_their_owner_and_in_no_output(crmsync: Command) -> None:
    said = crmsync(*FLAGS, "--set", "instance=here", "--set", "password=open sesame")
    assert SECRET.read_text() == "open sesame"
    assert SECRET.stat().st_mode & 0o777 == 0o600
    assert Path("secrets").stat().st_mode & 0o777 == 0o700
    assert Path("crmsync.toml").stat().st_mode & 0o777 == 0o600
    assert "sesame" not in Path("crmsync.toml").read_text() + said.out + said.err


def test_a_secret_may_come_from_standard_input(crmsync: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("open sesame\n"))
    assert crmsync(*FLAGS, "--set", "instance=here", "--set", "password=-").code == 0
    assert SECRET.read_text() == "open sesame"


def test_a_browser_log_in_adds_what_it_brings(crmsync: Command) -> None:
    said = crmsync(*FLAGS, "--set", "instance=here", "--login")
    assert said.code == 0
    assert "https://here/login" in said.out
    assert SECRET.read_text() == "open sesame"
    assert crmsync("check").code == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--set", "instance=here"], "password is missing"),
        (["--set", "instanc=here", "--set", "password=open sesame"], "instance"),
        (["--set", "instance"], "a value is missing"),
        (["--set", "instance=here", "--set", "password=@nowhere"], "The file nowhere for password"),
        (["--set", "instance=here", "--set", "password=open sesame", "--set", "page_size=many"], "page_size"),
    ],
)
def test_what_is_wrong_or_missing_is_named_and_nothing_is_written(
    crmsync: Command, flags: list[str], said: str
) -> None:
    found = crmsync(*FLAGS, *flags)
    assert found.code == 2
    assert said in found.err
    assert "sesame" not in found.err
    assert not Path("crmsync.toml").exists()
    assert not Path("secrets").exists()


def test_a_name_that_cannot_be_one_is_refused(crmsync: Command) -> None:
    assert crmsync("init", "Acme Inc", "--connector", "memory", "--yes").code == 2


def test_a_second_connection_is_added_and_the_first_left_as_it_is(crmsync: Command) -> None:
    given = ["--connector", "memory", "--yes", "--set", "instance=here", "--set", "password=open sesame"]
    assert crmsync("init", "acme", *given).code == 0
    first = Path("crmsync.toml").read_text() + "# a remark\n"
    Path("crmsync.toml").write_text(first)
    assert crmsync("init", "other", *given).code == 0
    assert Path("crmsync.toml").read_text().startswith(first)
    assert {row["connection"] for row in crmsync("status", "--json").data["connections"]} == {"acme", "other"}
    said = crmsync("init", "other", *given)
    assert said.code == 2
    assert "--force" in said.err
    assert crmsync("init", "other", *given, "--force", "--pause", "30").code == 0
    assert tomllib.loads(Path("crmsync.toml").read_text())["connections"]["other"]["pause"] == 30.0


def test_a_file_that_nothing_can_be_added_to_is_left_alone(crmsync: Command) -> None:
    Path("crmsync.toml").write_text("connections = {}\n")
    assert crmsync(*FLAGS, "--set", "instance=here", "--set", "password=open sesame").code == 2
    assert Path("crmsync.toml").read_text() == "connections = {}\n"


def test_a_person_is_asked_for_what_is_missing_and_no_secret_is_shown(
    crmsync: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    answers = {"instance": "here", "password": "open sesame"}
    shown = []

    def prompt(text: str, **how: bool) -> str:
        if not how["hide_input"]:
            shown.append(text)
        return answers[text]

    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr("typer.confirm", lambda _text, **how: how["default"])
    said = crmsync("init", "acme", "--connector", "memory")
    assert said.code == 0
    assert "LastName" in said.out
    assert shown == ["instance"]
    assert SECRET.read_text() == "open sesame"


@pytest.mark.parametrize("name", ["acme-eu", "acme_eu", "org2"])
def test_any_name_that_is_taken_works(crmsync: Command, name: str) -> None:
    given = ["--connector", "memory", "--yes", "--set", "instance=here", "--set", "password=open sesame"]
    assert crmsync("init", name, *given).code == 0
    assert crmsync("check", name).code == 0

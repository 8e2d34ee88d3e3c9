"""What commands print survives any text, any terminal, and never shows a secret."""

import csv
import io
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from crmsync.cli import options, screen, toml
from crmsync.errors import LeaseHeld, QuotaSpent, SettingsError

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ODD = "\x1b[31m[red]\x00\u202e日本語\ud800\n[/red][nope]"


@pytest.mark.parametrize("columns", ["1", "20", "80", None])
def test_a_table_is_printed_whatever_the_values_and_the_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str | None
) -> None:
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    else:
        monkeypatch.delenv("COLUMNS", raising=False)
    screen.table([{"object": ODD, "new": 1234567, "note": None}, {"object": "x"}], ("object", "new", "note"), title=ODD)
    assert capsys.readouterr().out


def test_markup_and_control_characters_of_a_record_do_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table([{"object": ODD}], ("object",))
    printed = capsys.readouterr().out
    assert "[red]" in printed
    assert "[nope]" in printed
    assert not {"\x1b", "\x00", "\u202e", "\ud800"} & set(printed)


def test_json_is_read_back_whatever_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    screen.write_json({"value": ODD, "path": Path("a")})
    assert json.loads(capsys.readouterr().out) == {"value": ODD, "path": "a"}


def test_csv_is_read_back_whatever_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    screen.write_csv([{"a": 'x,"y"\nz', "b": None, "c": "left out"}], ("a", "b"))
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [["a", "b"], ['x,"y"\nz', ""]]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("pause is text", hint="Give seconds."), 2),
        (LeaseHeld("another process"), 5),
        (ExceptionGroup("tasks", [ValueError("a"), ExceptionGroup("more", [QuotaSpent("spent")])]), 7),
        (ValueError("a mistake of ours"), 1),
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    assert screen.complain(error) == code
    said = capsys.readouterr()
    assert said.err.startswith("crmsync: ")
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_complaint_hides_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    screen.complain(ValueError("POST failed: client_secret=hunter2hunter2&x=1, Authorization: Bearer 00Dxyz!abc"))
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert "00Dxyz" not in said


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-01-30T08:15:00+01:00", "2026-01-30T07:15:00.000Z"),
        ("2026-01-30T08:15Z", "2026-01-30T08:15:00.000Z"),
        ("90m", "2026-01-31T10:30:00.000Z"),
        ("2 D", "2026-01-29T12:00:00.000Z"),
    ],
)
def test_a_moment_is_a_date_or_so_long_ago(text: str, canonical: str) -> None:
    assert options.moment_of(text, NOW) == canonical


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "5 w", "9999-12-31T23:59:59-23:00"])
def test_another_moment_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2026-01-31"):
        options.moment_of(text, NOW)


_values = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
_tables = st.recursive(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _values, max_size=3),
    lambda inner: st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=5,
)


@given(_tables)
def test_settings_written_as_toml_read_back_the_same(settings: dict[str, Any]) -> None:
    assert tomllib.loads(toml.dumps(settings, comment="two\nlines")) == settings


def test_a_private_file_is_for_its_owner_alone_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "crmsync.toml"
    path.write_text("old")
    path.chmod(0o644)
    toml.write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]

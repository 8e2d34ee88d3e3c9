"""The command, run in this process on a connector that is installed for the test."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crmsync import cli
from support import installed
from support.command import SETTINGS, Command


def crm() -> installed.Plugin:
    """The CRM behind the connector."""
    plugin = sys.modules["memory_plugin"].plugin
    assert isinstance(plugin, installed.Plugin)
    return plugin


def sql(statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("acme.db")) as con, con:
        return con.execute(statement).fetchall()


def test_every_command_has_help_with_its_exit_codes(crmsync: Command) -> None:
    overview = crmsync("--help").out
    for name in cli.COMMANDS:
        said = crmsync(name, "--help")
        assert said.code == 0
        assert name in overview
        assert "xit codes" in " ".join(said.out.split())


def test_what_is_no_command_is_refused_with_what_is_near(crmsync: Command) -> None:
    said = crmsync("snyc")
    assert said.code == 2
    assert "sync" in said.err


def test_plugins_lists_what_loads_and_says_why_another_does_not(crmsync: Command) -> None:
    found = {row["name"]: row for row in crmsync("plugins", "--json").data}["memory"]
    assert found == {
        "name": "memory", "kind": "connector", "title": "Memory", "distribution": "crmsync-memory", "version": "1.2",
        "simulator": True, "error": "",
    }  # fmt: skip
    installed.install(Path("site"), "other", "other_plugin", installed.BROKEN)
    said = crmsync("plugins", "--json")
    found = {row["name"]: row for row in said.data}
    assert said.code == 1
    assert found["memory"]["error"] == ""
    assert found["other"]["kind"] == "broken"
    assert "made for another version" in found["other"]["error"]


def test_a_sync_tells_what_it_did_and_the_next_one_only_what_changed(acme: Command) -> None:
    said = acme("sync", "--json")
    assert said.code == 0
    assert (said.data["status"], said.data["counts"]["new"]) == ("succeeded", 2 + 4 + 4 + 1)
    assert {step["operation"] for step in said.data["steps"]} == {"sync schema", "pull updates"}
    crm().tick(5)
    crm().put("Contact", "003001", Title="CTO")
    said = acme("sync", "acme")
    assert "pull updates" in said.out
    assert "succeeded in" in said.out


def test_away_from_a_terminal_progress_is_plain_lines_on_standard_error(acme: Command) -> None:
    said = acme("sync")
    assert "pull updates Contact  4 of 4" in said.err
    assert "\x1b" not in said.err + said.out


def test_one_object_alone_is_synced_on_request_and_an_unknown_one_is_named(acme: Command) -> None:
    assert acme("sync", "--object", "Account").code == 0
    assert sql("SELECT COUNT(*) FROM person") == [(0,)]
    said = acme("sync", "--object", "Acount")
    assert said.code == 2
    assert "'Account'" in said.err


@pytest.mark.rule("R-339")
def test_status_counts_both_sides_of_every_object(acme: Command) -> None:
    before = acme("status", "--json").data
    assert (before["state"], before["objects"]) == ("last synced", [])
    assert "not synced yet" in acme("status").out
    acme("sync")
    told = acme("status", "--json").data
    assert told["state"] == "last synced"
    contact = next(row for row in told["objects"] if row["object"] == "Contact")
    assert (contact["connection"], contact["crm_records"], contact["db_records"], contact["new"]) == ("acme", 4, 4, 4)
    assert {"crm_counted_at", "updated", "deleted", "skipped", "failed", "calls", "lag_seconds"} <= contact.keys()
    assert (contact["waiting_here"], contact["push_lag_seconds"]) == (0, 0)
    assert "Contact" in acme("status").out


def test_status_tells_of_edits_that_wait_and_of_a_failure(acme: Command) -> None:
    acme("sync")
    sql("UPDATE person SET title = 'CTO' WHERE crm_id = '003001'")
    sql("UPDATE account SET industry = 'Art' WHERE crm_id = '001A'")
    assert acme("status", "--json").data["connections"][0]["local_edits"] == {"local": 1, "pending": 1}
    Path("crmsync.toml").write_text(SETTINGS.replace("sesame", "says me"))
    said = acme("sync")
    assert said.code == 3
    assert "refused the log-in" in said.err
    assert "open says me" not in said.err
    told = acme("status", "--json")
    assert (told.code, told.data["state"]) == (0, "failed")
    assert "refused the log-in" in acme("status").out


@pytest.mark.rule("R-340", "R-341", "R-343")
def test_steps_are_listed_filtered_and_written_as_csv(acme: Command) -> None:
    acme("sync")
    listed = acme("status", "--steps", "--object", "contact", "--json").data
    assert listed
    assert {row["object"] for row in listed} == {"Contact"}
    found = acme("status", "--operation", "pull updates", "--status", "succeeded", "--csv").rows
    assert [row["operation"] for row in found] == ["pull updates"] * 4
    assert {"started_at", "ended_at", "object", "status", "new", "updated", "deleted", "failed", "skipped"} <= found[
        0
    ].keys()
    assert acme("status", "--steps", "--until", "1h", "--json").data == []
    newest = acme("status", "--steps", "--json").data
    assert acme("status", "--steps", "--oldest-first", "--json").data == newest[::-1]
    assert acme("status", "--since", "yesterday").code == 2


@pytest.mark.rule("R-344", "R-346")
def test_errors_are_listed_by_level_with_the_message_and_written_as_csv(acme: Command) -> None:
    acme("sync")
    crm().hidden.add("Account")
    assert acme("sync").code == 1
    found = acme("errors", "--level", "job", "--csv").rows
    assert [(row["object"], row["level"]) for row in found] == [("Account", "job")]
    assert "not visible" in found[0]["message"]
    assert acme("errors", "--level", "record", "--json").data == []
    assert "No such error" in acme("errors", "--until", "1h").out
    assert "No record is set aside" in acme("errors", "--quarantine").out
    assert acme("notices", "--json").code == 0


def test_check_stops_where_an_object_cannot_be_read_and_prints_a_permission_set(acme: Command) -> None:
    said = acme("check", "--json")
    assert (said.code, said.data["ok"]) == (0, True)
    assert {"level": "warn", "topic": "limits", "message": "few calls left", "grant": "more calls"} in said.data[
        "findings"
    ]
    assert acme("check", "--permission-set").out.startswith("read ")
    crm().hidden.add("Account")
    said = acme("check")
    assert said.code == 1
    assert "read access to Account" in said.out


def test_fields_tells_the_column_of_every_field(acme: Command) -> None:
    rows = acme("fields", "--object", "contact", "--json").data
    found = {row["field"]: row for row in rows}
    assert (found["Email"]["column"], found["Email"]["directions"], found["Email"]["state"]) == (
        "email", ["pull", "push"], "selected",
    )  # fmt: skip
    assert acme("fields", "--state", "excluded").out.strip() == "No such field."


def test_verify_says_the_cost_first_and_ends_with_one_where_sides_differ(acme: Command) -> None:
    acme("sync")
    said = acme("verify")
    assert said.code == 0
    assert said.err.startswith("Reading about 11 records")
    assert "Both sides agree." in said.out
    crm().objects["Contact"]["003001"]["Email"] = "silent@x.org"  # and its stamp did not move
    said = acme("verify", "--json")
    assert said.code == 1
    assert [(row["crm_id"], row["field"]) for row in said.data["different"]] == [("003001", "email")]


def test_a_refresh_reads_one_field_again_and_refuses_what_is_none(acme: Command) -> None:
    acme("sync")
    crm().objects["Contact"]["003001"]["Title"] = "silent"
    assert acme("refresh", "--field", "Contact.Title").code == 0
    assert sql("SELECT title FROM person WHERE crm_id = '003001'") == [("silent",)]
    assert acme("refresh", "--field", "Title").code == 2
    said = acme("refresh", "--field", "Contact.Titel")
    assert said.code == 2
    assert "Contact.Title" in said.err
    assert acme("status", "--json").data["state"] == "last synced"
    assert acme("errors", "--json").data == []


def test_a_disabled_connection_does_not_sync_until_it_is_enabled(acme: Command) -> None:
    assert acme("disable").code == 0
    assert acme("sync").code == 2
    assert acme("status", "--json").data["connections"][0]["enabled"] is False
    assert acme("enable", "acme").code == 0
    assert acme("sync").code == 0


def test_an_unknown_connection_is_refused_with_the_nearest(acme: Command) -> None:
    said = acme("sync", "acmee")
    assert said.code == 2
    assert "'acme'" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[connections.acme\n", "line 1"),
        (SETTINGS + "[connections.acme.field]\n", "fields"),
        (SETTINGS.replace('"memory"', '"memry"'), "'memory'"),
        (SETTINGS.replace("instance", "instanc"), "instance"),
        ("", "no connection"),
    ],
)
def test_settings_that_are_wrong_are_explained_without_a_traceback(acme: Command, text: str, said: str) -> None:
    Path("crmsync.toml").write_text(text)
    for command in ("sync", "check", "status"):
        found = acme(command)
        if command == "status" and found.code == 0:
            continue  # reading what was recorded needs no connector's settings
        assert found.code == 2
        assert said in found.err or "Which connection" in found.err
        assert "Traceback" not in found.err
        assert "sesame" not in found.err


def test_a_settings_file_that_is_not_there_is_named(crmsync: Command) -> None:
    said = crmsync("status", "--settings", "elsewhere.toml")
    assert said.code == 2
    assert "elsewhere.toml" in said.err


def test_a_second_process_is_refused_with_the_holder(acme: Command) -> None:
    acme("sync")
    sql("UPDATE crmsync_lease SET holder = 'elsewhere:4711:', expires_at = '9999'")
    said = acme("sync")
    assert said.code == 5
    assert "4711" in said.err
    assert acme("status", "--json").code == 0


def test_a_file_that_is_no_database_is_code_four(acme: Command) -> None:
    Path("acme.db").write_text("this is no database, but it is long enough to be taken for one" * 100)
    said = acme("sync")
    assert said.code == 4
    assert "acme.db" in said.err


@pytest.mark.rule("R-359", "R-360", "R-361", "R-363")
def test_the_command_tells_it_all(acme: Command) -> None:
    """As text and as JSON; status shows when it was counted and when it will be."""
    assert "nothing was counted yet" in acme("backlog").out
    acme("sync")
    one = acme("backlog", "--json").data["connections"][0]
    assert (one["waiting_crm"], one["waiting_here"], one["status"]) == (0, 0, "normal")
    assert len(one["trend"]) == 30
    assert one["trend"][-1]["waiting"] == 0
    one = acme("backlog", "--sample", "--json").data["connections"][0]
    assert 0 <= one["waiting_crm"] <= 11  # whichever were stamped in the second of the last read may have moved since
    assert {"per_hour", "per_hour_most", "per_hour_least", "wait_seconds"} <= one["objects"][0].keys()
    told = acme("status", "--json").data["connections"][0]["backlog"]
    assert (told["sampled_at"], told["next_at"]) == (one["sampled_at"], one["next_at"])
    assert "in the CRM, 0 here (normal)" in acme("status").out
    assert "Contact" in acme("backlog").out

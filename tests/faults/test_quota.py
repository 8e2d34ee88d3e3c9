"""The day's calls come to an end: code 7, and the next day goes on where this one stopped."""

from __future__ import annotations

from support.office import Office


def test_a_day_without_calls_is_told_before_anything_is_read(office: Office) -> None:
    office.sync()
    office.org.update("Contact", office.contacts()[0], {"Title": "Later"})
    office.server.statistics.charged = office.org.settings.daily_limit
    for command in ("sync", "check", "verify"):
        said = office(command)
        assert said.code == 7, said
        assert "API calls" in said.err
    assert office("run", "--once").code == 7
    assert office("status", "--json").data["state"] == "failed"
    office.server.statistics.charged = 0
    assert office.carries_on()["counts"]["updated"] == 1


def test_the_share_is_never_passed(office: Office) -> None:
    """Others may use the rest: four fifths of a hundred calls, of which seventy are gone."""
    office.org.settings.daily_limit = 100
    office.server.statistics.charged = 70
    office.org.settings.batch_size = 2
    said = office("sync")
    assert said.code == 7, said
    assert "quota_share" in said.err
    assert office.server.statistics.charged <= 80
    quota = office("status", "--json").data["connections"][0]["quota"]
    assert quota["used"] <= 80
    office.server.statistics.charged = 0
    office.carries_on()


def test_a_load_stops_at_the_limit_and_goes_on_the_next_day_behind_its_last_page(office: Office) -> None:
    office.org.settings.batch_size = 4
    office.plant("daily_limit", path="/query/", nth=4, times=None)
    said = office("sync")
    assert said.code == 7, said
    assert "goes on when there are calls again" in said.err
    (here,) = office.sql("SELECT COUNT(*) FROM person")[0]
    assert 0 < here < 30
    assert "incomplete" in {row["status"] for row in office.steps().values()}
    counts = office.carries_on()["counts"]
    assert office.sql("SELECT COUNT(*) FROM person") == [(30,)]
    assert counts["updated"] == 0
    assert counts["skipped"] == 0  # nothing was read twice


def test_what_waits_here_is_sent_where_reading_has_to_wait(office: Office) -> None:
    """Of a thousand calls 800 are the share: reading stops at 720, and the edit goes all the same."""
    office.sync()
    lead = next(office.org.records("Lead"))["Id"]
    for contact in office.contacts():
        office.org.update("Contact", contact, {"Title": "Later"})
    office.sql("UPDATE person SET title = 'Sent' WHERE crm_id = ?", lead)
    office.org.settings.daily_limit = 1000
    office.org.settings.batch_size = 2
    office.server.statistics.charged = 717
    said = office("sync")
    assert said.code == 7, said
    assert "Contact: not read" in said.err
    sent = office.org.get("Lead", str(lead))
    assert sent is not None
    assert sent["Title"] == "Sent"
    assert 720 <= office.server.statistics.charged <= 730
    office.server.statistics.charged = 0
    office.carries_on()

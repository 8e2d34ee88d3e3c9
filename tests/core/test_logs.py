"""Logs are for people or for programs, and hold no secrets either way."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from crmsync import logs, redact


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_every_line_is_one_json_object_if_asked_for() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream, as_json=True)
    structlog.get_logger().info("cycle", connection="acme", text="two\nlines")
    logging.getLogger("library").warning("slow")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["event"], first["connection"], first["level"]) == ("cycle", "acme", "info")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("slow", "warning")


def test_the_level_is_kept() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream, level="error")
    structlog.get_logger().warning("not this")
    structlog.get_logger().error("this")
    assert "not this" not in stream.getvalue()
    assert "this" in stream.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_reaches_a_log(as_json: bool) -> None:
    stream = io.StringIO()
    logs.configure(stream=stream, as_json=as_json)
    log = structlog.get_logger()
    log.info("request", password="hunter2hunter2", headers={"Authorization": "Bearer hunter2hunter2"})
    log.info("settings", value=SecretStr("hunter2hunter2"), rest=["token=hunter2hunter2"])
    log.info("body: client_secret=hunter2hunter2&grant_type=password")
    try:
        int("refresh_token=hunter2hunter2")
    except ValueError:
        log.exception("failed")
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count(redact.HIDDEN) >= 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer 00D5g0000!AQEA.xyz failed", "Authorization: Bearer ********** failed"),
        ("Basic authentication is off", "Basic authentication is off"),
        ('{"access_token": "00D5g0000", "id": 1}', '{"access_token": "**********", "id": 1}'),
        ("grant_type=password&client_secret=abcdefgh&x=1", "grant_type=password&client_secret=**********&x=1"),
        ("/callback?code=abcdefgh&state=1", "/callback?code=**********&state=1"),
        ("invalid token: the session expired", "invalid token: the session expired"),
        ("status code: INVALID_SESSION_ID", "status code: INVALID_SESSION_ID"),
        ("settings.password is missing", "settings.password is missing"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_a_sentence_is_not(text: str, shown: str) -> None:
    assert redact.clean(text) == shown

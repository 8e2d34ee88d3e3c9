"""What is told: of the work that was done, of the session it was done with, and of what a check found."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Counts(Struct, frozen=True, kw_only=True):
    """What a step did, in records; calls and bytes are what it cost."""

    new: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    skipped: int = 0
    pages: int = 0
    calls: int = 0
    bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            new=self.new + other.new,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
            failed=self.failed + other.failed,
            skipped=self.skipped + other.skipped,
            pages=self.pages + other.pages,
            calls=self.calls + other.calls,
            bytes=self.bytes + other.bytes,
        )

    @property
    def touched(self) -> int:
        """Records that changed something here."""
        return self.new + self.updated + self.deleted


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened, told to observers after commit, at most once. `name` is stable, for programs."""

    connection: str
    name: str  # "page", "step", "cycle", "warning", "error", "notice"
    at: str
    run: int = 0
    object: str = ""
    operation: str = ""
    counts: Counts = Counts()
    message: str = ""


class Identity(Struct, frozen=True, kw_only=True):
    """Who and what a session talks to. `org` is the id that ties a database to one CRM."""

    org: str
    user: str = ""
    user_name: str = ""
    address: str = ""
    version: str = ""  # of the API in use
    login: str = ""  # how and as whom: where it is told, it changes only while the connection is disabled


class Usage(Struct, frozen=True, kw_only=True):
    """API calls: `calls` by this session; `used` and `limit` of the whole org today, where the CRM tells."""

    calls: int = 0
    bytes: int = 0
    used: int | None = None
    limit: int | None = None


class Level(StrEnum):
    """How bad a finding is: ok, warn (goes on without), stop (cannot go on)."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"


class Finding(Struct, frozen=True, kw_only=True):
    """One line of a check: what was looked at, what was found, and what to grant."""

    level: Level
    topic: str  # the object, or "login", "limits", …
    message: str
    grant: str = ""

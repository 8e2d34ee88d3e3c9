"""Every error crmsync raises, split by what the engine does next.

    CrmsyncError
    ├── SettingsError           fix your settings, then start again
    │   └── OtherOrg            these settings point a used database at another CRM
    ├── PluginError             a plugin broke the contract; names plugin, hook and rule
    ├── StoreError              the marketing database failed; nothing of the page was kept
    │   ├── LeaseHeld           another process runs cycles on this database
    │   ├── LeaseLost           another process took over; nothing more is written
    │   └── SchemaTooNew        the file was written by a newer crmsync
    └── CrmError                the CRM, or the way to it, said no
        ├── RetryLater          network, 5xx, throttling: the same call may work later
        ├── RecordRefused       this record can never be taken as it is: skip it, go on
        ├── RouteStopped        this object cannot go on; the others do
        │   └── SchemaMoved     a field the read named is gone: read the schema again
        └── ConnectionStopped   nothing of this connection can go on
            ├── Denied          credentials or permission
            └── QuotaSpent      the share of the daily calls is used up
                └── QuotaKept   what is left of it is kept for work with a better claim

An error's message is for a person: what happened, to which record on both sides, what to do next.
It never holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


class CrmsyncError(Exception):
    """The base of all errors of crmsync."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, hint: str = "", code: str = "") -> None:
        super().__init__(message or type(self).__doc__ or "")
        self.message = message or type(self).__doc__ or ""
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingsError(CrmsyncError):
    """The settings are wrong."""

    exit_code = 2


class OtherOrg(SettingsError):
    """This database belongs to another CRM org."""


class PluginError(CrmsyncError):
    """A plugin broke the contract."""

    exit_code = 2


class StoreError(CrmsyncError):
    """The marketing database failed."""

    exit_code = 4


class LeaseHeld(StoreError):
    """Another process runs cycles on this database."""

    exit_code = 5


class LeaseLost(StoreError):
    """Another process took over this database."""

    exit_code = 5


class SchemaTooNew(StoreError):
    """This database was written by a newer version of crmsync."""


class CrmError(CrmsyncError):
    """The CRM, or the way to it, said no."""

    exit_code = 3


class RetryLater(CrmError):
    """The CRM cannot answer just now.

    `retry_after` is the number of seconds the CRM asked for, where it did.
    """

    exit_code = 6

    def __init__(self, message: str = "", *, hint: str = "", code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after = retry_after


class RecordRefused(CrmError):
    """The CRM refused one record."""


class RouteStopped(CrmError):
    """One object cannot be synced."""


class SchemaMoved(RouteStopped):
    """A field that the read named is not there any more."""


class ConnectionStopped(CrmError):
    """The connection cannot go on."""


class Denied(ConnectionStopped):
    """The CRM refused these credentials."""


class QuotaSpent(ConnectionStopped):
    """The share of the daily API calls is used up."""

    exit_code = 7


class QuotaKept(QuotaSpent):
    """What is left of the daily API calls is kept for work with a better claim.

    `over` is the number of calls that have to become free before such work goes on.
    """

    def __init__(self, message: str = "", *, hint: str = "", code: str = "", over: int = 1) -> None:
        super().__init__(message, hint=hint, code=code)
        self.over = over

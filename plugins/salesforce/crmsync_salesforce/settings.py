"""What must be configured to reach an org. Only the URL and one way to log in are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from crmsync.connectors.logins import demand, given, usable, way

PRODUCTION, SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
Flow = Literal["client_credentials", "jwt", "refresh_token", "password", "session"]

NEEDS: dict[Flow, tuple[str, ...]] = {
    "jwt": ("client_id", "username", "private_key"),
    "refresh_token": ("client_id", "refresh_token"),
    "password": ("client_id", "client_secret", "username", "password"),
    "client_credentials": ("client_id", "client_secret"),
    "session": ("access_token",),
}
"""What each way to log in needs; the first whose needs are met is taken."""


class SalesforceSettings(BaseModel):
    """Settings of a connection to one Salesforce org."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(default="", description="My Domain address, or login.salesforce.com (the default)")
    sandbox: bool = Field(default=False, description="log in at test.salesforce.com where no url is given")
    flow: Flow | None = Field(default=None, description="how to log in; found out from what is given")
    client_id: str | None = None
    client_secret: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    security_token: SecretStr | None = None
    private_key: SecretStr | None = Field(default=None, description="PEM text of the JWT key")
    private_key_file: Path | None = None
    private_key_password: SecretStr | None = None
    audience: str | None = Field(default=None, description="aud of the JWT; by default the login host")
    refresh_token: SecretStr | None = None
    access_token: SecretStr | None = Field(default=None, description="a session made elsewhere; ends when it expires")
    ca_file: Path | None = Field(default=None, description="certificates of a private authority, PEM")
    api_version: str | None = Field(
        default=None, pattern=r"^v?\d{2,3}(\.0)?$", description="by default the newest known"
    )

    concurrency: int = Field(default=5, ge=1, le=25)
    connect_timeout: float = Field(default=30, gt=0)
    read_timeout: float = Field(default=300, gt=0)
    attempts: int = Field(default=5, ge=1, le=20, description="times a request that may be repeated is tried")
    backoff_seconds: float = Field(default=1.0, ge=0)

    overlap_seconds: int = Field(default=600, ge=0, description="how far each read of changes goes back again")
    lag_seconds: int = Field(default=60, ge=0, description="how long a save may take to become visible")
    page_size: int = Field(default=2000, ge=200, le=2000)
    bulk: Literal["auto", "always", "never"] = "auto"
    bulk_threshold: int = Field(default=10_000, ge=0, description="records from which a bulk job is worth it")
    bulk_page_size: int = Field(default=10_000, ge=100, le=250_000)
    bulk_deadline_seconds: float = Field(default=7200, gt=0)
    key_field: str = Field(
        default="crmsync_key__c",
        pattern=r"^([A-Za-z]\w*)?$",
        description="external id field that holds our key of a new record, where an object has it",
    )
    partition_threshold: int = Field(default=200_000, ge=1000, description="records a REST load is split at")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        usable(url=self.login_url)
        self.login_flow()
        return self

    @property
    def login_url(self) -> str:
        """Where to log in: scheme and host, nothing behind it."""
        given = self.url.strip().rstrip("/")
        if not given:
            return SANDBOX if self.sandbox else PRODUCTION
        if "://" not in given:
            given = f"https://{given if '.' in given else given + '.my.salesforce.com'}"
        scheme, _, rest = given.partition("://")
        return f"{scheme}://{rest.split('/', 1)[0]}"

    def login_flow(self) -> Flow:
        """The way to log in. Raises ValueError, naming what is missing."""
        there = given(self)
        flow = self.flow or way(NEEDS, there)
        if flow is None:
            ways = "; or ".join(" and ".join(NEEDS[flow]) for flow in ("client_credentials", "jwt", "refresh_token"))
            raise ValueError(f"no way to log in: set {ways}")
        demand(flow, NEEDS[flow], there)
        return flow

    @property
    def version(self) -> str | None:
        """The API version asked for, as "62.0"."""
        if self.api_version is None:
            return None
        return f"{self.api_version.lstrip('v').removesuffix('.0')}.0"

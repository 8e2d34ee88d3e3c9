"""What must be configured to reach an environment. Only the URL and one way to log in are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from crmsync.connectors.logins import demand, given, usable, way
from crmsync.http import is_loopback

AUTHORITY = "https://login.microsoftonline.com"
Flow = Literal["client_secret", "certificate", "refresh_token", "managed_identity", "access_token", "none"]

NEEDS: dict[Flow, tuple[str, ...]] = {
    "certificate": ("client_id", "certificate"),
    "client_secret": ("client_id", "client_secret"),
    "refresh_token": ("client_id", "refresh_token"),
    "access_token": ("access_token",),
}
"""What each way to log in needs; the first whose needs are met is taken. The others have to be asked for."""


class DynamicsSettings(BaseModel):
    """Settings of a connection to one Dynamics environment, or to another server that speaks OData 4."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(description="address of the environment; of another OData server that of its $metadata")
    flow: Flow | None = Field(default=None, description="how to log in; found out from what is given")
    tenant_id: str | None = Field(default=None, description="directory (tenant) id or domain")
    client_id: str | None = Field(default=None, description="application id of the app registration")
    client_secret: SecretStr | None = Field(default=None, description="value of the secret, not its id")
    certificate: SecretStr | None = Field(default=None, description="PEM text of the app's key and certificate")
    certificate_file: Path | None = None
    certificate_password: SecretStr | None = None
    refresh_token: SecretStr | None = None
    access_token: SecretStr | None = Field(default=None, description="a token made elsewhere; ends when it expires")
    authority: str = Field(default=AUTHORITY, description="where tokens are issued; national clouds have their own")
    token_url: str | None = Field(default=None, description="token endpoint, where it is not the authority's usual one")
    ca_file: Path | None = Field(default=None, description="certificates of a private authority, PEM")
    api_version: str = Field(default="9.2", pattern=r"^v?9\.\d$")

    concurrency: int = Field(default=8, ge=1, le=52, description="most requests at once; the server may want fewer")
    connect_timeout: float = Field(default=30, gt=0)
    read_timeout: float = Field(default=150, gt=0)
    attempts: int = Field(default=5, ge=1, le=20, description="times a request that may be repeated is tried")
    backoff_seconds: float = Field(default=1.0, ge=0)
    patience_seconds: float = Field(default=300, ge=0, description="longest pause the server may ask for within a read")

    overlap_seconds: int = Field(default=300, ge=0, description="how far a read by stamps goes back again")
    lag_seconds: int = Field(default=60, ge=0, description="how long a save may take to become visible")
    page_size: int = Field(default=5000, ge=1, le=5000)
    change_tracking: Literal["auto", "never"] = "auto"
    bulk: Literal["auto", "never", "always"] = Field(
        default="auto", description="write many records in one message, without versions; auto: where it saves calls"
    )
    trust_secured: bool = Field(
        default=False, description="read columns under column security although nothing tells that we may"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        usable(url=self.root, authority=self.authority or AUTHORITY, token_url=self.token_url or AUTHORITY)
        self.login_flow()
        return self

    @property
    def address(self) -> str:
        """The environment's address: scheme and host."""
        parts = urlsplit(self._given)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def root(self) -> str:
        """The root of the service, without a slash at its end."""
        if urlsplit(self._given).path.strip("/"):
            return self._given.split("?", 1)[0].rstrip("/").removesuffix("/$metadata")
        return f"{self.address}/api/data/v{self.api_version.lstrip('v')}"

    @property
    def foreign(self) -> bool:
        """Whether the address is that of another server's service."""
        return "/api/data/v" not in f"{self.root}/"

    @property
    def _given(self) -> str:
        given = self.url.strip().rstrip("/")
        if "://" in given:
            return given
        return f"https://{given if '.' in given else given + '.crm.dynamics.com'}"

    @property
    def token_address(self) -> str:
        """Where tokens are asked for."""
        return self.token_url or f"{self.authority.rstrip('/')}/{self.tenant_id}/oauth2/v2.0/token"

    def login_flow(self) -> Flow:
        """The way to log in. Raises ValueError, naming what is missing."""
        there = given(self)
        flow = self.flow or way(NEEDS, there)
        if flow is None and is_loopback(urlsplit(self._given).hostname):
            flow = "none"
        if flow is None:
            raise ValueError("no way to log in: set tenant_id, client_id and client_secret, or certificate_file")
        tenant = flow in ("certificate", "client_secret", "refresh_token") and not there & {"tenant_id", "token_url"}
        demand(flow, (*NEEDS.get(flow, ()), *(["tenant_id"] if tenant else [])), there)
        if flow == "none" and not is_loopback(urlsplit(self._given).hostname):
            raise ValueError("only a server on this machine is spoken to without a log-in")
        return flow

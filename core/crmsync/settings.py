"""What can be configured: a TOML file, a secrets directory and environment variables, checked before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from crmsync.errors import SettingsError
from crmsync.model import Condition, Winner
from crmsync.pacing import Claim, Claims
from crmsync.sources import (
    PREFIX,
    Sources,
    Variables,
    explain,
    merged,
    plain_key,
    read_toml,
    read_variables,
    secret_texts,
    unknown,
)

DEFAULT_FILE = "crmsync.toml"
USUAL_PAUSE = 300.0
CALLS_OF_IDLE_CYCLE = 3
DAY = 86_400

M = TypeVar("M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class FieldSettings(_Strict):
    """Which fields move and into which columns, beyond the defaults. A field is written "Object.Field"."""

    include: list[str] = []
    exclude: list[str] = []
    rename: dict[str, str] = {}
    join: list[list[str]] = []
    split: list[str] = []
    winner: dict[str, Winner] = {}
    block: dict[str, list[Literal["crm", "marketing"]]] = {}


class WhereSettings(_Strict):
    """One test on a field of an object; records that fail it are not synced."""

    field: str
    op: Literal["=", "!=", "<", "<=", ">", ">=", "in"] = "="
    value: bool | int | float | str | list[bool | int | float | str] | None = None

    @model_validator(mode="after")
    def _list_for_in(self) -> WhereSettings:
        if isinstance(self.value, list) is not (self.op == "in"):
            raise ValueError('the operator "in" takes a list of values, and every other one a single value')
        return self

    def condition(self) -> Condition:
        """The test in the contract's form."""
        value = tuple(self.value) if isinstance(self.value, list) else self.value
        return Condition(field=self.field, op=self.op, value=value)


class ObjectSettings(_Strict):
    """Which objects take part, and which of their records."""

    enable: list[str] = []
    disable: list[str] = []
    where: dict[str, list[WhereSettings]] = {}


class ProgramSettings(_Strict):
    """Which columns of program members are joined to fields of campaign members, written "Object.Field"."""

    member_fields: dict[str, str] = {}


class DefaultSettings(_Strict):
    """What a person who lacks it is given when it is first sent to the CRM."""

    last_name: str = ""
    company: str = ""


class ConnectionSettings(_Strict):
    """One CRM org joined to one marketing database."""

    connector: str
    database: Path
    pause: float = Field(default=USUAL_PAUSE, ge=0)
    enabled: bool = True
    quota_share: float = Field(default=0.8, gt=0, le=1)
    quota_pulls: float = Field(default=0.9, gt=0, le=1)
    quota_pushes: float = Field(default=0.95, gt=0, le=1)
    match: list[Literal["email"]] = []
    retries: int = Field(default=5, ge=0)
    owner_mail: bool = False
    schema_every: float = Field(default=3600, ge=0)
    memory_mb: int = Field(default=64, ge=8)
    activities: list[str] = []
    activities_every: float = Field(default=DAY, ge=0)
    settings: dict[str, Any] = Field(default_factory=dict, repr=False, exclude=True)
    defaults: DefaultSettings = Field(default_factory=DefaultSettings)
    fields: FieldSettings = Field(default_factory=FieldSettings)
    objects: ObjectSettings = Field(default_factory=ObjectSettings)
    programs: ProgramSettings = Field(default_factory=ProgramSettings)
    _sources: Sources = PrivateAttr(default_factory=Sources)

    @field_validator("database", mode="before")
    @classmethod
    def _a_file(cls, value: object) -> object:
        if "://" in str(value):
            raise ValueError("the path of an SQLite file is expected; other databases are not supported yet")
        return value

    @model_validator(mode="after")
    def _better_claims_last(self) -> ConnectionSettings:
        if self.quota_pulls > self.quota_pushes:
            raise ValueError("quota_pulls must not be larger than quota_pushes: pushes have the better claim")
        return self

    @property
    def claims(self) -> Claims:
        """Which part of `quota_share` pulls, pushes and actions may use up."""
        return Claims(pulls=Claim("pulls", self.quota_pulls), pushes=Claim("pushes", self.quota_pushes))

    @property
    def remarks(self) -> list[str]:
        """What is allowed but has a price the operator should know."""
        if self.pause >= USUAL_PAUSE:
            return []
        calls = int(DAY / max(self.pause, 1.0)) * CALLS_OF_IDLE_CYCLE
        usual = int(DAY / USUAL_PAUSE) * CALLS_OF_IDLE_CYCLE
        return [
            f"A pause of {self.pause:g} seconds costs up to {calls:,} API calls a day; the usual 300 cost {usual:,}."
        ]


class Settings(_Strict):
    """Everything: the connections by name, and how to log."""

    log: Literal["console", "json"] = "console"
    connections: dict[str, ConnectionSettings] = {}

    @field_validator("connections")
    @classmethod
    def _apart(cls, connections: dict[str, ConnectionSettings]) -> dict[str, ConnectionSettings]:
        owners: dict[Path, str] = {}
        for name, one in connections.items():
            if not name.replace("-", "_").isidentifier() or "__" in name:
                raise ValueError(f"{name!r} cannot name a connection: letters, digits, - and _ are allowed")
            other = owners.setdefault(one.database, name)
            if other != name:
                raise ValueError(f"{other!r} and {name!r} share a database; each connection needs its own")
        return connections


def load_settings(path: Path | str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Environment over secrets directory over TOML file (default crmsync.toml). Relative paths start at the file.

    Raises SettingsError that names the key, the source it came from and what is expected there; never a secret.
    """
    environ = os.environ if environ is None else environ
    named = path or environ.get("CRMSYNC_SETTINGS")
    file = Path(named or DEFAULT_FILE).absolute()
    folder = environ.get("CRMSYNC_SECRETS_DIR")
    texts, places = read_variables(environ, Path(folder or file.parent / "secrets"), required=bool(folder))
    sources = Sources(file, texts, places)
    _check_keys(sources)
    tables = read_toml(file) if named or file.exists() or not texts else {}
    given = _under_its_name(Variables(Settings, texts, PREFIX)(), tables)
    try:
        settings = Settings.model_validate(merged(tables, given))
    except ValidationError as error:
        raise explain(error, Settings, sources) from None
    for one in settings.connections.values():
        one._sources = sources  # noqa: SLF001 - this module's own
        one.database = file.parent / one.database.expanduser()
    return settings


def _check_keys(sources: Sources) -> None:
    known = list(Settings.model_fields)
    for key, place in sources.places.items():
        if key[0] not in known and (len(key) > 1 or get_close_matches(key[0], known)):
            raise SettingsError(unknown(key[:1], place, known))


def _under_its_name(given: dict[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    """Variables cannot spell every name: `acme_prod` in one is the connection `Acme-Prod` of the file."""
    connections, known = given.get("connections"), tables.get("connections")
    if not isinstance(connections, dict) or not isinstance(known, dict):
        return given
    names = {plain_key([name]): name for name in known}
    return {**given, "connections": {names.get(plain_key([name]), name): one for name, one in connections.items()}}


def connector_settings(connection: ConnectionSettings, model: type[M], name: str = "") -> M:
    """The connector's own settings in its own model. Raises SettingsError; no value of theirs is in its text.

    Relative paths start at the settings file.
    """
    sources = connection._sources  # noqa: SLF001 - this module's own
    at = ("connections", name, "settings")
    given = Variables(model, sources.texts, PREFIX + "__".join(plain_key(at)) + "__")()
    fields = {known.lower(): known for known in model.model_fields}
    below = {fields.get(key.lower(), key): value for key, value in connection.settings.items()}
    values = merged(below, given)
    _check_names(model, values, sources, at)
    try:
        return model.model_validate(_from_file(model, values, sources))
    except ValidationError as error:
        message = explain(error, model, sources, at).message
        for secret in secret_texts(model, values):
            message = message.replace(secret, "**********")
        raise SettingsError(message) from None


def _check_names(model: type[BaseModel], values: Mapping[str, Any], sources: Sources, at: tuple[str, ...]) -> None:
    known = [alias for one in model.model_fields.values() for alias in (one.alias, one.validation_alias) if alias]
    if any(not isinstance(alias, str) for alias in known) or model.model_config.get("extra") == "allow":
        return
    names = [*model.model_fields, *map(str, known)]
    for key in values:
        if key not in names:
            raise SettingsError(unknown((*at, key), sources.place((*at, key)), names))


def _from_file(model: type[BaseModel], values: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    whole = dict(values)
    for name, one in model.model_fields.items():
        value = whole.get(name)
        if isinstance(value, str) and sources.file is not None and Path in (one.annotation, *get_args(one.annotation)):
            whole[name] = str(sources.file.parent / Path(value).expanduser())
    return whole

"""Where settings come from, and how an error names the key and the source that are wrong.

The environment wins over the secrets directory, which wins over the TOML file. A secret file is read as if it were an
environment variable of its name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource

from crmsync.errors import SettingsError

PREFIX = "CRMSYNC_"
NOT_KEYS = ("settings", "secrets_dir", "trace_hooks")
"""Variables with the prefix that say where and how, not what."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """What was given where. `texts` are the variables and secret files by lower-case name; it is never printed."""

    file: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    places: Mapping[Key, str] = field(default_factory=dict, repr=False)

    def place(self, key: Key) -> str:
        """Where the value under this key came from, for an error."""
        plain = plain_key(key)
        for given, place in self.places.items():
            if plain[: len(given)] == given:
                return place
        return self.file.name if self.file is not None else "settings"


def plain_key(key: Sequence[object]) -> Key:
    """A key as variables spell it: in lower case, without dashes."""
    return tuple(str(part).lower().replace("-", "_") for part in key)


class Variables(EnvSettingsSource):
    """Environment variables as pydantic-settings reads them for `model`, from a mapping."""

    def __init__(self, model: type[BaseModel], texts: Mapping[str, str], prefix: str) -> None:
        self._texts = texts
        super().__init__(
            cast("type[BaseSettings]", model),
            case_sensitive=False,
            env_prefix=prefix.lower(),
            env_nested_delimiter="__",
        )

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._texts

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The value as JSON; as it is where it is none, for the model to say what it expected."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables, key by key; `over` wins."""
    whole = dict(under)
    for name, value in over.items():
        below = whole.get(name)
        whole[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return whole


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises SettingsError."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}.") from None
    except FileNotFoundError:
        raise SettingsError(f"There is no settings file {file}.", hint="`crmsync init` writes one.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}.") from None


def read_variables(
    environ: Mapping[str, str], secrets: Path, *, required: bool
) -> tuple[dict[str, str], dict[Key, str]]:
    """Texts by name, and places by key, of what environment and secrets directory give. Raises SettingsError."""
    texts: dict[str, str] = {}
    places: dict[Key, str] = {}
    named = [(name, text, f"environment variable {name}") for name, text in sorted(environ.items())]
    named += [(file.name, _text(file), f"secret file {file}") for file in _secret_files(secrets, required=required)]
    for name, text, place in named:
        key = plain_key(name[len(PREFIX) :].split("__"))
        if name.upper().startswith(PREFIX) and (len(key) > 1 or key[0] not in NOT_KEYS):
            texts.setdefault(name.lower(), text)
            places.setdefault(key, place)
    return texts, places


def _secret_files(folder: Path, *, required: bool) -> list[Path]:
    if not folder.is_dir():
        if required:
            raise SettingsError(f"The secrets directory {folder} (CRMSYNC_SECRETS_DIR) does not exist.")
        return []
    return [file for file in sorted(folder.iterdir()) if file.is_file() and file.name.upper().startswith(PREFIX)]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The secret file {file} cannot be read: {type(error).__name__}.") from None


def explain(error: ValidationError, model: type[BaseModel], sources: Sources, at: Key = ()) -> SettingsError:
    """What is wrong, a sentence a key, with the source and what is expected. Values of a connector are not echoed."""
    told = [_sentence(one, model, sources, at) for one in error.errors(include_url=False)]
    return SettingsError("\n".join(dict.fromkeys(told)))


def _sentence(one: ErrorDetails, model: type[BaseModel], sources: Sources, at: Key) -> str:
    key = (*at, *map(str, one["loc"]))
    name, place = ".".join(key), sources.place(key)
    if one["type"] == "missing":
        variable = "__".join(plain_key(key))
        return (
            f"{name} is missing: set it in {sources.place(())}, as environment variable {PREFIX}{variable.upper()}"
            f" or as secret file {PREFIX.lower()}{variable}."
        )
    if one["type"] == "extra_forbidden":
        return unknown(key, place, _choices(model, one["loc"][:-1]))
    expected = one["msg"].removeprefix("Value error, ")
    got = f", not {one['input']!r}" if not at and isinstance(one["input"], str | int | float) else ""
    return f"{name} ({place}): {expected[:1].lower()}{expected[1:]}{got}."


def unknown(key: Key, place: str, choices: Sequence[str]) -> str:
    """That a key means nothing, and which one was probably meant."""
    near = get_close_matches(key[-1], choices, n=2)
    meant = f"did you mean {' or '.join(near)}?" if near else f"known here: {', '.join(choices) or 'nothing'}."
    return f"{'.'.join(key)} ({place}) is unknown; {meant}"


def _choices(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    here: Any = model
    for part in loc:
        fields = here.model_fields if _is_model(here) else {}
        here = fields[str(part)].annotation if part in fields else next(iter(get_args(here)[-1:]), None)
    return list(here.model_fields) if _is_model(here) else []


def _is_model(what: Any) -> bool:
    return isinstance(what, type) and issubclass(what, BaseModel)


def secret_texts(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    """Every text given for a secret field, so that it can be kept out of messages."""
    for name, one in model.model_fields.items():
        value = values.get(name)
        kinds = [one.annotation, *get_args(one.annotation)]
        if isinstance(value, str) and value and (SecretStr in kinds or SecretBytes in kinds):
            yield value
        for kind in kinds:
            if _is_model(kind) and isinstance(value, Mapping):
                yield from secret_texts(cast("type[BaseModel]", kind), value)

"""How `init` writes: a table for the connection in the settings file, each secret in a file of its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from crmsync.cli import toml
from crmsync.cli.answers import is_secret
from crmsync.errors import SettingsError
from crmsync.sources import PREFIX

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")

HEAD = "Settings of crmsync; docs/configuration.md explains every key. Secrets are not here but in files of their own."


def named(name: str) -> str:
    """The name, if a connection may have it: environment variables and secret files are named after it."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"A connection cannot be called {name!r}.",
            hint="Use lower case letters, then digits too, with single _ or - between.",
        )
    return name


def add(file: Path, name: str, connection: Mapping[str, Any], *, replace: bool) -> None:
    """Add a connection to the file, which is made where there is none; what stands in it is left as it is.

    One of the same name is replaced only if `replace`. Raises SettingsError.
    """
    text = file.read_text("utf-8") if file.exists() else ""
    try:
        known = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}.", hint="Nothing was changed.") from None
    table = {"connections": {named(name): connection}}
    if name in known.get("connections", {}):
        if not replace:
            raise SettingsError(
                f"{file} has a connection {name!r}.", hint="--force replaces it; another NAME adds one."
            )
        known["connections"][name] = connection
        text = toml.dumps(known, comment=HEAD)
    elif text:
        text = f"{text.rstrip()}\n{toml.dumps(table)}"
    else:
        text = toml.dumps(table, comment=HEAD)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a table that is written in one line takes no more
        raise SettingsError(f"{file} is written in a way that nothing can be added to; add it by hand.") from None
    file.parent.mkdir(parents=True, exist_ok=True)
    toml.write_private(file, text)


def split(values: Mapping[str, Any], model: type[BaseModel]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings that may stand in the file, and the secrets; what the model does not know is taken for a secret."""
    secret = {key for key in values if key not in model.model_fields or is_secret(model.model_fields[key])}
    plain = {key: value for key, value in values.items() if key not in secret}
    return plain, {key: _revealed(values[key]) for key in values if key in secret}


def _revealed(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value.get_secret_value().decode() if isinstance(value, SecretBytes) else str(value)


def save_secrets(folder: Path, name: str, secrets: Mapping[str, str]) -> list[Path]:
    """Write each secret to its file, for its owner alone; returns the files."""
    if secrets:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = []
    for key, value in secrets.items():
        path = folder / f"{PREFIX.lower()}connections__{name}__settings__{key}"
        toml.write_private(path, value)
        paths.append(path)
    return paths

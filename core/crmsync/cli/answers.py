"""A connector's settings, taken from flags and from a person, by its own model."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typer
from msgspec import Struct
from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from crmsync.errors import SettingsError


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting must never be shown."""
    return _holds_secret(field.annotation)


def _holds_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(map(_holds_secret, get_args(annotation)))


def parse(given: Sequence[str], model: type[BaseModel]) -> dict[str, Any]:
    """KEY=VALUE texts as settings of `model`. Raises SettingsError for a key that it does not have."""
    values: dict[str, Any] = {}
    for one in given:
        key, equals, text = one.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise SettingsError(f"--set {key}: a value is missing.", hint="Write --set KEY=VALUE.")
        if key not in model.model_fields:
            near = get_close_matches(key, model.model_fields, n=2)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"It has: {', '.join(model.model_fields)}."
            raise SettingsError(f"The connector has no setting {key!r}.", hint=hint)
        values[key] = _value(_read(key, text), model.model_fields[key])
    return values


def _read(key: str, text: str) -> str:
    if text == "-":
        return sys.stdin.read().rstrip("\r\n")
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The file {text[1:]} for {key} cannot be read: {error.__class__.__name__}.") from None


def _value(text: str, field: FieldInfo) -> Any:
    """Lists, tables, numbers and truth values as in TOML, where the setting is no text."""
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    if any(kind in (str, SecretStr, SecretBytes, Path) for kind in kinds):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


class Answers(Struct):
    """What is known so far, and the questions for the rest."""

    model: type[BaseModel]
    values: dict[str, Any]

    def error(self) -> ValidationError | None:
        """What is still wrong or missing."""
        try:
            self.model.model_validate(self.values)
        except ValidationError as error:
            return error
        return None

    def ask(self) -> None:
        """Ask for what is required, then for what may be left out, until it is enough; secrets are not shown."""
        fields = self.model.model_fields
        for key, field in fields.items():
            if field.is_required() and key not in self.values:
                self._ask(key, field)
        for key, field in fields.items():
            if self.error() is None:
                return
            if key not in self.values and not field.is_required() and field.get_default() in (None, ""):
                self._ask(key, field, note="Enter to leave it out", default="")

    def _ask(self, key: str, field: FieldInfo, *, note: str = "", default: str | None = None) -> None:
        about = "; ".join(filter(None, [field.description, note]))
        text = f"{key} ({about})" if about else key
        given = typer.prompt(text, hide_input=is_secret(field), default=default, show_default=False)
        if given:
            self.values[key] = _value(given, field)


def wrong(error: ValidationError, model: type[BaseModel]) -> str:
    """What is wrong or missing, a setting each; a value is shown only where it is no secret."""
    return "; ".join(_line(one, model) for one in error.errors(include_url=False, include_context=False))


def _line(one: Mapping[str, Any], model: type[BaseModel]) -> str:
    said = one["msg"].removeprefix("Value error, ")
    if not one["loc"]:
        return str(said)
    key = ".".join(map(str, one["loc"]))
    if one["type"] == "missing":
        return f"{key} is missing (--set {key}=…)"
    field = model.model_fields.get(str(one["loc"][0]))
    shown = f", not {one['input']!r}" if field is not None and not is_secret(field) else ""
    return f"{key}: {said}{shown}"

"""A connector's settings checked: addresses that may be used, and the way to log in by what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from crmsync.errors import SettingsError
from crmsync.http import checked

F = TypeVar("F", bound=str)


def usable(**addresses: str) -> None:
    """Make sure of the addresses of settings. Raises ValueError, naming the one that may not be used."""
    for key, address in addresses.items():
        try:
            checked(address)
        except SettingsError as error:
            raise ValueError(f"{key}: {error}".removesuffix(".")) from error


def given(settings: BaseModel) -> set[str]:
    """The settings that have a value; one that is read from a file, `key_file`, counts as `key` too."""
    there = {name for name in type(settings).model_fields if getattr(settings, name) not in (None, "")}
    return there | {name.removesuffix("_file") for name in there}


def way(needs: Mapping[F, Sequence[str]], there: set[str]) -> F | None:
    """The first way to log in whose needs are met."""
    return next((flow for flow, names in needs.items() if there.issuperset(names)), None)


def demand(flow: str, names: Sequence[str], there: set[str]) -> None:
    """Make sure that a way to log in has what it needs. Raises ValueError, naming what is missing."""
    missing = [name for name in names if name not in there]
    if missing:
        raise ValueError(f"to log in by {flow}, set {', '.join(missing)}")

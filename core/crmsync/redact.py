"""Hide secrets in whatever is about to be shown."""

from __future__ import annotations

import re
from typing import Any

from pydantic import SecretBytes, SecretStr

HIDDEN = "**********"

_SECRET_NAME = re.compile(r"(?i)(secret|passw|token|credential|authorization|private_?key|api_?key|cookie|assertion)")
_SECRET_TEXT = re.compile(
    r"""(?ix) ( \b (?:bearer|basic) \s+ (?=\S*[\d!=/+])      # of a header, and not "basic authentication"
    | [\w-]* (?:secret|passw(?:or)?d|token|assertion) (?:=|["']\s*:\s*["'])  # of a form or of JSON, and not a sentence
    | [?&;] (?:code|sid) = ) [^\s"'&,;]{6,}"""
)


def named_secret(name: str) -> bool:
    """Whether a value of that name is to be hidden, whatever it is."""
    return bool(_SECRET_NAME.search(name))


def clean(value: Any) -> Any:
    """A value with every secret in it hidden, however deep it lies."""
    if isinstance(value, SecretStr | SecretBytes):
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXT.sub(rf"\g<1>{HIDDEN}", value)
    if isinstance(value, dict):
        return {name: HIDDEN if _SECRET_NAME.search(str(name)) else clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return value

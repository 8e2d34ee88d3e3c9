"""Signed assertions: a log-in without a password, by a private key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from crmsync.errors import SettingsError


def signed(claims: Mapping[str, Any], pem: bytes, password: bytes | None) -> str:
    """The claims, signed with an RSA key. Raises SettingsError for a key that cannot be read."""
    try:
        key: Any = load_pem_private_key(pem, password)
        return jwt.encode(dict(claims), key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise SettingsError("private_key is no readable RSA key in PEM.", hint=type(error).__name__) from error

"""Signed assertions, by which an app logs in with a certificate in place of a secret."""

from __future__ import annotations

import base64
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from crmsync.errors import SettingsError
from crmsync_dynamics.settings import DynamicsSettings


def assertion(settings: DynamicsSettings, claims: dict[str, Any]) -> str:
    """The claims, signed with the key and naming the certificate. Raises SettingsError for a file that is neither."""
    pem = _pem(settings)
    word = settings.certificate_password
    try:
        shown = x509.load_pem_x509_certificate(pem)
        key: Any = load_pem_private_key(pem, word.get_secret_value().encode() if word else None)
        marks = {"x5t": _mark(shown.fingerprint(SHA1())), "x5t#S256": _mark(shown.fingerprint(SHA256()))}  # noqa: S303 - names the certificate
        return jwt.encode(claims, key, algorithm="RS256", headers=marks)
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        said = "The certificate is no PEM text with an RSA key and its certificate."
        raise SettingsError(said, hint=f"Put both into certificate_file ({type(error).__name__}).") from error


def _pem(settings: DynamicsSettings) -> bytes:
    if settings.certificate is not None:
        return settings.certificate.get_secret_value().encode()
    assert settings.certificate_file is not None
    try:
        return settings.certificate_file.read_bytes()
    except OSError as error:
        raise SettingsError(f"certificate_file {str(settings.certificate_file)!r} cannot be read.") from error


def _mark(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

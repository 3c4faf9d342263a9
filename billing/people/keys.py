"""Keys for single purposes, derived from SECRET_KEY, so that an operator keeps one secret."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived_key(secret_key: str, purpose: str) -> bytes:
    """32 bytes for `purpose`, URL-safe base64: the form that Fernet takes.

    HKDF, RFC 5869. What a key has encrypted (authenticator secrets, recovery codes) is lost
    when SECRET_KEY changes; passwords are not.
    """
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"portal:{purpose}".encode())
    return base64.urlsafe_b64encode(hkdf.derive(secret_key.encode()))

"""A software authenticator: what a phone or a security key does with a passkey.

WebAuthn level 2: "none" attestation, ES256 keys, user verification as told.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import struct
from html import unescape
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def options_of(page: str) -> dict[str, Any]:
    """What the page asks of the passkey: the form's data attribute."""
    return json.loads(unescape(re.search(r'data-options="([^"]+)"', page)[1]))


def action_of(page: str) -> str:
    """Where the form of the passkey's answer goes."""
    return unescape(re.search(r'action="([^"]+)" data-passkey', page)[1])


class Passkey:
    """One credential; `verifies` is whether it asks its owner for a fingerprint or PIN."""

    def __init__(self, origin: str, *, verifies: bool = True):
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.flags = PRESENT | (VERIFIED if verifies else 0)
        self.count = 0
        self.user_handle = b""

    def create(self, options: dict[str, Any]) -> str:
        """The browser's answer to the options of a registration."""
        padded = options["user"]["id"] + "=="
        self.user_handle = base64.urlsafe_b64decode(padded)
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(cose)
        data = self._authenticator_data(options["rp"]["id"], ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            attestationObject=text(attestation),
            clientDataJSON=text(self._client_data("webauthn.create", options["challenge"])),
            transports=["internal"],
        )

    def get(self, options: dict[str, Any], *, signed_by: Passkey | None = None) -> str:
        """The browser's answer to the options of a sign-in."""
        self.count += 1
        data = self._authenticator_data(options["rpId"])
        client = self._client_data("webauthn.get", options["challenge"])
        key = (signed_by or self).key
        signature = key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            authenticatorData=text(data),
            clientDataJSON=text(client),
            signature=text(signature),
            userHandle=text(self.user_handle),
        )

    def _answer(self, **response: Any) -> str:
        return json.dumps(
            {
                "id": text(self.id),
                "rawId": text(self.id),
                "type": "public-key",
                "extensions": "{}",
                "response": response,
            }
        )

    def _authenticator_data(self, host: str, more: int = 0) -> bytes:
        return (
            hashlib.sha256(host.encode()).digest()
            + bytes([self.flags | more])
            + struct.pack(">I", self.count)
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

"""A passkey in software: what a browser and its key answer to the options of a page (WebAuthn Level 2, ES256, no attestation)."""

import hashlib
import html
import json
import re
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

Flag = AuthenticatorData.FLAG


def options_of(page: str) -> dict[str, Any]:
    """The options that a page hands to the browser."""
    found = re.search(r'data-options="([^"]*)"', page)
    assert found is not None
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


class SoftwareKey:
    """One passkey. `origin` is where its browser is, `verifies` whether it checks its person."""

    def __init__(self, origin: str = "https://testserver", *, verifies: bool = True) -> None:
        self.origin = origin
        self.verifies = verifies
        self.counter = 0
        self.id = secrets.token_bytes(32)
        self.handle = b""
        self.place = ""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any], **changes: Any) -> str:
        """The answer to the page's wish for a new passkey, as the form sends it."""
        self.place, self.handle = options["rp"]["id"], websafe_decode(options["user"]["id"])
        point = self._key.public_key().public_numbers()
        public = ES256(
            {1: 2, 3: ES256.ALGORITHM, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        data = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        made = AuthenticatorData.create(self._place_hash(), self._flags() | Flag.AT, self.counter, data)
        response = {
            "clientDataJSON": websafe_encode(self._client_data("webauthn.create", options)),
            "attestationObject": websafe_encode(AttestationObject.create("none", made, {})),
        }
        return self._answer(response, changes)

    def get(self, options: dict[str, Any], **changes: Any) -> str:
        """The answer to the page's question for a passkey, as the form sends it."""
        self.counter += 1
        client = self._client_data("webauthn.get", options)
        data = AuthenticatorData.create(self._place_hash(), self._flags(), self.counter)
        signed = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signed),
            "userHandle": websafe_encode(self.handle),
        }
        return self._answer(response, changes)

    def _answer(self, response: dict[str, str], changes: dict[str, Any]) -> str:
        name = websafe_encode(self.id)
        fields = {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(fields | changes)

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        return bytes(CollectedClientData.create(kind, options["challenge"], self.origin))

    def _place_hash(self) -> bytes:
        return hashlib.sha256(self.place.encode()).digest()

    def _flags(self) -> AuthenticatorData.FLAG:
        return Flag.UP | Flag.UV if self.verifies else Flag.UP

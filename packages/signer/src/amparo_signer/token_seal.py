"""A seal whose key stays in a PKCS#11 token (an HSM, a smart card, SoftHSM2): the token itself encrypts and opens.

Imported only when a token is asked for: needs the extra `amparo-signer[pkcs11]`. A session is opened for every seed and
closed again, so that a token that was unplugged or restarted in between is no trouble. Calls follow one another, never at
once. LIMIT: the 12-byte nonce is chosen here; a token in FIPS mode that insists on choosing it is refused by its own error.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import pkcs11  # type: ignore[import-not-found, unused-ignore]  # an optional extra, typed where it is installed

from amparo_common.secret import Secret
from amparo_signer.errors import SeedDamaged, TokenUnusable
from amparo_signer.seal import NONCE_BYTES

_TAG_BITS = 128


class TokenSeal:
    """AES-256-GCM under the key `key_label` of the token `token_label`, through the PKCS#11 library `module`."""

    def __init__(self, module: str, token_label: str, key_label: str, pin: Secret) -> None:
        """Raises `TokenUnusable` at once when the key cannot be reached."""
        self._module, self._token_label, self._key_label, self._pin = module, token_label, key_label, pin
        self.mark = hashlib.sha256(f"amparo sealing key in a token\n{key_label}".encode()).hexdigest()[:16]
        with self._key():
            pass

    def close_up(self, content: bytes, associated: bytes) -> bytes:
        """Nonce, then ciphertext and tag. Raises `TokenUnusable`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        with self._key() as key:
            return nonce + bytes(key.encrypt(content, **_gcm(nonce, associated)))

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """The content. Raises `SeedDamaged`, `TokenUnusable`."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        with self._key() as key:
            try:
                return bytes(key.decrypt(ciphertext, **_gcm(nonce, associated)))
            except pkcs11.PKCS11Error as error:
                raise SeedDamaged("A seed cannot be opened.") from error

    @contextlib.contextmanager
    def _key(self) -> Iterator[Any]:  # the binding's own types do not know that this key encrypts
        try:
            token = pkcs11.lib(self._module).get_token(token_label=self._token_label)
            with token.open(user_pin=self._pin.reveal().decode()) as session:
                yield session.get_key(object_class=pkcs11.ObjectClass.SECRET_KEY, label=self._key_label)
        except pkcs11.PKCS11Error as error:
            raise TokenUnusable(f"The token refused: {type(error).__name__}.") from error


def _gcm(nonce: bytes, associated: bytes) -> dict[str, object]:
    return {
        "mechanism": pkcs11.Mechanism.AES_GCM,
        "mechanism_param": pkcs11.GCMParams(nonce, associated, _TAG_BITS),
    }

"""ES256 keys and compact JWS (RFC 7515, 7518, 7638): how receipts and messages between the parts are signed.

Guarantees: exactly one algorithm (ES256), one header form, and a `typ` that the reader names beforehand, so that a
signature made for one purpose is never valid for another. Not here: keys on disk (`amparo_service.keys`), the log's
Ed25519 notes (`amparo_log.note`).
"""

import base64
import hashlib
from typing import final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from amparo_common import canonical
from amparo_common.errors import BadKey, BadSignature

_ES256 = ec.ECDSA(hashes.SHA256())
_CURVE = ec.SECP256R1()


class PublicJwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A P-256 public key as a JWK (RFC 7517): kty "EC", crv "P-256", x and y base64url."""

    x: str
    y: str
    crv: str = "P-256"
    kty: str = "EC"


def b64url(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """The reverse of `b64url`; exactly one spelling is accepted. Raises `BadSignature`."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadSignature("A signed document cannot be read.") from error
    if b64url(data) != text:
        raise BadSignature("A signed document is written in an unusual way.")
    return data


@final
class VerifyingKey:
    """A P-256 public key. `kid` is its RFC 7638 thumbprint (SHA-256, base64url)."""

    def __init__(self, jwk: PublicJwk) -> None:
        if (jwk.kty, jwk.crv) != ("EC", "P-256"):
            raise BadKey("This is not a P-256 key.")
        try:
            x, y = unb64url(jwk.x), unb64url(jwk.y)
            if len(x) != 32 or len(y) != 32:
                raise BadKey("A coordinate of the key has the wrong length.")
            self._key = ec.EllipticCurvePublicNumbers(
                int.from_bytes(x, "big"), int.from_bytes(y, "big"), _CURVE
            ).public_key()
        except (ValueError, BadSignature) as error:
            raise BadKey("The key is not a point of the curve P-256.") from error
        self.jwk = jwk
        self.kid = b64url(hashlib.sha256(canonical.encode(jwk)).digest())

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raises `BadSignature` unless `signature` (64 bytes, r || s) is this key's over `message`."""
        if len(signature) != 64:
            raise BadSignature("The signature has the wrong length.")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            self._key.verify(encode_dss_signature(r, s), message, _ES256)
        except InvalidSignature as error:
            raise BadSignature("The signature is not valid.") from error


@final
class SigningKey:
    """A P-256 private key. Printing it shows only its `kid`."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        self.public = VerifyingKey(PublicJwk(x=b64url(x), y=b64url(y)))

    @classmethod
    def generate(cls) -> "SigningKey":
        """A fresh key from the operating system's randomness."""
        return cls(ec.generate_private_key(_CURVE))

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """A key as `to_pem` wrote it. Raises `BadKey`."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise BadKey("The private key file cannot be read.") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise BadKey("The private key file holds another kind of key.")
        return cls(key)

    def to_pem(self) -> bytes:
        """The key as unencrypted PKCS#8 PEM: for a file that only its service can read."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def kid(self) -> str:
        """The key id of the public half."""
        return self.public.kid

    def sign(self, message: bytes) -> bytes:
        """64 bytes r || s (RFC 7518 section 3.4)."""
        r, s = decode_dss_signature(self._key.sign(message, _ES256))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def __repr__(self) -> str:
        return f"<SigningKey {self.kid}>"


class CompactSigner:
    """Signs many payloads of one `typ` with one key: the header is made once."""

    def __init__(self, key: SigningKey, typ: str) -> None:
        self._sign = key.sign
        self._head = b64url(_header(key.kid, typ)).encode() + b"."

    def sign(self, payload: bytes) -> str:
        """`payload` as a compact JWS."""
        signed = self._head + base64.urlsafe_b64encode(payload).rstrip(b"=")
        return (signed + b"." + base64.urlsafe_b64encode(self._sign(signed)).rstrip(b"=")).decode()


def _header(kid: str, typ: str) -> bytes:
    return canonical.encode({"alg": "ES256", "kid": kid, "typ": typ})


def sign_compact(payload: bytes, key: SigningKey, *, typ: str) -> str:
    """`payload` as a compact JWS with ES256 and the given `typ`."""
    return CompactSigner(key, typ).sign(payload)


def read_kid(token: str) -> str:
    """The key id that a compact JWS claims. Claims prove nothing: verify with that key next. Raises `BadSignature`."""
    return _read_header(token)["kid"]


def verify_compact(token: str, key: VerifyingKey, *, typ: str) -> bytes:
    """The payload of `token`. Raises `BadSignature` unless `key` signed it as exactly this `typ`."""
    head, payload, signature = _split(token)
    if unb64url(head) != _header(key.kid, typ):
        raise BadSignature("The document was signed with another key or for another purpose.")
    key.verify(f"{head}.{payload}".encode(), unb64url(signature))
    return unb64url(payload)


def read_unverified(token: str) -> bytes:
    """The payload without checking anything, to find out which key to check with. Raises `BadSignature`."""
    return unb64url(_split(token)[1])


def _split(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise BadSignature("This is not a signed document.")
    return parts[0], parts[1], parts[2]


def _read_header(token: str) -> dict[str, str]:
    try:
        header = msgspec.json.decode(unb64url(_split(token)[0]), type=dict[str, str])
    except ValueError as error:
        raise BadSignature("This is not a signed document.") from error
    if set(header) != {"alg", "kid", "typ"}:
        raise BadSignature("A signed document has an unusual header.")
    return header

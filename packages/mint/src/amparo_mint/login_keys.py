"""The log-in service's public keys (JWKS), and what they signed (NUT-21).

Guarantees: only asymmetric signatures, each key bound to one algorithm beforehand (ES256, RS256 or EdDSA by its type). Asks no
network: the keys lie in a file, read again when it changes.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from amparo_cashu.errors import ClearAuthFalse
from amparo_mint.errors import BadConfiguration

SMALLEST_RSA_BITS = 2_048
# A signed logout notice, for one, has an issuer and a subject too.
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
_REGISTRY = jws.JWSRegistry(algorithms=["ES256", "RS256", "Ed25519"], strict_check_header=False)


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class LoginKey(msgspec.Struct, frozen=True):
    """A public key of the log-in service. `algorithm` is the only one it verifies, by its present word; `spellings` are what a
    token may call it (RFC 9864 renamed EdDSA)."""

    key: ECKey | RSAKey | OKPKey
    algorithm: str
    spellings: frozenset[str]


class LoginKeys:
    """The keys of a file. Raises `BadConfiguration` when it has none, or a secret one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._keys = read_keys(path)

    def payload(self, token: str) -> bytes:
        """What a token says, once its signature is known to be genuine. Raises `ClearAuthFalse`."""
        try:
            signed = jws.extract_compact(token.encode(), registry=_REGISTRY)
            found = self._key_for(signed.headers())
            # What is verified is the header as it was sent; this only chooses the algorithm that belongs to the key.
            signed.protected["alg"] = found.algorithm
            if not jws.validate_compact(signed, found.key, registry=_REGISTRY):
                raise ClearAuthFalse("A log-in token's signature is false.")
            return signed.payload
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            # AttributeError: the library takes any JSON value for a header.
            raise ClearAuthFalse("A log-in token cannot be read.") from error

    def _key_for(self, header: Mapping[str, Any]) -> LoginKey:
        if "crit" in header or "b64" in header or str(header.get("typ", "")).lower() not in _TYPES:
            raise ClearAuthFalse("A signed document is no log-in token.")
        keys = self._current_keys()
        kid = header.get("kid")
        found = next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(str(kid))
        if found is None or header.get("alg") not in found.spellings:
            raise ClearAuthFalse("A log-in token is not signed with a key of the log-in service.")
        return found

    def _current_keys(self) -> dict[str, LoginKey]:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._keys = read_keys(self._path)
            except BadConfiguration:
                # Half written or gone: the keys that were good stay, and the next change is read.
                return self._keys
        return self._keys


def read_keys(path: Path) -> dict[str, LoginKey]:
    """The keys of a JWKS file that verify log-in tokens, by their ids; keys of other kinds are passed over. Raises
    `BadConfiguration` when there are none, or when the file holds a private or shared key."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_KeySet).keys
        if any("d" in jwk or "k" in jwk for jwk in found):
            raise BadConfiguration(f"{path} holds a secret key; only public ones belong there.")
        keys = [(jwk, key) for jwk in found if (key := _login_key(jwk)) is not None]
    except OSError as error:
        raise BadConfiguration(
            f"The log-in service's keys, {path}, cannot be read.", why=f"{error.strerror}."
        ) from error
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise BadConfiguration(
            f"{path} is no set of public keys (JWKS).", why=f"{error}." if isinstance(error, ValueError) else None
        ) from error
    if not keys:
        raise BadConfiguration(f"{path} holds no key for ES256, RS256 or EdDSA.")
    return {str(jwk.get("kid") or key.key.thumbprint()): key for jwk, key in keys}


def _login_key(jwk: dict[str, Any]) -> LoginKey | None:
    """A key with its one algorithm; None when it is for something else."""
    use, algorithm = jwk.get("use", "sig"), jwk.get("alg")
    made: LoginKey
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            made = LoginKey(ECKey.import_key(_only(jwk, "crv", "x", "y")), "ES256", frozenset({"ES256"}))
        case "OKP", "Ed25519":
            spellings = frozenset({"EdDSA", "Ed25519"})
            made = LoginKey(OKPKey.import_key(_only(jwk, "crv", "x")), "Ed25519", spellings)
        case "RSA", _:
            _check_size(jwk)
            made = LoginKey(RSAKey.import_key(_only(jwk, "n", "e")), "RS256", frozenset({"RS256"}))
        case _:
            return None
    if use != "sig" or (algorithm is not None and algorithm not in made.spellings):
        return None
    return made


def _check_size(jwk: dict[str, Any]) -> None:
    modulus = base64.urlsafe_b64decode(jwk["n"] + "==")
    if int.from_bytes(modulus, "big").bit_length() < SMALLEST_RSA_BITS:
        raise BadConfiguration(f"A key of the log-in service is shorter than {SMALLEST_RSA_BITS:,} bits.")


def _only(jwk: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {"kty": jwk["kty"], **{each: jwk[each] for each in fields}}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)

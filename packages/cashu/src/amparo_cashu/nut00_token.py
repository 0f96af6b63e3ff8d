"""NUT-00 token format V4: `cashuB` and base64url of CBOR. The form in which a wallet hands tokens to a shop.

Keyset ids may be written short (8 bytes); `read_token` resolves them against known keysets and refuses ambiguity.
Not here: V3 (deprecated by the specification).
"""

import base64
import io
from collections.abc import Iterable
from typing import Any

import cbor2
import msgspec

from amparo_cashu.errors import BadToken
from amparo_cashu.wire import Proof

LONGEST = 100_000
MOST_PROOFS = 200
_PREFIX = "cashuB"


class Token(msgspec.Struct, frozen=True):
    """Tokens of one mint and one unit, as handed over."""

    mint: str
    unit: str
    proofs: list[Proof]


def write_token(token: Token) -> str:
    """The token as text, DLEQ included where the proofs carry it (a till needs it to verify offline)."""
    groups: dict[str, list[Proof]] = {}
    for proof in token.proofs:
        groups.setdefault(proof.id, []).append(proof)
    content = {
        "t": [{"i": bytes.fromhex(each), "p": [_pack(p) for p in proofs]} for each, proofs in groups.items()],
        "m": token.mint.rstrip("/"),
        "u": token.unit,
    }
    return _PREFIX + base64.urlsafe_b64encode(cbor2.dumps(content)).rstrip(b"=").decode()


def _pack(proof: Proof) -> dict[str, Any]:
    packed: dict[str, Any] = {"a": proof.amount, "s": proof.secret, "c": bytes.fromhex(proof.C)}
    if proof.dleq is not None:
        packed["d"] = {"e": bytes.fromhex(proof.dleq.e), "s": bytes.fromhex(proof.dleq.s)}
        if proof.dleq.r is not None:
            packed["d"]["r"] = bytes.fromhex(proof.dleq.r)
    if proof.witness is not None:
        packed["w"] = proof.witness
    return packed


def read_token(text: str, *, keysets: Iterable[str]) -> Token:
    """A token from its text. `keysets` are the known full ids. Raises `BadToken`."""
    clean = text.strip().removeprefix("cashu:")
    if not clean.startswith(_PREFIX) or len(clean) > LONGEST:
        raise BadToken("This is not a token of version 4.")
    encoded = clean.removeprefix(_PREFIX).rstrip("=")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        stream = io.BytesIO(raw)
        content = cbor2.load(stream)
        if stream.read(1):
            raise BadToken("Something follows the token.")
        return _unpack_token(content, list(keysets))
    except (ValueError, TypeError, KeyError, AttributeError, EOFError, RecursionError, cbor2.CBORError) as error:
        raise BadToken("The token cannot be read.") from error


def _unpack_token(content: Any, keysets: list[str]) -> Token:
    proofs = []
    for group in content["t"]:
        keyset = _full_id(_bytes(group["i"]), keysets)
        proofs += [_unpack(packed, keyset) for packed in group["p"]]
    if not 0 < len(proofs) <= MOST_PROOFS:
        raise BadToken(f"A token holds 1 to {MOST_PROOFS} coins.")
    token = msgspec.convert({"mint": content["m"], "unit": content["u"], "proofs": []}, Token)
    return msgspec.structs.replace(token, proofs=proofs)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise BadToken("A field of the token is not a byte string.")
    return value


def _full_id(short: bytes, keysets: list[str]) -> str:
    if len(short) == 33:
        return short.hex()
    if len(short) != 8:
        raise BadToken("A keyset id has the wrong length.")
    found = [each for each in keysets if each.startswith(short.hex())]
    if len(found) != 1:
        raise BadToken("A short keyset id does not name exactly one known keyset.")
    return found[0]


def _unpack(packed: Any, keyset: str) -> Proof:
    dleq = packed.get("d")
    proof = {
        "amount": packed["a"],
        "id": keyset,
        "secret": packed["s"],
        "C": _bytes(packed["c"]).hex(),
        "dleq": None if dleq is None else {name: _bytes(dleq[name]).hex() for name in ("e", "s", "r") if name in dleq},
        "witness": packed.get("w"),
    }
    found = msgspec.convert(proof, Proof)
    if found.amount <= 0 or len(found.C) != 66:
        raise BadToken("A coin of the token is malformed.")
    return found


def without_dleq(proof: Proof) -> Proof:
    """The proof as it may go to the mint: the blinding factor must never reach it."""
    return msgspec.structs.replace(proof, dleq=None)

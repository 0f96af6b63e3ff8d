"""NUT-00 tokens: the forms in which a wallet hands tokens to a shop or another wallet.

Version 4 (`cashuB` and base64url of CBOR, or `crawB` and the CBOR itself, for NFC) is read and written; version 3 (`cashuA` and
base64url of JSON) is only read, for wallets of others. Keyset ids may be written short (8 bytes); reading resolves them against
known keysets and refuses ambiguity. A memo is not kept: no text about people travels with money here.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from amparo_cashu import base64url
from amparo_cashu.cbor import read_cbor, write_cbor
from amparo_cashu.errors import BadToken
from amparo_cashu.wire import Proof

LONGEST = 100_000
MOST_PROOFS = 200
MOST_AMOUNT = 2**64
_PREFIX = "cashuB"
_PREFIX_3 = "cashuA"
_RAW_PREFIX = b"crawB"
# The specification has no unit for a version 3 token without one; wallets take it to be this.
_UNIT_3 = "sat"
_POINT = re.compile(r"0[23][0-9a-f]{64}")
_SCALAR = re.compile(r"[0-9a-f]{64}")


class Token(msgspec.Struct, frozen=True):
    """Tokens of one mint and one unit, as handed over."""

    mint: str
    unit: str
    proofs: list[Proof]


class _Entry3(msgspec.Struct, frozen=True):
    """Tokens of one mint in a token of version 3."""

    mint: str
    proofs: list[Proof]


class _Token3(msgspec.Struct, frozen=True):
    """A token of version 3."""

    token: list[_Entry3]
    unit: str | None = None


def write_token(token: Token) -> str:
    """The token as text, DLEQ included where the proofs carry it (a till needs it to verify offline)."""
    return _PREFIX + base64url.encode(write_cbor(_pack_token(token)))


def write_raw(token: Token) -> bytes:
    """The token as bytes, with what `write_token` has."""
    return _RAW_PREFIX + write_cbor(_pack_token(token))


def _pack_token(token: Token) -> dict[str, Any]:
    groups: dict[str, list[Proof]] = {}
    for proof in token.proofs:
        groups.setdefault(proof.id, []).append(proof)
    return {
        "t": [{"i": bytes.fromhex(each), "p": [_pack(p) for p in proofs]} for each, proofs in groups.items()],
        "m": token.mint.rstrip("/"),
        "u": token.unit,
    }


def _pack(proof: Proof) -> dict[str, Any]:
    packed: dict[str, Any] = {"a": proof.amount, "s": proof.secret, "c": bytes.fromhex(proof.C)}
    if proof.dleq is not None:
        packed["d"] = {"e": bytes.fromhex(proof.dleq.e), "s": bytes.fromhex(proof.dleq.s)}
        if proof.dleq.r is not None:
            packed["d"]["r"] = bytes.fromhex(proof.dleq.r)
    if proof.witness is not None:
        packed["w"] = proof.witness
    if proof.p2pk_e is not None:
        packed["pe"] = bytes.fromhex(proof.p2pk_e)
    return packed


def read_token(text: str, *, keysets: Iterable[str]) -> Token:
    """A token from its text, of version 4 or 3. `keysets` are the known full ids. Raises `BadToken`."""
    if len(text) > LONGEST:
        raise BadToken("The token is too long.")
    clean = text.strip().removeprefix("cashu:")
    if clean.startswith(_PREFIX):
        return _unpack_token(base64url.decode(clean.removeprefix(_PREFIX)), list(keysets))
    if clean.startswith(_PREFIX_3):
        return _read_version_3(base64url.decode(clean.removeprefix(_PREFIX_3)), list(keysets))
    raise BadToken("This is not a token of version 4 or 3.")


def read_raw(data: bytes, *, keysets: Iterable[str]) -> Token:
    """A token of version 4 from its bytes. Raises `BadToken`."""
    if not data.startswith(_RAW_PREFIX) or len(data) > LONGEST:
        raise BadToken("This is not a token of version 4.")
    return _unpack_token(data.removeprefix(_RAW_PREFIX), list(keysets))


def _read_version_3(data: bytes, keysets: list[str]) -> Token:
    try:
        # As text first: the library passes over what is no UTF-8 in fields that it skips.
        content = msgspec.json.decode(data.decode(), type=_Token3)
    except (ValueError, RecursionError) as error:
        raise BadToken("The token cannot be read.") from error
    mints = {entry.mint.rstrip("/") for entry in content.token}
    if len(mints) != 1:
        raise BadToken("A token holds coins of one mint.")
    proofs = [proof for entry in content.token for proof in entry.proofs]
    resolved = {each: _full_id(_unhex(each), keysets) for each in {proof.id for proof in proofs}}
    named = [msgspec.structs.replace(proof, id=resolved[proof.id]) for proof in proofs]
    return _token(mints.pop(), content.unit or _UNIT_3, named)


def _unhex(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise BadToken("A keyset id is not written in hex.") from error
    if data.hex() != text:
        raise BadToken("A keyset id is not written plainly.")
    return data


def _unpack_token(data: bytes, keysets: list[str]) -> Token:
    content = read_cbor(data)
    try:
        proofs = []
        for group in content["t"]:
            keyset = _full_id(_bytes(group["i"]), keysets)
            proofs += [_unpack(packed, keyset) for packed in group["p"]]
        return _token(content["m"], content["u"], proofs)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadToken("The token cannot be read.") from error


def _token(mint: str, unit: str, proofs: list[Proof]) -> Token:
    if not 0 < len(proofs) <= MOST_PROOFS:
        raise BadToken(f"A token holds 1 to {MOST_PROOFS} coins.")
    if not all(_well_formed(proof) for proof in proofs):
        raise BadToken("A coin of the token is malformed.")
    token = msgspec.convert({"mint": mint, "unit": unit, "proofs": []}, Token)
    return msgspec.structs.replace(token, proofs=proofs)


def _well_formed(proof: Proof) -> bool:
    dleq = proof.dleq
    scalars = [] if dleq is None else [each for each in (dleq.e, dleq.s, dleq.r) if each is not None]
    points = [proof.C] if proof.p2pk_e is None else [proof.C, proof.p2pk_e]
    return (
        0 < proof.amount < MOST_AMOUNT
        and all(_POINT.fullmatch(each) for each in points)
        and all(_SCALAR.fullmatch(each) for each in scalars)
    )


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
    dleq, hidden = packed.get("d"), packed.get("pe")
    proof = {
        "amount": packed["a"],
        "id": keyset,
        "secret": packed["s"],
        "C": _bytes(packed["c"]).hex(),
        "dleq": None if dleq is None else {name: _bytes(dleq[name]).hex() for name in ("e", "s", "r") if name in dleq},
        "witness": packed.get("w"),
        "p2pk_e": None if hidden is None else _bytes(hidden).hex(),
    }
    return msgspec.convert(proof, Proof)


def without_dleq(proof: Proof) -> Proof:
    """The proof as it may go to the mint: neither the blinding factor nor what hides a lock's keys (NUT-28) may reach it."""
    return msgspec.structs.replace(proof, dleq=None, p2pk_e=None)

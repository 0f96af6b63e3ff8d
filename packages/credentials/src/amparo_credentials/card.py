"""The card code: Claim 169 (identity in a CWT, COSE_Sign1 with EdDSA), by default sealed (COSE_Encrypt0, A256GCM).

Order: claims -> CWT -> COSE_Sign1 -> [COSE_Encrypt0 around it] -> zlib -> base45. Guarantees: a sealed code without the
verifier's key yields nothing about the person; `open_card` checks signature and end date, offline. Field choice: a card
number that is random per card, names, date of birth, language. Deliberately out: household, programme, amount, place,
photo, sex, nationality, any number of the register. LIMIT: a printed code is static, so whoever scans it twice can link
the two scans; SECURITY.md says what is done about that.
"""

import secrets
import zlib
from datetime import date, datetime
from typing import Any

import cbor2
import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amparo_common.secret import Secret
from amparo_credentials import base45
from amparo_credentials.errors import CodeExpired, CodeMalformed, CodeNotGenuine, CodeSealed, WrongVerifierKey

LARGEST_INSIDE = 4_096
LONGEST_TEXT = 6_000

_SIGN1, _ENCRYPT0 = 18, 16
_ISS, _EXP, _CLAIM_169 = 1, 4, 169
_ALG, _KID, _IV = 1, 4, 5
_EDDSA, _A256GCM = -8, 3
_ID, _VERSION, _LANGUAGE, _FULL_NAME, _BIRTH_DATE, _OTHER_NAME, _OTHER_LANGUAGE = 1, 2, 3, 4, 8, 19, 20


class Card(msgspec.Struct, frozen=True):
    """What a card says. Languages are ISO 639-3 codes; a birth date may be unknown."""

    number: str
    full_name: str
    language: str
    expires: date
    birth_date: date | None = None
    other_name: str | None = None
    other_language: str | None = None


class CardSigner:
    """Signs card codes in the name of `issuer` with an Ed25519 key given as its 32 secret bytes."""

    def __init__(self, issuer: str, seed: Secret) -> None:
        self._issuer = issuer
        self._key = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, card: Card) -> bytes:
        """The tagged COSE_Sign1 of a card."""
        claims: dict[int, Any] = {
            _ID: card.number,
            _VERSION: "1.2.0",
            _LANGUAGE: card.language,
            _FULL_NAME: card.full_name,
        }
        if card.birth_date is not None:
            claims[_BIRTH_DATE] = card.birth_date.strftime("%Y%m%d")
        if card.other_name is not None:
            claims |= {_OTHER_NAME: card.other_name, _OTHER_LANGUAGE: card.other_language or card.language}
        # No "issued at": it would tell the day, and with the day the queue, in which the person was enrolled.
        payload = cbor2.dumps({_ISS: self._issuer, _EXP: _end_of(card.expires), _CLAIM_169: claims})
        protected = cbor2.dumps({_ALG: _EDDSA, _KID: self.public[:8]})
        signature = self._key.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
        return cbor2.dumps(cbor2.CBORTag(_SIGN1, [protected, {}, payload, signature]))


def _end_of(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal() + 1) * 86_400 - 1


def write_open(signed: bytes) -> str:
    """The open form of a signed card: anybody who scans it can read it."""
    return base45.encode(zlib.compress(signed, 9))


def write_sealed(signed: bytes, verifier_key: Secret) -> str:
    """The sealed form: only holders of the verifier key (32 bytes) can read it."""
    protected = cbor2.dumps({_ALG: _A256GCM})
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(verifier_key.reveal()).encrypt(nonce, signed, cbor2.dumps(["Encrypt0", protected, b""]))
    return write_open(cbor2.dumps(cbor2.CBORTag(_ENCRYPT0, [protected, {_IV: nonce}, sealed])))


def open_card(text: str, public: bytes, *, now: datetime, verifier_key: Secret | None = None) -> Card:
    """The card in a code. Raises `CodeMalformed`, `CodeSealed`, `WrongVerifierKey`, `CodeNotGenuine`, `CodeExpired`."""
    tag, body = _tagged(_inflate(text))
    if tag == _ENCRYPT0:
        if verifier_key is None:
            raise CodeSealed("This card is sealed.")
        tag, body = _tagged(_unseal(body, verifier_key))
    if tag != _SIGN1:
        raise CodeMalformed("This is not a signed card code.")
    claims = _verified(body, public)
    try:
        card, expires = _read_claims(claims)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CodeMalformed("A card code has a field of the wrong kind.") from error
    if now.timestamp() > expires:
        raise CodeExpired("This card has expired.")
    return card


def _inflate(text: str) -> bytes:
    if len(text) > LONGEST_TEXT:
        raise CodeMalformed("This is too long for a card code.")
    packed = base45.decode(text)
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(packed, LARGEST_INSIDE)
    except zlib.error as error:
        raise CodeMalformed("A card code is cut or changed.") from error
    if not engine.eof or engine.unused_data:
        raise CodeMalformed("A card code is cut, changed or too large.")
    return data


def _tagged(data: bytes) -> tuple[int, list[Any]]:
    found = _cbor(data)
    if not isinstance(found, cbor2.CBORTag):
        raise CodeMalformed("This is not a card code.")
    body = found.value
    if not isinstance(body, list | tuple) or len(body) < 3 or not isinstance(body[0], bytes):
        raise CodeMalformed("A card code has the wrong shape.")
    return found.tag, list(body)


def _cbor(data: bytes) -> Any:
    try:
        return cbor2.loads(data)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, EOFError) as error:
        raise CodeMalformed("A card code cannot be read.") from error


def _unseal(body: list[Any], key: Secret) -> bytes:
    protected, unprotected, sealed = body[:3]
    header = _cbor(protected)
    try:
        nonce = unprotected[_IV]
        if header.get(_ALG) != _A256GCM or len(nonce) != 12:
            raise CodeMalformed("A card is sealed in an unknown way.")
        return AESGCM(key.reveal()).decrypt(nonce, sealed, cbor2.dumps(["Encrypt0", protected, b""]))
    except InvalidTag as error:
        raise WrongVerifierKey("This verifier's key does not open this card.") from error
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise CodeMalformed("A sealed card code has the wrong shape.") from error


def _verified(body: list[Any], public: bytes) -> Any:
    try:
        protected, _, payload, signature = body
        if _cbor(protected).get(_ALG) != _EDDSA:
            raise CodeNotGenuine("The card is signed in an unknown way.")
        Ed25519PublicKey.from_public_bytes(public).verify(
            signature, cbor2.dumps(["Signature1", protected, b"", payload])
        )
    except InvalidSignature as error:
        raise CodeNotGenuine("The card's signature is false.") from error
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise CodeMalformed("A card code has the wrong shape.") from error
    return _cbor(payload)


def _read_claims(claims: Any) -> tuple[Card, int]:
    found, expires = claims[_CLAIM_169], int(claims[_EXP])
    born = found.get(_BIRTH_DATE)
    card = {
        "number": found[_ID],
        "full_name": found[_FULL_NAME],
        "language": found[_LANGUAGE],
        "expires": date.fromordinal(expires // 86_400 + date(1970, 1, 1).toordinal()),
        "birth_date": None if born is None else date.fromisoformat(born),
        "other_name": found.get(_OTHER_NAME),
        "other_language": found.get(_OTHER_LANGUAGE),
    }
    return msgspec.convert(card, Card), expires

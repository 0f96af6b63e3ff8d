"""NUT-20: what the owner of a mint quote signs to claim it, binding every output's amount and point."""

from collections.abc import Sequence

import msgspec

from amparo_cashu.curve import read_point, schnorr_sign, schnorr_verify
from amparo_cashu.errors import AmountRefused, LockNotOpen, QuoteSignatureFalse
from amparo_cashu.schemes import point_data
from amparo_cashu.wire import BlindedMessage


class Claim(msgspec.Struct, frozen=True):
    """One quote of a request with the signature that claims it, and the quote's key."""

    quote: str
    signature: str | None
    pubkey: str


def message(quote: str, outputs: Sequence[BlindedMessage]) -> bytes:
    """The message of version 1: length-prefixed quote, then amount and point of every output."""
    return _message(quote, _bound(outputs))


def _message(quote: str, bound: bytes) -> bytes:
    return b"Cashu_MintQuoteSig_v1" + _sized(quote.encode()) + bound


def _bound(outputs: Sequence[BlindedMessage]) -> bytes:
    """The part of a message that binds the outputs. Its points are checked, which is most of a claim's cost."""
    parts = []
    for output in outputs:
        if output.amount < 0:
            raise AmountRefused("An output has a negative amount.")
        amount = output.amount.to_bytes((output.amount.bit_length() + 7) // 8, "big")
        parts += [_sized(amount), _sized(point_data(output.id, output.B_))]
    return b"".join(parts)


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def sign_claim(quote: str, outputs: Sequence[BlindedMessage], secret_key: bytes) -> str:
    """The signature that claims a quote."""
    return schnorr_sign(message(quote, outputs), secret_key)


def check_claim(quote: str, outputs: Sequence[BlindedMessage], signature: str | None, pubkey: str) -> None:
    """Raises `QuoteSignatureFalse` unless the quote's key signed this claim."""
    check_claims([Claim(quote, signature, pubkey)], outputs)


def check_claims(claims: Sequence[Claim], outputs: Sequence[BlindedMessage]) -> None:
    """The same for several claims over the same outputs, which are read once however many claims there are, and not for none."""
    bound = _bound(outputs) if claims else b""
    for claim in claims:
        try:
            schnorr_verify(_message(claim.quote, bound), claim.signature or "", read_point(claim.pubkey))
        except LockNotOpen as error:
            raise QuoteSignatureFalse("The claim is not signed by the quote's key.") from error

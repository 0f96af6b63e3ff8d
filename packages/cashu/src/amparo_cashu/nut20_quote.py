"""NUT-20: what the owner of a mint quote signs to claim it, binding every output's amount and point."""

from collections.abc import Sequence

from amparo_cashu.curve import read_point, schnorr_sign, schnorr_verify
from amparo_cashu.errors import AmountRefused, LockNotOpen, QuoteSignatureFalse
from amparo_cashu.wire import BlindedMessage


def message(quote: str, outputs: Sequence[BlindedMessage]) -> bytes:
    """The message of version 1: length-prefixed quote, then amount and point of every output."""
    parts = [b"Cashu_MintQuoteSig_v1", _sized(quote.encode())]
    for output in outputs:
        if output.amount < 0:
            raise AmountRefused("An output has a negative amount.")
        amount = output.amount.to_bytes((output.amount.bit_length() + 7) // 8, "big")
        parts += [_sized(amount), _sized(read_point(output.B_).format())]
    return b"".join(parts)


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def sign_claim(quote: str, outputs: Sequence[BlindedMessage], secret_key: bytes) -> str:
    """The signature that claims a quote."""
    return schnorr_sign(message(quote, outputs), secret_key)


def check_claim(quote: str, outputs: Sequence[BlindedMessage], signature: str | None, pubkey: str) -> None:
    """Raises `QuoteSignatureFalse` unless the quote's key signed this claim."""
    try:
        schnorr_verify(message(quote, outputs), signature or "", read_point(pubkey))
    except LockNotOpen as error:
        raise QuoteSignatureFalse("The claim is not signed by the quote's key.") from error

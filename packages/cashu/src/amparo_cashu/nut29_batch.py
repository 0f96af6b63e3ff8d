"""NUT-29: several mint quotes claimed in one request, all or none.

Each quote with a key is claimed by a signature of its own, made as for a single claim (NUT-20), always over all outputs of the
request: nobody can move outputs between requests. Not here: what the quotes are worth and whether they are paid (the mint).
"""

from collections.abc import Sequence

from amparo_cashu.errors import BadToken, DuplicateQuotes, NotBalanced, QuoteSignatureFalse, TooManyQuotes
from amparo_cashu.nut20_quote import Claim, check_claims, sign_claim
from amparo_cashu.wire import BatchMintRequest, BlindedMessage


def check_quotes(quotes: Sequence[str], *, most: int) -> None:
    """Raises `BadToken` for an empty list, `TooManyQuotes` above `most`, `DuplicateQuotes` when one stands twice."""
    if not quotes:
        raise BadToken("A batch names no quote.")
    if len(quotes) > most:
        raise TooManyQuotes(f"A batch names at most {most} quotes.")
    if len(set(quotes)) != len(quotes):
        raise DuplicateQuotes("A batch names a quote twice.")


def check_batch(request: BatchMintRequest, pubkeys: Sequence[str | None], *, most: int) -> None:
    """Raises unless the batch is well formed and every quote with a key is claimed by it. `pubkeys[i]` is the key of
    `quotes[i]` as the mint stored it, None for a quote without one.

    Raises what `check_quotes` raises, `NotBalanced` when `quote_amounts` do not fit, `QuoteSignatureFalse`."""
    check_quotes(request.quotes, most=most)
    _check_amounts(request)
    signatures = request.signatures or [None] * len(request.quotes)
    if len(signatures) != len(request.quotes):
        raise QuoteSignatureFalse("A batch has another number of signatures than of quotes.")
    claims = []
    for quote, signature, pubkey in zip(request.quotes, signatures, pubkeys, strict=True):
        if pubkey is not None:
            claims.append(Claim(quote, signature, pubkey))
        elif signature is not None:
            raise QuoteSignatureFalse("A quote without a key is claimed with a signature.")
    check_claims(claims, request.outputs)


def _check_amounts(request: BatchMintRequest) -> None:
    amounts = request.quote_amounts
    if amounts is None:
        return
    if len(amounts) != len(request.quotes) or any(amount <= 0 for amount in amounts):
        raise NotBalanced("The amounts of a batch do not fit its quotes.")
    if sum(amounts) != sum(output.amount for output in request.outputs):
        raise NotBalanced("The outputs of a batch do not add up to its amounts.")


def sign_batch(
    quotes: Sequence[str], outputs: Sequence[BlindedMessage], secret_keys: Sequence[bytes | None]
) -> list[str | None]:
    """The signatures of a batch, in the order of its quotes; None where a quote has no key."""
    return [
        None if key is None else sign_claim(quote, outputs, key) for quote, key in zip(quotes, secret_keys, strict=True)
    ]

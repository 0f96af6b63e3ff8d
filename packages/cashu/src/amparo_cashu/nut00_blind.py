"""NUT-00 from the wallet's side: blind a secret, unblind the signature."""

from coincurve import PublicKey

from amparo_cashu.curve import add, generator_times, hash_to_curve, multiply, subtract
from amparo_cashu.errors import AmountRefused


def blind(secret: str, factor: bytes) -> PublicKey:
    """B_ = hash_to_curve(secret) + factor * G."""
    return add(hash_to_curve(secret.encode()), generator_times(factor))


def unblind(signed: PublicKey, factor: bytes, key: PublicKey) -> PublicKey:
    """C = C_ - factor * K."""
    return subtract(signed, multiply(key, factor))


def split_amount(amount: int, denominations: list[int]) -> list[int]:
    """`amount` as the fewest of the denominations (powers of two), ascending. Raises `AmountRefused` when it cannot be
    made of them."""
    parts: list[int] = []
    if amount < 0:
        raise AmountRefused("An amount is negative.")
    for each in sorted(denominations, reverse=True):
        count, amount = divmod(amount, each)
        parts += [each] * count
    if amount:
        raise AmountRefused("The keyset has no coins for this amount.")
    return sorted(parts)

"""Swaps for `bench.swaps`: tokens that a keyset's own keys make genuine, and the requests that exchange them.

Made beforehand and outside every measured time. A real wallet would have had the tokens issued; to the mint that takes
them it makes no difference, as it recognises a token by its signature.
"""

import itertools
import secrets
from collections.abc import Iterator, Sequence

import msgspec

from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, multiply, read_point, show_point
from amparo_cashu.nut00_blind import blind
from amparo_cashu.wire import BlindedMessage, Proof, SwapRequest
from amparo_mint.keysets import DENOMINATIONS, SigningKeyset

_numbers = itertools.count()


def swaps(keyset: SigningKeyset, *, size: int, count: int) -> list[bytes]:
    """The bodies of `count` swaps with `size` inputs and as many outputs of the same amounts."""
    amounts = list(itertools.islice(itertools.cycle(DENOMINATIONS), size))
    return [msgspec.json.encode(_swap(keyset, amounts)) for _ in range(count)]


def _swap(keyset: SigningKeyset, amounts: Sequence[int]) -> SwapRequest:
    return SwapRequest(
        inputs=[_token(keyset, amount) for amount in amounts], outputs=[_output(keyset, amount) for amount in amounts]
    )


def _token(keyset: SigningKeyset, amount: int) -> Proof:
    secret = f"{next(_numbers):064x}"
    signed = multiply(hash_to_curve(secret.encode()), keyset.keys[amount].secret.reveal())
    return Proof(amount=amount, id=keyset.id, secret=secret, C=show_point(signed))


def _output(keyset: SigningKeyset, amount: int) -> BlindedMessage:
    factor = (secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")
    return BlindedMessage(amount=amount, id=keyset.id, B_=show_point(blind(f"{next(_numbers):064x}", factor)))


def curve_operations(keyset: SigningKeyset, swap: SwapRequest, nonce: bytes) -> None:
    """The operations on the curve that no mint can leave out of this swap, made with the functions that ours uses.

    Per input: the secret hashed to a point, the token's point read, one multiplication. Per output: the point read, two
    multiplications (signature, and its proof's commitment), one multiplication of the generator. Not counted: comparing and
    writing points, the proof's hashes, every byte of JSON, HTTP and database."""
    for proof in swap.inputs:
        multiply(hash_to_curve(proof.secret.encode()), keyset.keys[proof.amount].secret.reveal())
        read_point(proof.C)
    for output in swap.outputs:
        blinded = read_point(output.B_)
        multiply(blinded, keyset.keys[output.amount].secret.reveal())
        multiply(blinded, nonce)
        generator_times(nonce)


def in_blocks(bodies: list[bytes], blocks: int) -> Iterator[list[bytes]]:
    """The bodies in so many blocks of the same size."""
    size = len(bodies) // blocks
    for place in range(blocks):
        yield bodies[place * size : (place + 1) * size]

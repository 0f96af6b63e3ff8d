"""The Merkle-sum tree over one batch of decisions: its root commits to every receipt and to the sum of all amounts.

leaf = SHA-256(0x00 || SHA-256(receipt) || amount), node = SHA-256(0x01 || left hash || left sum || right hash || right
sum), sums and amounts as 8 bytes big-endian; a last node without a partner rises unchanged. The published root is
SHA-256(0x02 || count || hash || sum), so that neither the number of decisions nor their total can be claimed otherwise.
A proof shows that one decision is counted, with its amount, in the published total.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from amparo_rules.errors import NotInBatch, ReceiptMalformed

MOST = 2**63


class ProofStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sibling on the way up: its hash (hex), its sum, and whether it stands on the left."""

    hash: str
    sum: int
    left: bool


class BatchProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place of one decision in its batch."""

    index: int
    count: int
    steps: list[ProofStep]


def _number(value: int) -> bytes:
    if not 0 <= value < MOST:
        raise ReceiptMalformed("A sum is out of bounds.")
    return value.to_bytes(8, "big")


def leaf(receipt: bytes, amount: int) -> bytes:
    """The leaf hash of one receipt, given as its compact JWS bytes."""
    return hashlib.sha256(b"\x00" + hashlib.sha256(receipt).digest() + _number(amount)).digest()


class SumTree:
    """The tree over `leaves`, (leaf hash, amount) in the order of the batch."""

    def __init__(self, leaves: Sequence[tuple[bytes, int]]) -> None:
        if not leaves:
            raise ReceiptMalformed("A batch without decisions has no tree.")
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_level_above(self._levels[-1]))
        self.count = len(leaves)
        self.total = self._levels[-1][0][1]
        self.root = _root(self.count, *self._levels[-1][0])

    def proof(self, index: int) -> BatchProof:
        """The proof for the decision at `index`."""
        steps, at = [], index
        for level in self._levels[:-1]:
            sibling = at ^ 1
            if sibling < len(level):
                hashed, total = level[sibling]
                steps.append(ProofStep(hash=hashed.hex(), sum=total, left=sibling < at))
            at >>= 1
        return BatchProof(index=index, count=self.count, steps=steps)


def _level_above(level: list[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    above = []
    for at in range(0, len(level) - 1, 2):
        (left, left_sum), (right, right_sum) = level[at], level[at + 1]
        above.append((_node(left, left_sum, right, right_sum), left_sum + right_sum))
    if len(level) % 2:
        above.append(level[-1])
    return above


def _node(left: bytes, left_sum: int, right: bytes, right_sum: int) -> bytes:
    return hashlib.sha256(b"\x01" + left + _number(left_sum) + right + _number(right_sum)).digest()


def _root(count: int, hashed: bytes, total: int) -> str:
    return hashlib.sha256(b"\x02" + _number(count) + hashed + _number(total)).hexdigest()


def _sides(index: int, count: int) -> list[bool]:
    """On which side the siblings of a place stand, from the bottom up (True: left)."""
    sides = []
    while count > 1:
        if index ^ 1 < count:
            sides.append(index % 2 == 1)
        index, count = index >> 1, (count + 1) >> 1
    return sides


def check_in_batch(receipt: bytes, amount: int, proof: BatchProof, *, root: str, total: int) -> None:
    """Raises `NotInBatch` unless the receipt with this amount is counted in the batch of this root and total."""
    if not 0 <= proof.index < proof.count or len(proof.steps) > 64:
        raise NotInBatch("The proof of the batch is malformed.")
    if [step.left for step in proof.steps] != _sides(proof.index, proof.count):
        raise NotInBatch("The proof does not belong to this place in the batch.")
    hashed, summed = leaf(receipt, amount), amount
    for step in proof.steps:
        try:
            sibling = bytes.fromhex(step.hash)
        except ValueError as error:
            raise NotInBatch("The proof of the batch is malformed.") from error
        if len(sibling) != 32:
            raise NotInBatch("The proof of the batch is malformed.")
        pair = ((sibling, step.sum), (hashed, summed)) if step.left else ((hashed, summed), (sibling, step.sum))
        hashed, summed = _node(*pair[0], *pair[1]), summed + step.sum
    if summed != total or _root(proof.count, hashed, summed) != root:
        raise NotInBatch("This decision is not in the published batch.")

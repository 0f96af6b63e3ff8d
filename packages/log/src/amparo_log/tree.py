"""The Merkle tree of RFC 6962 and its proofs (RFC 9162 section 2.1), as pure functions over hashes.

`HashTile`s of 256 hashes (tlog-tiles) are what a log stores and a client fetches: the proofs here are computed from any
`read(level, index)` that gives the hash of a complete subtree of 2^level leaves. Not here: storage, network, signatures.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from amparo_log.errors import BadProof

# read(level, index): the root of the complete subtree of 2^level leaves that starts at leaf index * 2^level.
ReadNode = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()


def _subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees (level, index), left to right, that tile the leaves start..end, start aligned as in a tree."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        parts.append((level, start >> level))
        start += 1 << level
    return parts


def range_root(read: ReadNode, start: int, end: int) -> bytes:
    """The Merkle tree hash over leaves start..end (end excluded), where start is a boundary RFC 6962 would split at."""
    parts = _subtrees(start, end)
    root = read(*parts[-1])
    for level, index in reversed(parts[:-1]):
        root = node_hash(read(level, index), root)
    return root


def root_of(read: ReadNode, size: int) -> bytes:
    """The root of the tree with `size` leaves."""
    return range_root(read, 0, size) if size else EMPTY_ROOT


def grown_root(read: ReadNode, start: int, leaves: Iterable[bytes]) -> bytes:
    """The root of the tree whose first `start` leaves `read` knows, and which goes on with `leaves` (leaf hashes). Who compares it
    with a signed root has proved every one of them, whatever `read` said."""
    edge = [(level, read(level, index)) for level, index in _subtrees(0, start)]
    for leaf in leaves:
        level, hashed = 0, leaf
        while edge and edge[-1][0] == level:
            level, hashed = level + 1, node_hash(edge.pop()[1], hashed)
        edge.append((level, hashed))
    if not edge:
        return EMPTY_ROOT
    _, root = edge.pop()
    for _, left in reversed(edge):
        root = node_hash(left, root)
    return root


def inclusion_proof(read: ReadNode, *, index: int, size: int) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, leaf to root. Raises `BadProof` when the tree has no such leaf."""
    if not 0 <= index < size:
        raise BadProof("The tree has no such entry.")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _largest_power_below(end - start)
        if index < middle:
            proof.append(range_root(read, middle, end))
            end = middle
        else:
            proof.append(range_root(read, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(read: ReadNode, *, old: int, new: int) -> list[bytes]:
    """RFC 9162 section 2.1.4.1: shows that the tree of `old` leaves is the beginning of the tree of `new` leaves."""
    if not 0 < old <= new:
        raise BadProof("There is no such pair of trees.")
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while end != old or start:
        if end == old:
            break
        middle = start + _largest_power_below(end - start)
        if old <= middle:
            proof.append(range_root(read, middle, end))
            end = middle
        else:
            proof.append(range_root(read, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(range_root(read, start, end))
    return proof[::-1]


def check_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2. Raises `BadProof` unless the leaf hash is at `index` in the tree of `size` and `root`."""
    if not 0 <= index < size or len(leaf) != 32:
        raise BadProof("The tree has no such entry.")
    first, last, hashed = index, size - 1, leaf
    for part in proof:
        if last == 0:
            raise BadProof("The proof is too long.")
        if first & 1 or first == last:
            hashed = node_hash(part, hashed)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            hashed = node_hash(hashed, part)
        first, last = first >> 1, last >> 1
    if last != 0 or hashed != root:
        raise BadProof("The entry is not in the tree.")


def check_consistency(*, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162 section 2.1.4.2. Raises `BadProof` unless the old tree is the beginning of the new one."""
    if old == new:
        if proof or old_root != new_root or (old == 0 and old_root != EMPTY_ROOT):
            raise BadProof("Two trees of the same size differ.")
        return
    # An old tree of size 0 is the beginning of everything: a proof for it would say nothing.
    if not 0 < old < new or not proof:
        raise BadProof("There is no such pair of trees.")
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = path[0]
    for part in path[1:]:
        if last == 0:
            raise BadProof("The proof is too long.")
        if first & 1 or first == last:
            older, newer = node_hash(part, older), node_hash(part, newer)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            newer = node_hash(newer, part)
        first, last = first >> 1, last >> 1
    if last != 0 or older != old_root or newer != new_root:
        raise BadProof("The old tree is not the beginning of the new one.")


def _largest_power_below(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)

"""The Merkle tree: published roots, and every proof of every small tree."""

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo_log.errors import BadProof
from amparo_log.tree import (
    EMPTY_ROOT,
    ReadNode,
    check_consistency,
    check_inclusion,
    consistency_proof,
    grown_root,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)

VECTORS = Path(__file__).parents[3] / "vectors" / "log"


def reader(leaves: list[bytes]) -> ReadNode:
    def read(level: int, number: int) -> bytes:
        if level == 0:
            return leaves[number]
        return node_hash(read(level - 1, 2 * number), read(level - 1, 2 * number + 1))

    return read


def reference_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, written as the definition reads: an independent second way to the root."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(reference_root(leaves[:split]), reference_root(leaves[split:]))


LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(40)]


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["cases"]
    return found


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@pytest.mark.parametrize("case", cases("merkle-inclusion.json"), ids=lambda case: case["file"])
def test_published_inclusion_proofs_are_judged_as_published(case: dict[str, Any]) -> None:
    with pytest.raises(BadProof) if case["wantErr"] else contextlib.nullcontext():
        check_inclusion(
            leaf=raw(case["leafHash"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            proof=[raw(part) for part in case["proof"] or []],
            root=raw(case["root"]),
        )


@pytest.mark.parametrize("case", cases("merkle-consistency.json"), ids=lambda case: case["file"])
def test_published_consistency_proofs_are_judged_as_published(case: dict[str, Any]) -> None:
    with pytest.raises(BadProof) if case["wantErr"] else contextlib.nullcontext():
        check_consistency(
            old=case["size1"],
            old_root=raw(case["root1"]),
            new=case["size2"],
            new_root=raw(case["root2"]),
            proof=[raw(part) for part in case["proof"] or []],
        )


@pytest.mark.parametrize("size", range(1, 40))
def test_every_entry_of_every_tree_can_be_proved(size: int) -> None:
    read = reader(LEAVES)
    root = root_of(read, size)
    assert root == reference_root(LEAVES[:size])
    for index in range(size):
        proof = inclusion_proof(read, index=index, size=size)
        check_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=root)
        for wrong in (index - 1, index + 1):
            with pytest.raises(BadProof):
                check_inclusion(leaf=LEAVES[index], index=wrong, size=size, proof=proof, root=root)


@pytest.mark.parametrize("new", range(1, 40))
def test_every_smaller_tree_is_the_beginning_of_every_larger_one(new: int) -> None:
    read = reader(LEAVES)
    new_root = root_of(read, new)
    for old in range(1, new + 1):
        proof = consistency_proof(read, old=old, new=new) if old < new else []
        old_root = root_of(read, old)
        check_consistency(old=old, old_root=old_root, new=new, new_root=new_root, proof=proof)
        with pytest.raises(BadProof):
            check_consistency(old=old, old_root=LEAVES[0][::-1], new=new, new_root=new_root, proof=proof)


@pytest.mark.parametrize("size", range(40))
def test_a_tree_grows_to_the_same_root_from_wherever_it_stood(size: int) -> None:
    for start in range(size + 1):
        assert grown_root(reader(LEAVES), start, LEAVES[start:size]) == reference_root(LEAVES[:size])


@given(st.integers(2, 40), st.data())
def test_one_changed_byte_breaks_a_proof(size: int, data: st.DataObject) -> None:
    read = reader(LEAVES)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(read, index=index, size=size)
    part = data.draw(st.integers(0, len(proof) - 1))
    byte = data.draw(st.integers(0, 31))
    changed = bytearray(proof[part])
    changed[byte] ^= data.draw(st.integers(1, 255))
    proof[part] = bytes(changed)
    with pytest.raises(BadProof):
        check_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=root_of(read, size))

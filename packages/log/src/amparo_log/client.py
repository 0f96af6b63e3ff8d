"""Reading a log that one does not trust: checkpoint, consistency with what was seen before, entries with their place.

`LogReader` keeps the last checkpoint it accepted (`remember`); a log that no longer contains it raises `LogRewritten`.
Every entry it returns was proved to be in the accepted tree, because the tree's root was recomputed from all leaves up
to it or an inclusion proof was checked. Not here: who may say what (`audit` and the services decide that).
"""

import base64
from collections.abc import Iterator
from typing import Protocol

import msgspec

from amparo_common import canonical
from amparo_common.bridge import LogEntry
from amparo_common.errors import MalformedMessage, NotCanonical
from amparo_log.errors import BadEntry, BadProof, LogRewritten
from amparo_log.note import Checkpoint, NoteVerifier, open_checkpoint
from amparo_log.tiles import TILE_HEIGHT, TILE_WIDTH, tile_path, unpack_entries
from amparo_log.tree import (
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)


class Fetch(Protocol):
    """Anything that gives the bytes behind a path of the log: HTTP, a folder, a test."""

    def get_bytes(self, path: str) -> bytes:
        """The bytes at `path`."""
        ...


class InclusionProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry with everything needed to check it against a checkpoint, offline: texts are base64."""

    index: int
    entry: str
    proof: list[str]

    def check(self, checkpoint: Checkpoint) -> LogEntry:
        """The entry, when it is in the checkpoint's tree. Raises `BadProof`, `BadEntry`."""
        try:
            raw = base64.b64decode(self.entry, validate=True)
            proof = [base64.b64decode(part, validate=True) for part in self.proof]
        except ValueError as error:
            raise BadProof("An inclusion proof is malformed.") from error
        check_inclusion(leaf=leaf_hash(raw), index=self.index, size=checkpoint.size, proof=proof, root=checkpoint.root)
        return read_entry(raw)


class LogReader:
    """Follows one log. `verifier` is its published key; `seen` the checkpoint note accepted last time, if any."""

    def __init__(self, fetch: Fetch, verifier: NoteVerifier, *, seen: str | None = None) -> None:
        self._fetch = fetch
        self._verifier = verifier
        self._tiles: dict[tuple[int, int, int], bytes] = {}
        self._bundles: dict[tuple[int, int], list[bytes]] = {}
        self.note = seen
        self.checkpoint = None if seen is None else open_checkpoint(seen, verifier)

    def update(self) -> Checkpoint:
        """The newest checkpoint, proved to continue the last one. Raises `LogRewritten`, `BadNote`."""
        note = self._fetch.get_bytes("/checkpoint").decode("utf-8", errors="replace")
        new = open_checkpoint(note, self._verifier)
        old = self.checkpoint
        if old is not None and new != old:
            if new.size < old.size:
                raise LogRewritten(f"The log had {old.size} entries and now shows {new.size}.")
            try:
                self._check_continues(old, new)
            except BadProof as error:
                raise LogRewritten("The log changed something that it had already published.") from error
        self.note, self.checkpoint = note, new
        return new

    def entries(self, start: int = 0) -> Iterator[tuple[int, LogEntry]]:
        """All entries from `start` on, each proved to be in the accepted tree. Raises `BadProof`, `BadEntry`."""
        checkpoint = self._accepted()
        self._check_root(checkpoint)
        for number in range(start - start % TILE_WIDTH, checkpoint.size, TILE_WIDTH):
            width = min(TILE_WIDTH, checkpoint.size - number)
            bodies = self._bundle(number // TILE_WIDTH, width)
            for place, body in enumerate(bodies, start=number):
                if self._node(0, place) != leaf_hash(body):
                    raise BadProof("An entry differs from its hash in the tree.")
                if place >= start:
                    yield place, read_entry(body)

    def prove(self, index: int) -> InclusionProof:
        """One entry with its proof against the accepted checkpoint."""
        checkpoint = self._accepted()
        first = index - index % TILE_WIDTH
        width = min(TILE_WIDTH, checkpoint.size - first)
        body = self._bundle(index // TILE_WIDTH, width)[index - first]
        proof = inclusion_proof(self._node, index=index, size=checkpoint.size)
        found = InclusionProof(
            index=index,
            entry=base64.b64encode(body).decode(),
            proof=[base64.b64encode(part).decode() for part in proof],
        )
        found.check(checkpoint)
        return found

    def _bundle(self, index: int, width: int) -> list[bytes]:
        """The entries of one bundle; whoever uses one checks it against the tree."""
        if (index, width) not in self._bundles:
            bodies = unpack_entries(self._fetch.get_bytes("/" + tile_path("entries", index, width=width)))
            if len(bodies) != width:
                raise BadEntry("An entry bundle holds another number of entries than its name says.")
            self._bundles[index, width] = bodies
        return self._bundles[index, width]

    def _accepted(self) -> Checkpoint:
        return self.update() if self.checkpoint is None else self.checkpoint

    def _check_continues(self, old: Checkpoint, new: Checkpoint) -> None:
        self.checkpoint = new
        try:
            self._check_root(new)
            if old.size == 0:
                return
            proof = consistency_proof(self._node, old=old.size, new=new.size) if old.size < new.size else []
            check_consistency(old=old.size, old_root=old.root, new=new.size, new_root=new.root, proof=proof)
        finally:
            self.checkpoint = old
            self._tiles.clear()
            self._bundles.clear()

    def _check_root(self, checkpoint: Checkpoint) -> None:
        if root_of(self._node, checkpoint.size) != checkpoint.root:
            raise BadProof("The tiles do not lead to the checkpoint's root.")

    def _node(self, level: int, number: int) -> bytes:
        """A subtree's root, computed from the tile that holds its leaves' level."""
        tile_level, inner = divmod(level, TILE_HEIGHT)
        first = number << inner
        hashes = self._tile(tile_level, first // TILE_WIDTH)
        row = [hashes[at * 32 : at * 32 + 32] for at in range(first % TILE_WIDTH, first % TILE_WIDTH + (1 << inner))]
        return root_of(lambda low, place: _fold(row, low, place), len(row))

    def _tile(self, level: int, index: int) -> bytes:
        size = self._accepted().size >> (level * TILE_HEIGHT)
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        if width <= 0:
            raise BadProof("The tree has no such tile.")
        key = (level, index, width)
        if key not in self._tiles:
            content = self._fetch.get_bytes("/" + tile_path(level, index, width=width))
            if len(content) != width * 32:
                raise BadProof("A tile has the wrong length.")
            self._tiles[key] = content
        return self._tiles[key]


def _fold(row: list[bytes], level: int, place: int) -> bytes:
    if level == 0:
        return row[place]
    return node_hash(_fold(row, level - 1, 2 * place), _fold(row, level - 1, 2 * place + 1))


def read_entry(body: bytes) -> LogEntry:
    """A leaf as an entry. Raises `BadEntry`."""
    try:
        return canonical.decode(body, LogEntry)
    except NotCanonical as error:
        raise BadEntry("A leaf of the log is not canonical JSON.") from error
    except MalformedMessage as error:
        raise BadEntry("A leaf of the log is of no known kind.") from error

"""Reading a log that one does not trust: checkpoint, consistency with what was seen before, entries with their place.

`LogReader` keeps the last checkpoint it accepted (`note`); a log that no longer contains it raises `LogRewritten`. Only heads that
the log signed can prove that, and tiles only as far as they lead to a signed root: what lies between here and the log can spoil
them, which is `BadProof`. Every entry it returns is proved to be in the accepted tree: its root was recomputed from the entries, or
an inclusion proof was checked. Not here: who may say what (`view` decides that).
"""

import base64
import contextlib
from collections.abc import Iterator
from typing import Protocol

import msgspec

from amparo_common import canonical
from amparo_common.bridge import LogEntry
from amparo_common.errors import MalformedMessage, NotCanonical
from amparo_log.errors import BadEntry, BadProof, LogError, LogRewritten
from amparo_log.note import Checkpoint, NoteVerifier, open_checkpoint
from amparo_log.tiles import TILE_HEIGHT, TILE_WIDTH, tile_path, unpack_entries
from amparo_log.tree import (
    check_consistency,
    check_inclusion,
    consistency_proof,
    grown_root,
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


class TreeReader:
    """The tree under one checkpoint of the log, read from tiles and bundles as they are needed. Every answer is checked against the
    checkpoint's root before it is given."""

    def __init__(self, fetch: Fetch, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._bundles: dict[int, list[bytes]] = {}

    def check_continues(self, old: Checkpoint) -> None:
        """Raises `LogRewritten` unless the tree of `old`, another head of the same log, is the beginning of this one; `BadProof`
        when the tiles do not lead to this checkpoint's root, so that they say nothing about the log."""
        now = self.checkpoint
        if old.size > now.size:
            raise LogRewritten(f"The log had {old.size} entries and now shows {now.size}.")
        if old.size == now.size:
            beginning = now.root
        else:
            beginning = root_of(self._node, old.size)
            if old.size > 0:
                proof = consistency_proof(self._node, old=old.size, new=now.size)
                check_consistency(old=old.size, old_root=beginning, new=now.size, new_root=now.root, proof=proof)
        if beginning != old.root:
            raise LogRewritten("The log changed something that it had already published.")

    def entries(self, start: int) -> Iterator[tuple[int, bytes]]:
        """The leaves from `start` on with their places. All are read first: that together with the tree before them they lead to
        the checkpoint's root is what proves each. Raises `BadProof`, `BadEntry`."""
        size = self.checkpoint.size
        first = start - start % TILE_WIDTH
        bodies = [body for number in range(first, size, TILE_WIDTH) for body in self._bundle(number // TILE_WIDTH)]
        if grown_root(self._node, first, map(leaf_hash, bodies)) != self.checkpoint.root:
            raise BadProof("The entries do not lead to the checkpoint's root.")
        return ((place, body) for place, body in enumerate(bodies, start=first) if place >= start)

    def prove(self, index: int) -> InclusionProof:
        """One entry with its proof. Raises `BadProof`, `BadEntry`."""
        proof = inclusion_proof(self._node, index=index, size=self.checkpoint.size)
        body = self._bundle(index // TILE_WIDTH)[index % TILE_WIDTH]
        found = InclusionProof(
            index=index,
            entry=base64.b64encode(body).decode(),
            proof=[base64.b64encode(part).decode() for part in proof],
        )
        found.check(self.checkpoint)
        return found

    def _bundle(self, index: int) -> list[bytes]:
        """The entries of one bundle; whoever uses one checks it against the tree."""
        width = min(TILE_WIDTH, self.checkpoint.size - index * TILE_WIDTH)
        if index not in self._bundles:
            bodies = unpack_entries(self._fetch.get_bytes("/" + tile_path("entries", index, width=width)))
            if len(bodies) != width:
                raise BadEntry("An entry bundle holds another number of entries than its name says.")
            self._bundles[index] = bodies
        return self._bundles[index]

    def _node(self, level: int, number: int) -> bytes:
        """A subtree's root, computed from the tile that holds its leaves' level; whoever uses one checks what it leads to."""
        tile_level, inner = divmod(level, TILE_HEIGHT)
        first = number << inner
        hashes = self._tile(tile_level, first // TILE_WIDTH)
        row = [hashes[at * 32 : at * 32 + 32] for at in range(first % TILE_WIDTH, first % TILE_WIDTH + (1 << inner))]
        return root_of(lambda low, place: _fold(row, low, place), len(row))

    def _tile(self, level: int, index: int) -> bytes:
        width = min(TILE_WIDTH, (self.checkpoint.size >> (level * TILE_HEIGHT)) - index * TILE_WIDTH)
        if width <= 0:
            raise BadProof("The tree has no such tile.")
        if (level, index) not in self._tiles:
            content = self._fetch.get_bytes("/" + tile_path(level, index, width=width))
            if len(content) != width * 32:
                raise BadProof("A tile has the wrong length.")
            self._tiles[level, index] = content
        return self._tiles[level, index]


class LogReader:
    """Follows one log. `verifier` is its published key; `seen` the checkpoint note accepted last time, if any."""

    def __init__(self, fetch: Fetch, verifier: NoteVerifier, *, seen: str | None = None) -> None:
        self._fetch = fetch
        self._verifier = verifier
        self.note = seen
        self._tree = None if seen is None else TreeReader(fetch, open_checkpoint(seen, verifier))

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint that was accepted last."""
        return None if self._tree is None else self._tree.checkpoint

    def update(self) -> Checkpoint:
        """The newest checkpoint, proved to continue the last one. Raises `LogRewritten`, `BadNote`; `BadProof` when what was sent
        beside it proves neither that nor the contrary: the last one stays accepted."""
        note = self._fetch.get_bytes("/checkpoint").decode("utf-8", errors="replace")
        new = open_checkpoint(note, self._verifier)
        if self._tree is None or new != self._tree.checkpoint:
            tree = TreeReader(self._fetch, new)
            if self._tree is not None:
                tree.check_continues(self._tree.checkpoint)
            self._tree = tree
        self.note = note
        return new

    def entries(self, start: int = 0) -> Iterator[tuple[int, LogEntry]]:
        """All entries from `start` on, each proved to be in the accepted tree. Raises `BadProof`, `BadEntry`."""
        with self._accepted() as tree:
            found = tree.entries(start)
        return ((place, read_entry(body)) for place, body in found)

    def prove(self, index: int) -> InclusionProof:
        """One entry with its proof against the accepted checkpoint. Raises `BadProof`, `BadEntry`."""
        with self._accepted() as tree:
            return tree.prove(index)

    @contextlib.contextmanager
    def _accepted(self) -> Iterator[TreeReader]:
        """The accepted tree. What was spoilt on the way is not kept, so that the next time it is asked for again."""
        if self._tree is None:
            self.update()
        assert self._tree is not None  # noqa: S101 - set by update
        try:
            yield self._tree
        except LogError:
            self._tree = TreeReader(self._fetch, self._tree.checkpoint)
            raise


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

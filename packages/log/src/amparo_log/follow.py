"""A service's or person's own copy of what the log says: refreshed on demand, remembering the last checkpoint on disk.

The remembered checkpoint is what makes a rewritten log visible after a restart (`LogRewritten`).
"""

import threading
from pathlib import Path

from amparo_common import canonical
from amparo_common.bridge import LogEntry, LogMessage, sign_for_log
from amparo_common.signing import SigningKey
from amparo_log.client import InclusionProof, LogReader, read_entry
from amparo_log.note import Checkpoint, NoteVerifier
from amparo_log.view import LogView
from amparo_service.client import Client
from amparo_service.keys import replace_file


class LogFollower:
    """Follows one log. `memory` is the file that holds the last accepted checkpoint. `kept`: a file for all accepted entries, so
    that a device that starts without a connection still knows what the log said. Several processes of one owner may share it: it
    always holds the log's first entries in their order, though not always all that one of them has seen."""

    def __init__(self, client: Client, vkey: str, memory: Path, *, kept: Path | None = None) -> None:
        self._client = client
        self._memory = memory
        # Owner of reader and view: whoever holds the lock.
        self._lock = threading.Lock()
        seen = memory.read_text() if memory.exists() else None
        self._reader = LogReader(client, NoteVerifier(vkey), seen=seen)
        self._view = LogView()
        self._kept = kept
        if kept is not None and kept.exists():
            self._read_kept(kept.read_bytes())

    def _read_kept(self, lines: bytes) -> None:
        """Entries that were accepted before. What follows the last whole line was being written when the power went."""
        for index, line in enumerate(lines.split(b"\n")[:-1]):
            self._view.add(index, read_entry(line))

    def _keep(self, first: int, entries: list[LogEntry]) -> None:
        """Put these entries, of which the first has the place `first`, behind those before them. Another process may have written
        them too, or less: nothing stands twice, and nothing behind a gap."""
        if self._kept is None or not entries:
            return
        lines = self._kept.read_bytes().split(b"\n")[:-1] if self._kept.exists() else []
        if len(lines) >= first:
            whole = lines[:first] + [canonical.encode(entry) for entry in entries]
            replace_file(self._kept, b"".join(line + b"\n" for line in whole))

    def refresh(self) -> LogView:
        """What the log says now. Raises `LogRewritten`, `BadEntry`, `BadProof`, `Unreachable`."""
        with self._lock:
            before = self._reader.note
            checkpoint = self._reader.update()
            if checkpoint.size > self._view.size:
                first, new = self._view.size, []
                for index, entry in self._reader.entries(self._view.size):
                    self._view.add(index, entry)
                    new.append(entry)
                self._keep(first, new)
            if self._reader.note != before and self._reader.note is not None:
                replace_file(self._memory, self._reader.note.encode())
            return self._view

    def view(self) -> LogView:
        """What the log said at the last refresh."""
        return self._view

    def prove(self, index: int) -> InclusionProof:
        """An entry with its proof against the last accepted checkpoint."""
        with self._lock:
            return self._reader.prove(index)

    def checkpoint(self) -> tuple[Checkpoint, str]:
        """The last accepted checkpoint, and its signed note."""
        self.refresh()
        assert self._reader.checkpoint is not None and self._reader.note is not None  # noqa: S101, PT018 - set by refresh
        return self._reader.checkpoint, self._reader.note

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Put a message into the log and see it there. Repeating it changes nothing. Returns its place."""
        return self.publish_sealed(canonical.encode(sign_for_log(body, key)))

    def publish_sealed(self, message: bytes) -> int:
        """The same for a message that was signed before (an outbox keeps it that way)."""
        index = self._client.post_bytes("/append", message, dict[str, int])["index"]
        self.refresh()
        with self._lock:
            self._reader.prove(index)
        return index

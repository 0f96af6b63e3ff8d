"""A proof that a log was rewritten: two heads of it, both signed, that cannot both be of a list that only grows.

Phones keep one when they see it (docs/formats/log-fork.md). Two heads of one size with different roots prove it by themselves. Two
of different sizes prove it together with the log as it stands: what it signed once must be in it for ever.
"""

from typing import Literal

import msgspec

from amparo_log.client import Fetch, LogReader
from amparo_log.errors import BadNote, LogRewritten
from amparo_log.note import Checkpoint, NoteVerifier, open_checkpoint


class ForkEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. `before` and `after` are signed notes: the head that was seen first, and the one that does not continue it."""

    v: Literal[1]
    what: Literal["log-rewritten"]
    vkey: str
    before: str
    after: str


class Judged(msgspec.Struct, frozen=True):
    """What a proof comes to. `verdict`: `proved` by the two heads alone; `confirmed` by the log, which does not contain both;
    `refuted` by the log, which contains both; `open` without the log."""

    verdict: Literal["proved", "confirmed", "refuted", "open"]
    before: int
    after: int


def judge(evidence: ForkEvidence, vkey: str, log: Fetch | None = None) -> Judged:
    """Check a proof against the log's published key, and against the log itself where it can be asked. Raises `BadNote` when a head
    is not signed with that key, and what reading the log raises."""
    if evidence.vkey != vkey:
        raise BadNote("The proof is about a log with another key.")
    verifier = NoteVerifier(vkey)
    heads = [open_checkpoint(note, verifier) for note in (evidence.before, evidence.after)]
    return Judged(_verdict(evidence, heads, verifier, log), heads[0].size, heads[1].size)


def _verdict(
    evidence: ForkEvidence, heads: list[Checkpoint], verifier: NoteVerifier, log: Fetch | None
) -> Literal["proved", "confirmed", "refuted", "open"]:
    before, after = heads
    if before.size == after.size:
        return "refuted" if before.root == after.root else "proved"
    if log is None:
        return "open"
    try:
        for note in (evidence.before, evidence.after):
            LogReader(log, verifier, seen=note).update()
    except LogRewritten:
        return "confirmed"
    return "refuted"

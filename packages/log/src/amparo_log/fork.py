"""A proof that a log was rewritten: two heads of it, both signed, that cannot both be of a list that only grows.

Phones keep one when they see it (docs/formats/log-fork.md). Two heads of one size with different roots prove it by themselves. Two
of different sizes prove it together with a copy of the log: what it signed once must be in it for ever. Nobody is believed but the
log's signature: a copy speaks through tiles that lead to a head the log signed, or not at all. Then the question stays open.
"""

from typing import Literal

import msgspec

from amparo_log.client import Fetch, LogReader, TreeReader
from amparo_log.errors import BadNote, BadProof, LogRewritten
from amparo_log.note import Checkpoint, NoteVerifier, open_checkpoint


class ForkEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. `before` and `after` are signed notes: the head that was seen first, and the one that does not continue it."""

    v: Literal[1]
    what: Literal["log-rewritten"]
    vkey: str
    before: str
    after: str


Verdict = Literal["proved", "confirmed", "refuted", "open"]
Reason = Literal["not-asked", "behind", "spoilt"]


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a proof comes to. `verdict`: `proved` by the two heads alone; `confirmed` by a later head of the log, which does not
    contain both; `refuted` by one that contains both; `open` as long as nothing shows either. `reason` why it is open: no copy of
    the log was asked, the copy ends before one of the two heads, or what it sent leads to no head that the log signed. `before` and
    `after`: how many entries the two heads count."""

    verdict: Verdict
    before: int
    after: int
    reason: Reason | None = None


def judge(evidence: ForkEvidence, vkey: str, log: Fetch | None = None) -> Judged:
    """Check a proof against the log's published key, and against a copy of the log where one can be asked, the log's own or a
    mirror. Raises `BadNote` when a head of the proof is not signed with that key, and what `log` raises when it gives no answer."""
    if evidence.vkey != vkey:
        raise BadNote("The proof is about a log with another key.")
    verifier = NoteVerifier(vkey)
    before, after = (open_checkpoint(note, verifier) for note in (evidence.before, evidence.after))
    reason: Reason | None = None
    verdict: Verdict
    if before.size == after.size:
        verdict = "refuted" if before.root == after.root else "proved"
    elif log is None:
        verdict, reason = "open", "not-asked"
    else:
        verdict, reason = _ask([before, after], verifier, log)
    return Judged(verdict, before.size, after.size, reason)


def _ask(heads: list[Checkpoint], verifier: NoteVerifier, log: Fetch) -> tuple[Verdict, Reason | None]:
    """What a copy of the log says of two signed heads of different sizes."""
    try:
        shown = LogReader(log, verifier).update()
        tree = TreeReader(log, shown)
        for head in heads:
            if head.size <= shown.size:
                tree.check_continues(head)
    except LogRewritten:
        return "confirmed", None
    except (BadNote, BadProof):
        return "open", "spoilt"
    return ("refuted", None) if all(head.size <= shown.size for head in heads) else ("open", "behind")

"""Errors of the log.

AmparoError
  LogError
    BadNote             log.bad_note
    BadProof            log.bad_proof
    LogRewritten        log.rewritten
    UnknownPublisher    log.unknown_publisher
    EntryTooLarge       log.entry_too_large
    BadEntry            log.bad_entry
"""

from amparo_common.errors import AmparoError


class LogError(AmparoError):
    """Base of this package's errors."""

    code = "log.error"


class BadNote(LogError):
    """A checkpoint is malformed or not signed by the expected key."""

    code = "log.bad_note"
    why = "Only a checkpoint signed by the log's published key counts."
    todo = "Check the log's key (vkey) and keep this checkpoint as evidence."


class BadProof(LogError):
    """A proof, a tile or the entries that were sent do not lead to the root they should."""

    code = "log.bad_proof"
    why = "They were spoilt on the way, or are not what was claimed. That says nothing about the log itself."
    todo = "Ask again, or another copy of the log. If it stays so, keep what was sent and tell the programme."


class LogRewritten(LogError):
    """The log no longer contains what it once showed."""

    code = "log.rewritten"
    http_status = 409
    why = "A log only ever grows; the tree seen before is not the beginning of the tree seen now."
    todo = "Keep both checkpoints: together they prove the rewriting to anyone."


class UnknownPublisher(LogError):
    """An entry is signed by nobody who may publish this kind of entry."""

    code = "log.unknown_publisher"
    http_status = 403
    why = "Each kind of entry has its own publisher, listed in the log's configuration."
    todo = "Publish through the service that owns this kind of entry."


class EntryTooLarge(LogError):
    """An entry is larger than a tile can hold."""

    code = "log.entry_too_large"
    why = "An entry has at most 65,535 bytes (tlog-tiles)."
    todo = "Shorten the document."


class BadEntry(LogError):
    """A leaf of the log is not an entry of the agreed form."""

    code = "log.bad_entry"
    why = "Every leaf is canonical JSON of a known kind."
    todo = "Keep it as evidence: the log accepted something it must not."

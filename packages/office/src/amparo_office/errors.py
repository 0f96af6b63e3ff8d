"""Errors of the office.

AmparoError
  OfficeError
    FileNotReadable        office.file_not_readable
    MappingNotReadable     office.mapping_not_readable
    RowsRefused            office.rows_refused (carries the report)
    FactNotNeeded          office.fact_not_needed
    VersionPublished       office.version_already_published
    ProgrammeUnknown       office.unknown_programme
    CycleUnknown           office.unknown_cycle
    CycleExists            office.cycle_exists
    NotDecided             office.not_decided
    SamePerson             office.same_person
    OverBudget             office.over_budget
    CrowdsTooSmall         office.crowds_too_small
    NothingToBand          office.nothing_to_band
    NotApproved            office.not_approved
    NotAsApproved          office.not_as_approved
    NotEntitled            office.not_entitled
    AlreadyClaimed         office.already_claimed
    EnrolmentCodeUnknown   office.unknown_enrolment_code
    WalletEnrolled         office.wallet_already_enrolled
    HolderUnknown          office.unknown_holder
    JobUnknown             office.unknown_job
    RoleMissing            office.role_missing
"""

import msgspec

from amparo_common.errors import AmparoError


class OfficeError(AmparoError):
    """Base of this package's errors."""

    code = "office.error"


class FileNotReadable(OfficeError):
    """An uploaded file is not a table this version reads."""

    code = "office.file_not_readable"
    why = "CSV (comma or semicolon, UTF-8), XLSX and Stata files are read."
    todo = "Save it in one of these forms and send it again; nothing was stored."


class MappingNotReadable(OfficeError):
    """A mapping file does not have the agreed form, or names a column that the file lacks."""

    code = "office.mapping_not_readable"
    why = "The mapping says which column becomes which fact; see docs/formats/mapping.md."
    todo = "Mend the mapping and try again; nothing was stored."


class RowFault(msgspec.Struct, frozen=True):
    """One thing that is wrong in a file: where, what was there, why it is refused."""

    file: str
    row: int
    column: str
    value: str
    reason: str


class RowsRefused(OfficeError):
    """Rows of an import cannot be taken. `faults` lists them (the first thousand)."""

    code = "office.rows_refused"
    why = "An import is taken whole or not at all."
    todo = "Correct the rows of the report in the file and send it again; nothing was stored."

    def __init__(self, what: str, faults: list[RowFault]) -> None:
        super().__init__(what)
        self.faults = faults


class FactNotNeeded(OfficeError):
    """A mapping takes in a fact that no published programme needs."""

    code = "office.fact_not_needed"
    why = "A fact is kept only while a published programme needs it."
    todo = "Leave the column out, or publish the programme that needs it first."


class VersionPublished(OfficeError):
    """A version of a programme's rule is already in the public log with other content."""

    code = "office.version_already_published"
    http_status = 409
    why = "A published rule never changes; a change is a new version with its own notice period."
    todo = "Give it a new version and publish that."


class ProgrammeUnknown(OfficeError):
    """There is no such published rule."""

    code = "office.unknown_programme"
    http_status = 404
    why = "Only rules in the public log count."
    todo = "Publish the rule first, or check the programme and version."


class CycleUnknown(OfficeError):
    """There is no such cycle."""

    code = "office.unknown_cycle"
    http_status = 404
    why = "The programme or the name of the cycle is wrong."
    todo = "Check both."


class CycleExists(OfficeError):
    """A cycle of this programme was already decided under another rule or day."""

    code = "office.cycle_exists"
    http_status = 409
    why = "A household is decided once in a cycle."
    todo = "Choose another name for another cycle."


class NotDecided(OfficeError):
    """A cycle is not decided yet."""

    code = "office.not_decided"
    http_status = 409
    why = "A payment is approved only when all decisions are made and their batch is in the log."
    todo = "Wait until the decisions are finished."


class SamePerson(OfficeError):
    """The person who started something cannot approve it."""

    code = "office.same_person"
    http_status = 403
    why = "Two people look at every payment."
    todo = "Ask a colleague with the role approver."


class OverBudget(OfficeError):
    """A cycle's total is higher than the published budget."""

    code = "office.over_budget"
    http_status = 409
    why = "The rule file says what a cycle may cost."
    todo = "Publish a version with another budget; nothing was approved."


class CrowdsTooSmall(OfficeError):
    """Some households would be nearly alone with their amount, and the approver has not said that this is known."""

    code = "office.crowds_too_small"
    http_status = 409
    why = "Who alone gets an amount can be found by it, at the mint and at the tills."
    todo = (
        "Publish a version with bands (amparo programme bands), or approve with --small-crowds-known; nobody loses aid."
    )


class NothingToBand(OfficeError):
    """Bands are asked for a cycle in which nobody gets aid."""

    code = "office.nothing_to_band"
    http_status = 409
    why = "Bands are made from the amounts that a cycle gave."
    todo = "Decide a cycle in which somebody gets aid, and ask again."


class NotApproved(OfficeError):
    """Aid was claimed before two people approved its payment."""

    code = "office.not_approved"
    http_status = 409
    why = "The decision stands; its payment is not approved yet."
    todo = "Try again later; the aid is not lost."


class NotAsApproved(OfficeError):
    """A stored decision is not the one that was approved."""

    code = "office.not_as_approved"
    http_status = 409
    why = "The stored amount or receipt does not lead to the batch root in the public log."
    todo = "Stop: somebody changed the database after the approval. Keep it as evidence."


class NotEntitled(OfficeError):
    """There is no aid to claim for this household in this cycle."""

    code = "office.not_entitled"
    http_status = 409
    why = "The decision was no; the receipt says why."
    todo = "Read the receipt, recompute it, and complain if it is wrong."


class AlreadyClaimed(OfficeError):
    """This aid was claimed with another quote."""

    code = "office.already_claimed"
    http_status = 409
    why = "Aid is paid out once in a cycle."
    todo = "Use the wallet that claimed it; if the phone is lost, come to the office."


class EnrolmentCodeUnknown(OfficeError):
    """An enrolment code is not valid."""

    code = "office.unknown_enrolment_code"
    http_status = 403
    why = "It was mistyped, used, or replaced by a newer one."
    todo = "Ask the office for a new one."


class WalletEnrolled(OfficeError):
    """A wallet that belongs to one household is offered the code of another."""

    code = "office.wallet_already_enrolled"
    http_status = 409
    why = "A wallet holds the papers and the aid of one household."
    todo = "Make another wallet for this household, and use the code there; it is still good."


class HolderUnknown(OfficeError):
    """A wallet's request that no enrolled wallet signed."""

    code = "office.unknown_holder"
    http_status = 403
    why = "Requests are signed with the key of the household's wallet."
    todo = "Enrol the wallet with a code from the office."


class JobUnknown(OfficeError):
    """There is no such job."""

    code = "office.unknown_job"
    http_status = 404
    why = "The number of the job is wrong."
    todo = "Check it."


class RoleMissing(OfficeError):
    """A staff request without a role that may do this."""

    code = "office.role_missing"
    http_status = 403
    why = "Each kind of work has its role."
    todo = "Ask a colleague with the role named above."

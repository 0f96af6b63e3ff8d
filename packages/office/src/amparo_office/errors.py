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
    KeyDestroyed           office.key_destroyed
    KeysLost               office.keys_lost
    RegisterDestroyed      office.register_destroyed
    EarlierLayout          office.earlier_layout
    SealBroken             office.seal_broken
    RecordUnknown          office.unknown_record
    RecordChanged          office.record_changed (carries which fields differ)
    HouseholdRefused       office.household_refused
    CollectorsRefused      office.collectors_refused
    PurposeRefused         office.purpose_refused
    OutsideArea            office.outside_area
    FactDefinitionRefused  office.fact_definition_refused
    LogNotConfigured       office.log_not_configured
    ImportFilesGone        office.import_files_gone
    ImportChanged          office.import_changed
    ImportNotReady         office.import_not_ready
    TooManyPaused          office.too_many_paused
    AreasRefused           office.areas_refused
    ValueFault             office.value_refused
    OutOfOrder             office.out_of_order
    ExportRefused          office.export_refused
    MergeRefused           office.merge_refused
    UndoRefused            office.undo_refused
    PairDecided            office.pair_decided
    OtherListRefused       office.other_list_refused
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
    """A file or a form takes in a fact that no published programme needs."""

    code = "office.fact_not_needed"
    why = "A fact is kept only while a published programme needs it."
    todo = "Leave it out, or publish the programme that needs it first."


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


# --- the register ------------------------------------------------------------------------------------------------------


class KeyDestroyed(OfficeError):
    """The key of a record was destroyed: what was sealed under it can never be opened again."""

    code = "office.key_destroyed"
    http_status = 410
    why = "The person asked for it, or the time for which their record may be kept is over."
    todo = "Nothing can bring it back; enrol the person again if they come."


class KeysLost(OfficeError):
    """The keyring is there, its master key is not, or the other way round."""

    code = "office.keys_lost"
    http_status = 503
    why = "Names are sealed under keys that lie in two places; one of them is missing or from another day."
    todo = "Stop the desk and put back the newest pair of keyring and master key; see docs/operate/office.md."


class RegisterDestroyed(OfficeError):
    """The keys of the whole register were destroyed on purpose."""

    code = "office.register_destroyed"
    http_status = 410
    why = "Two people, or the operator at the console, erased the register in an emergency."
    todo = "Begin a new register in a new folder; the old one cannot be opened by anybody."


class EarlierLayout(OfficeError):
    """The folder was made while the office had a register of its own beside the desk's."""

    code = "office.earlier_layout"
    http_status = 503
    why = "There is one register now, the desk's; people of the old one are not moved by themselves."
    todo = "Leave this folder as it is, begin in a new one, and import the lists again."


class SealBroken(OfficeError):
    """A sealed text does not open under the key of its record."""

    code = "office.seal_broken"
    http_status = 500
    why = "Somebody changed the database, or rows were exchanged."
    todo = "Stop and keep the database as evidence; restore the record from a backup."


class RecordUnknown(OfficeError):
    """There is no such household or person."""

    code = "office.unknown_record"
    http_status = 404
    why = "The number is wrong, or the record was erased."
    todo = "Search for the person by name."


class RecordChanged(OfficeError):
    """Somebody else changed the record since it was read. `differs` names the fields that they changed."""

    code = "office.record_changed"
    http_status = 409
    why = "A colleague saved the same record a moment ago."
    todo = "Look at the record as it is now, and make your change again if it is still needed."

    def __init__(self, what: str, differs: list[str]) -> None:
        super().__init__(what)
        self.differs = differs


class HouseholdRefused(OfficeError):
    """A household would have no member, two heads, or a member of another household."""

    code = "office.household_refused"
    http_status = 409
    why = "A household has at least one member, and at most one of them is its head."
    todo = "Correct the members and try again; nothing was stored."


class CollectorsRefused(OfficeError):
    """The primary and the alternate collector would be one person, or somebody who is not in the register."""

    code = "office.collectors_refused"
    http_status = 409
    why = "The alternate collector stands in when the primary one cannot come."
    todo = "Choose two different people, or leave the alternate empty."


class PurposeRefused(OfficeError):
    """Data were asked for under a purpose that does not need them. The attempt was written into the access log."""

    code = "office.purpose_refused"
    http_status = 403
    why = "Each purpose may read only the kinds of data that it needs."
    todo = "Choose the purpose that you really have; the person can see it."


class OutsideArea(OfficeError):
    """A record lies outside the areas of the member of staff, or their role may not read it. The attempt was written down."""

    code = "office.outside_area"
    http_status = 403
    why = "Roles are given for an area, and some see no personal data."
    todo = "Ask a colleague who works in that area."


class FactDefinitionRefused(OfficeError):
    """A proposed entry of the fact catalogue cannot be taken."""

    code = "office.fact_definition_refused"
    why = "An entry has a new name, labels in five languages, a purpose, a range and an end."
    todo = "Complete the entry and propose it again; see docs/formats/fact-catalogue.md."


class LogNotConfigured(OfficeError):
    """Something should be published, and this desk knows no log."""

    code = "office.log_not_configured"
    http_status = 503
    why = "The desk's folder has no config.json that names the log."
    todo = "Ask your operator to write it (docs/operate/office.md), then repeat the job."


class ImportFilesGone(OfficeError):
    """The files of an import or export are no longer there."""

    code = "office.import_files_gone"
    http_status = 410
    why = "Files are erased when an import is taken in or cancelled, and after seven days."
    todo = "Send the file again."


class ImportChanged(OfficeError):
    """What a commit would take in is no longer what the dry run showed."""

    code = "office.import_changed"
    http_status = 409
    why = "Only what somebody has seen is taken in. Nothing was stored."
    todo = "Check the file again, and take it in then."


class ImportNotReady(OfficeError):
    """Something was asked of an import that is at another step."""

    code = "office.import_not_ready"
    http_status = 409
    why = "An import goes step by step: file, columns, check, take in."
    todo = "Look at the import again."


class TooManyPaused(OfficeError):
    """More households would be paused by a list than one member may in a day."""

    code = "office.too_many_paused"
    http_status = 403
    why = "Aid is not taken from many people on one person's word."
    todo = "Open each household and pause it with its own reason, or do nothing."


class AreasRefused(OfficeError):
    """A file that is no list of areas."""

    code = "office.areas_refused"
    http_status = 400
    why = "Areas are known by their P-codes; names alone can mean several places."
    todo = "Send OCHA's table of P-codes, or a table with the columns code, parent and name."


class ValueFault(OfficeError):
    """A value of a file cannot be taken; becomes a `Fault` of its row and is never shown itself. `fault` is a code of
    `intake.faults.REASONS`, `limits` fill its words."""

    code = "office.value_refused"
    why = "The value does not have the form of its column."
    todo = "Correct it in the file."

    def __init__(self, fault: str, **limits: object) -> None:
        super().__init__(fault)
        self.fault = fault
        self.limits = {name: str(value) for name, value in limits.items()}


class OutOfOrder(OfficeError):
    """The people of a file do not come in the order of their households; the file is then read another way."""

    code = "office.out_of_order"
    why = "Households were read one after the other."
    todo = "Nothing: the file is read again, with more memory."


class ExportRefused(OfficeError):
    """A list may not leave the register in this form."""

    code = "office.export_refused"
    http_status = 403
    why = "A list needs a reason, a role that may see what is in it, and, when it is long, a second person."
    todo = "Choose fewer columns or fewer households, or ask a colleague."


# --- duplicates ------------------------------------------------------------------------------------------------------------


class MergeRefused(OfficeError):
    """Two records that cannot be merged this way."""

    code = "office.merge_refused"
    http_status = 409
    why = "Only two different records that both still count are merged, and the head of a household is the one who is kept."
    todo = "Keep the other record, or undo the earlier merge first."


class UndoRefused(OfficeError):
    """A merge cannot be undone now."""

    code = "office.undo_refused"
    http_status = 409
    why = "It was undone already, or the household has another head by now."
    todo = "Look at the household; change its head first if need be."


class PairDecided(OfficeError):
    """A verdict on a pair that was judged meanwhile."""

    code = "office.pair_decided"
    http_status = 409
    why = "A colleague judged these two records first."
    todo = "Look at the pair again."


class OtherListRefused(OfficeError):
    """A comparison with another agency's list that cannot be done."""

    code = "office.other_list_refused"
    http_status = 400
    why = "It is off until the desk's file says so, needs an agreed secret of 32 bytes, and reads only files of its own form."
    todo = "Read docs/operate/other-lists.md, agree on the secret with the agency, and encode again."

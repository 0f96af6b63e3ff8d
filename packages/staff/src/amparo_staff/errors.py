"""Errors of what staff apps share.

AmparoError
  StaffError
    AlreadyDecided        staff.already_decided
    ApprovalExpired       staff.approval_expired
    MayNotApprove         staff.may_not_approve
    AccountRefused
      BadCode             staff.bad_code
      BadPasskey          staff.bad_passkey
      IncompatibleRoles   staff.incompatible_roles
      LoginTaken          staff.login_taken
      MayNotChange        staff.may_not_change
      RolesChanged        staff.roles_changed
      SignInRefused       staff.sign_in_refused
      SignInWaits         staff.sign_in_waits
      WeakPassword        staff.weak_password
    FileDamaged           staff.file_damaged
    FileExpired           staff.file_expired
    JobCancelled          staff.job_cancelled
    JobDied               staff.job_died
    JobHasEnded           staff.job_has_ended
    JobTakenOver          staff.job_taken_over
    TrailBroken           staff.trail_broken
    WorkerStops           staff.worker_stops
"""

from datetime import datetime
from typing import TYPE_CHECKING

from amparo_common.errors import AmparoError

if TYPE_CHECKING:
    from amparo_staff.accounts.roles import Role


class StaffError(AmparoError):
    """Base of this package's errors."""

    code = "staff.error"


class AlreadyDecided(StaffError):
    """An approval was answered that no longer waits."""

    code = "staff.already_decided"
    http_status = 409
    why = "Somebody else answered first, or it was taken back."
    todo = "Look at the approval again; ask anew if it is still needed."


class ApprovalExpired(StaffError):
    """An approval was answered after its fourteen days."""

    code = "staff.approval_expired"
    http_status = 409
    why = "Nobody answered within fourteen days; silence is not a yes."
    todo = "Ask anew if it is still needed."


class MayNotApprove(StaffError):
    """Somebody answers an approval who may not."""

    code = "staff.may_not_approve"
    http_status = 403
    why = (
        "Nobody answers what they asked for themselves, what concerns themselves, or twice, or without the role for it."
    )
    todo = "Ask a colleague with the role to answer."


class AccountRefused(StaffError):
    """Base: something about an account is refused."""

    code = "staff.account_refused"


class BadCode(AccountRefused):
    """A one-time code does not work."""

    code = "staff.bad_code"
    http_status = 403
    why = "It was used before, it is too old, it is another account's, or it was typed wrongly."
    todo = "Check each sign of the code, or ask for a new one."


class BadPasskey(AccountRefused):
    """An answer of a passkey was not accepted."""

    code = "staff.bad_passkey"
    http_status = 403
    why = "It is not known here, it answered too late, or it was made for another place."
    todo = "Try again, or use another passkey."


class IncompatibleRoles(AccountRefused):
    """Two roles that one person must not hold together."""

    code = "staff.incompatible_roles"
    http_status = 409
    why = "Who makes, who checks and who releases are different people, in every area and programme."
    todo = "Leave out one of the two roles, or give it to somebody else."

    def __init__(self, first: "Role", second: "Role") -> None:
        super().__init__(f"{first.value} and {second.value} do not go together.")
        self.pair = (first, second)


class LoginTaken(AccountRefused):
    """Somebody has this log-in name already."""

    code = "staff.login_taken"
    http_status = 409
    why = "Each member has a log-in name of their own."
    todo = "Choose another log-in name."


class MayNotChange(AccountRefused):
    """A change of an account that this member may not make."""

    code = "staff.may_not_change"
    http_status = 403
    why = "Nobody changes their own roles, disables themselves, or recovers their own account."
    todo = "Ask another administrator."


class RolesChanged(AccountRefused):
    """Roles were changed by somebody else between the asking and the answer."""

    code = "staff.roles_changed"
    http_status = 409
    why = "What you see is no longer what would happen."
    todo = "Say no, and ask anew."


class SignInRefused(AccountRefused):
    """Log-in name or password is wrong, or the account is disabled. Which of them is not told."""

    code = "staff.sign_in_refused"
    http_status = 403
    why = "Log-in name and password do not belong together."
    todo = "Try again. If you forgot the password, ask an administrator."


class SignInWaits(AccountRefused):
    """Too many wrong tries: wait. `until` says how long."""

    code = "staff.sign_in_waits"
    http_status = 429
    why = "There were too many wrong tries in a row."
    todo = "Wait a little, then try again."

    def __init__(self, until: datetime) -> None:
        super().__init__("Sign-in waits.")
        self.until = until


class WeakPassword(AccountRefused):
    """A new password is not good enough. `faults` say why, to its member."""

    code = "staff.weak_password"
    why = "It is too short, or many people use it."
    todo = "Choose a longer one: three or four words that do not belong together."

    def __init__(self, faults: list[str]) -> None:
        super().__init__("This password is not good enough.")
        self.faults = faults


class TrailBroken(StaffError):
    """The staff's audit trail was changed after it was written. `number` is the first entry that does not fit."""

    code = "staff.trail_broken"
    http_status = 500
    why = "An entry was changed, removed, put elsewhere, or the end was cut off."
    todo = "Keep the database as it is, and tell the auditor: docs/operate/office.md."

    def __init__(self, number: int) -> None:
        super().__init__(f"The trail is broken at entry {number}.")
        self.number = number


class JobCancelled(StaffError):
    """A job hears that somebody cancelled it."""

    code = "staff.job_cancelled"
    http_status = 409
    why = "A colleague asked for it to stop."
    todo = "Start it again if it is still needed."


class JobTakenOver(StaffError):
    """A worker was given up for dead and goes on."""

    code = "staff.job_taken_over"
    http_status = 409
    why = "It gave no sign of life for half a minute, so another worker began the work anew."
    todo = "Nothing; the other one finishes it."


class JobDied(StaffError):
    """A job's worker died three times."""

    code = "staff.job_died"
    http_status = 500
    why = "The machine was stopped each time, or the work needs more memory than there is."
    todo = "Try it again once; then ask your operator."


class JobHasEnded(StaffError):
    """A job is cancelled or repeated that no longer can be."""

    code = "staff.job_has_ended"
    http_status = 409
    why = "It was done, or somebody else was quicker."
    todo = "Look at the page of the work again."


class FileExpired(StaffError):
    """A file of a job is gone."""

    code = "staff.file_expired"
    http_status = 410
    why = "Files are erased some days after they were made."
    todo = "Make it again."


class FileDamaged(StaffError):
    """A sealed file is not what was written."""

    code = "staff.file_damaged"
    http_status = 500
    why = "The disk is failing, or somebody changed the file."
    todo = "Make it again, and tell your operator."


class WorkerStops(StaffError):
    """A worker is asked to stop in the middle of a job."""

    code = "staff.worker_stops"
    http_status = 503
    why = "The desk is stopped or started anew."
    todo = "Nothing; the work begins anew by itself."

"""Errors of the umbrella.

AmparoError
  UmbrellaError
    FolderInUse         amparo.folder_in_use
    DeskInUse           amparo.desk_in_use
    FolderOpen          amparo.folder_open
    AnotherTown         amparo.another_town
    DiskFull            amparo.disk_full
    ServiceFailed       amparo.service_failed
    NothingRunning      amparo.nothing_running
    FileMissing         amparo.file_missing
    JobFailed           amparo.job_failed
    NotRefused          amparo.not_refused
    NoCheckout          amparo.no_checkout
    DepositsMissing     amparo.deposits_missing
    RealFolder          amparo.real_folder
    NobodyLeft          amparo.nobody_left
"""

from amparo_common.errors import AmparoError


class UmbrellaError(AmparoError):
    """Base of this package's errors."""

    code = "amparo.umbrella_error"


class FolderInUse(UmbrellaError):
    """Another process runs the services of this data folder."""

    code = "amparo.folder_in_use"
    why = "Two at once would write into the same databases."
    todo = "Stop the other one (Ctrl-C), or name another folder with --data."


class DeskInUse(UmbrellaError):
    """Another process works at this printing desk."""

    code = "amparo.desk_in_use"
    why = "Two at once could put one household's vouchers on two sheets."
    todo = "Wait until the other one has ended, then repeat the command."


class FolderOpen(UmbrellaError):
    """A folder that is to hold codes can be opened by others."""

    code = "amparo.folder_open"
    why = "A code on paper or in a file is cash: who can read it can spend it."
    todo = "Close it (chmod 700 FOLDER), or name a folder that is not there yet."


class AnotherTown(UmbrellaError):
    """The data folder holds a demo that was begun with other settings."""

    code = "amparo.another_town"
    why = "A month is finished as it was begun, or its totals would mean nothing."
    todo = "Use the same settings, add --fresh to throw the old demo away, or name another folder with --data."


class DiskFull(UmbrellaError):
    """The disk that holds the data folder has too little room."""

    code = "amparo.disk_full"
    why = "A service that cannot write refuses to go on."
    todo = "Free some space, or name a folder on another disk with --data."


class ServiceFailed(UmbrellaError):
    """A service does not start."""

    code = "amparo.service_failed"
    why = "It ended each time it was started."
    todo = "Read the file named output in its folder."


class NothingRunning(UmbrellaError):
    """No services run in this data folder."""

    code = "amparo.nothing_running"
    why = "The folder holds no addresses of running services."
    todo = "Start them with `amparo serve --data FOLDER` (or `amparo demo`), then repeat the command."


class FileMissing(UmbrellaError):
    """A file that was named cannot be read."""

    code = "amparo.file_missing"
    why = "It is not there, or may not be read."
    todo = "Check the path."


class JobFailed(UmbrellaError):
    """A job of the office failed. Carries the office's own code and, for an import, the rows."""

    code = "amparo.job_failed"

    def __init__(self, what: str, *, remote_code: str, why: str, todo: str, faults: list[dict[str, object]]) -> None:
        super().__init__(what, why=why, todo=todo)
        self.remote_code = remote_code
        self.faults = faults


class NotRefused(UmbrellaError):
    """Something that must be refused was accepted, or refused for another reason."""

    code = "amparo.not_refused"
    why = "The demo tries each cheat for real; one that is not refused is a fault of the system."
    todo = "Report it: SECURITY.md says how."


class NoCheckout(UmbrellaError):
    """The tests are asked for where they are not."""

    code = "amparo.no_checkout"
    why = "The tests live in the source checkout, not in the installed package."
    todo = "Run ./amparo test in a checkout of the source."


class DepositsMissing(UmbrellaError):
    """The shops side has another sum for a shop than the shop sold."""

    code = "amparo.deposits_missing"
    why = "The mint tells the shops side of every deposit; here something is missing or too much."
    todo = "Look whether the mint and the shops side run, then start the demo again: it goes on where it was."


class RealFolder(UmbrellaError):
    """Invented people are asked for in a folder that was made for real ones."""

    code = "amparo.real_folder"
    why = "Invented people and their log-ins would stand among real ones for good."
    todo = "Name another folder with --data for practice."


class NobodyLeft(UmbrellaError):
    """The demo's town has no household for a newcomer's phone."""

    code = "amparo.nobody_left"
    why = "Nobody with a phone gets enough food aid in the next month."
    todo = "Play a larger town, or other files."

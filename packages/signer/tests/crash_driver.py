"""Plays one change of a folder of keys and is killed before each of its file operations, one after the other.

Run as a program: `python crash_driver.py CHANGE FOLDER COPIES`. It copies FOLDER for every file operation of the change,
and in a child of its own makes the change on the copy until the child kills itself (SIGKILL) just before that operation.
Prints the operations in order. Nothing of ours is patched: the child watches its own calls into the system.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amparo_signer.seal import Seal, default_seal, seal_from_file
from amparo_signer.service import open_service, reseal_folder

# The calls that change what is on the disk, or make it last. `write` is the file object's and the descriptor's.
_OPERATIONS = {"mkdir", "chmod", "open", "write", "flush", "fsync", "link", "replace", "unlink", "close"}
_OWNERS = ("posix", "io", "_io")


def make(folder: Path) -> None:
    """A keyset is made."""
    open_service(folder).make_keyset("KES", "new", None)


def reseal(folder: Path) -> None:
    """Every seed is sealed with the key `outside`."""

    def outside(folder: Path, *, in_use: bool) -> Seal:
        return seal_from_file(folder / "outside")

    reseal_folder(folder, default_seal, outside)


def retire(folder: Path) -> None:
    """The keyset of the period "old" is retired."""
    service = open_service(folder)
    (old,) = (each for each in service.keysets() if each.period == "old")
    service.retire(old.id)


def watched(change: Callable[[Path], None], folder: Path, before: Callable[[str], None]) -> None:
    """Make the change, and call `before` with its name before each file operation."""

    def see(_frame: Any, event: str, called: Any) -> None:
        if event == "c_call" and called.__name__ in _OPERATIONS:
            owner = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__
            if owner in _OWNERS:
                before(called.__name__)

    sys.setprofile(see)
    try:
        change(folder)
    finally:
        sys.setprofile(None)


def in_child(work: Callable[[], None]) -> int:
    """Run it in a child process; gives the child's wait status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def killed_before(number: int, change: Callable[[Path], None], folder: Path) -> bool:
    """Make the change and kill the child before its operation `number`; False when it has fewer."""
    seen = [0]

    def count(_name: str) -> None:
        if seen[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        seen[0] += 1

    return os.WIFSIGNALED(in_child(lambda: watched(change, folder, count)))


def main() -> None:
    """See the module."""
    change = {"make": make, "reseal": reseal, "retire": retire}[sys.argv[1]]
    folder, copies = Path(sys.argv[2]), Path(sys.argv[3])
    number = 0
    while killed_before(number, change, shutil.copytree(folder, copies / f"{number:03}")):
        number += 1
    names: list[str] = []
    watched(change, shutil.copytree(folder, copies / "whole"), names.append)
    print(" ".join(names))


if __name__ == "__main__":
    main()

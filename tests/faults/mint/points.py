"""The write points of an unchanged program: counted, and one of them made the last thing that it does, or refused.

A small library (`points.c`, compiled with the machine's C compiler on first use) is loaded into the program before its own
code; a page of shared memory tells it what to do. Nothing of the product knows of it.
"""

import atexit
import ctypes
import mmap
import shutil
import subprocess
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Literal

from tests.needed import cannot_run

SOURCE = Path(__file__).with_name("points.c")
MOST_NAMES = 4000
LENGTH = 56
_MODES = {"off": 0, "kill": 1, "tear": 2, "refuse": 3}

Mode = Literal["kill", "tear", "refuse"]


class _Page(ctypes.Structure):
    """The same layout as `struct page` in points.c."""

    _fields_ = (
        ("mode", ctypes.c_long),
        ("at", ctypes.c_long),
        ("error", ctypes.c_long),
        ("count", ctypes.c_long),
        ("names", (ctypes.c_char * LENGTH) * MOST_NAMES),
    )


@cache
def library() -> Path:
    """The compiled library. Skips the test where there is no C compiler; in CI there is one."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        cannot_run("there is no C compiler")
    folder = Path(tempfile.mkdtemp(prefix="amparo-points-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "points.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return made


class Points:
    """The points of whatever program is started with `environment`, all its processes together. One program at a time. `user`:
    whose program it is, where it is not this user's."""

    def __init__(self, folder: Path, *, user: str | None = None) -> None:
        self._path = folder / "points"
        self._library = library()
        if user is not None:
            self._library = Path(shutil.copy(self._library, folder))
        with self._path.open("w+b") as file:
            file.truncate(ctypes.sizeof(_Page))
            # The mapping outlives the file's descriptor.
            self._map = mmap.mmap(file.fileno(), 0)
        if user is not None:
            shutil.chown(self._path, user)
        self._page = _Page.from_buffer(self._map)

    @property
    def environment(self) -> dict[str, str]:
        """What the program's environment must have besides."""
        return {"LD_PRELOAD": str(self._library), "AMPARO_FAULT_POINTS": str(self._path)}

    def arm(self, mode: Mode, at: int, *, error: int = 0) -> None:
        """Count from now on. At point `at`: die before it (`kill`), or half-way through a write to a file (`tear`); or let every
        change of a file from there on fail with `error` (`refuse`)."""
        self._page.count, self._page.at, self._page.error = 0, at, error
        ctypes.memset(self._page.names, 0, ctypes.sizeof(self._page.names))
        self._page.mode = _MODES[mode]

    def disarm(self) -> int:
        """Count no more; how many points there were."""
        self._page.mode = 0
        return int(self._page.count)

    def names(self) -> list[str]:
        """The points since they were counted: the call, and the file's name or `socket`."""
        return [self._page.names[at].value.decode(errors="replace") for at in range(min(self._page.count, MOST_NAMES))]

    def last(self) -> str:
        """The point at which it happened."""
        return self.names()[int(self._page.at) - 1]


def summary(names: list[str]) -> str:
    """Which calls there were, and how many of each."""
    calls = Counter(f"{name.split()[0]} {'socket' if name.endswith('socket') else 'file'}" for name in names)
    return ", ".join(f"{count} {call}" for call, count in sorted(calls.items()))

"""Keeps a program imported and lets a copy of itself run it: a start then costs no second of processor time for imports.

Run as a program: `python nursery.py mint` (or `signer`, `log`). For each line on standard input (a JSON list: a file for what it
says, and its arguments) it forks; the child runs the program, and its number is written as a line. The children end when the
nursery does, and it ends when its standard input closes. A fault test starts hundreds of mints; what a child does from its first
line on is what the command does. The variable AMPARO_MOST_FILES bounds how many files the program may open.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable

from amparo_log.__main__ import main as log
from amparo_mint.__main__ import main as mint
from amparo_signer.__main__ import main as signer

_PR_SET_PDEATHSIG = 1
# A program that takes more than this (of addresses, not of memory) ends alone and not the machine.
_MOST_MEMORY = 3 << 30
_PROGRAMS: dict[str, Callable[[], None]] = {"log": log, "mint": mint, "signer": signer}


def main() -> None:
    """See the module."""
    program = _PROGRAMS[sys.argv[1]]
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    if "AMPARO_MOST_FILES" in os.environ:
        most = int(os.environ["AMPARO_MOST_FILES"])
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Ended children are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        words, arguments = json.loads(line)
        nursery = os.getpid()
        child = os.fork()
        if child:
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            continue
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == nursery:
            run(program, words, [sys.argv[1], *arguments])
        os._exit(1)


def run(program: Callable[[], None], words: str, arguments: list[str]) -> None:
    """Run it, with what it says in the file `words`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = arguments
    said = os.open(words, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        program()
        os._exit(0)
    except SystemExit as end:
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    main()

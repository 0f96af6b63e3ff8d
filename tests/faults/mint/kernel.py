"""The writes of a running program as the kernel sees them (`strace`), in the words of the write points: a second count."""

import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Kernel's name -> the point's name; several library calls end in one kernel call.
_CALLS = {
    "pwrite64": "pwrite",
    "sendto": "send",
    "renameat": "rename",
    "renameat2": "rename",
    "linkat": "link",
    "unlinkat": "unlink",
    "mkdirat": "mkdir",
    "ftruncate64": "ftruncate",
}
# All by which bytes, names or sizes reach a file or a socket; of openings nobody sees here whether they made the file.
_TRACED = (
    "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,copy_file_range,io_uring_enter,fsync,fdatasync,"
    "sync_file_range,msync,fallocate,ftruncate,truncate,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,"
    "mkdirat,rmdir,connect"
)
_OF_FILE = re.compile(r"\d+ +(\w+)\((\d+)<([^>]*)>")
_OF_NAME = re.compile(r'\d+ +(\w+)\((?:AT_FDCWD[^,]*, |\d+<[^>]*>, )?"([^"]*)"')
START_SECONDS = 30.0


def shown(call: str, target: str) -> str:
    """A call and a file's name, as both counts write it."""
    return f"{_CALLS.get(call, call)} {target.rpartition('/')[2][:40]}"


@contextmanager
def watched(process: int, folder: Path) -> Iterator[Counter[str]]:
    """Inside, the program is watched; after it the counter is filled. Skips the test where there is no strace."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    words, found = folder / "strace.words", Counter[str]()
    command = [strace, "-f", "-y", "-s", "0", "-e", f"trace={_TRACED}", "-o", str(words), "-p", str(process)]
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    patience = threading.Timer(START_SECONDS, running.kill)
    patience.start()
    assert "attached" in running.stderr.readline()
    patience.cancel()
    try:
        yield found
    finally:
        running.terminate()
        running.communicate()
    found.update(filter(None, map(_read, words.read_text(errors="replace").splitlines())))


def _read(line: str) -> str:
    """A line's call and file, or an empty text when it is no point."""
    if of_file := _OF_FILE.match(line):
        call, number, target = of_file.groups()
        if target.startswith("socket:"):
            return shown(call, "socket")
        return shown(call, target) if int(number) > 2 and target.startswith("/") else ""
    of_name = _OF_NAME.match(line)
    return shown(*of_name.groups()) if of_name else ""

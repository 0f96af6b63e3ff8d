"""Files stay small, and none names a machine, a private folder or a package index."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.tidy.tree import Workspace, listed, plant

LONGEST = 600
_SOURCES = {".py", ".ts", ".tsx", ".mjs", ".js", ".css", ".html", ".typ"}

# Written in two halves, so that this file does not name what it forbids.
_HOSTS = (
    ("pypi", ".org"),
    ("files.python", "hosted.org"),
    ("registry.npm", "js.org"),
    ("deb.debian", ".org"),
    ("security.debian", ".org"),
    ("archive.ubuntu", ".com"),
    ("conda.ana", "conda.org"),
    ("proxy.go", "lang.org"),
    ("static.crates", ".io"),
)
_PLACES = (
    rf"(?<![\w.])/wo{''}rk/",
    r"(?<![\w.])/home/(?!FOLDER|USER|YOU)\w",
    rf"(?<![\w.])/ro{''}ot/",
    r"(?<![\w.])/Users/\w",
    r"\b[A-Z]:\\Users\\",
)
_FORBIDDEN = re.compile("|".join([*(re.escape(first + second) for first, second in _HOSTS), *_PLACES]))
# File -> why it may name such a place.
ALLOWED: dict[str, str] = {}


def too_long(root: Path, files: Iterable[Path]) -> list[str]:
    """Source files of more than `LONGEST` lines, tests and tools among them."""
    return [
        f"{path.relative_to(root).as_posix()} has {count} lines"
        for path in files
        if path.suffix in _SOURCES and (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    ]


def private_places(root: Path, files: Iterable[Path]) -> list[str]:
    """Lines that name a folder of one machine or the host of a package index."""
    faults = []
    for path in files:
        shown = path.relative_to(root).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or font
        for number, line in enumerate(text.splitlines(), start=1):
            found = _FORBIDDEN.search(line)
            if found and shown not in ALLOWED:
                faults.append(f"{shown}:{number}: {found[0]}")
    return faults


def test_no_source_file_is_too_long(workspace: Workspace) -> None:
    files = workspace.tracked()
    faults = too_long(workspace.root, files)
    assert not faults, listed(faults)
    assert {Path(__file__), workspace.root / "web" / "build.mjs"} <= set(files)


def test_no_file_names_a_machine_or_an_index(workspace: Workspace) -> None:
    files = workspace.tracked()
    faults = private_places(workspace.root, files)
    assert not faults, listed(faults)
    assert Path(__file__) in files


def test_a_long_file_is_seen(copy: Workspace) -> None:
    long = "packages/till/src/amparo_till/long.py"
    page = plant(copy, long, "x = 1\n" * LONGEST)
    assert too_long(copy.root, [page]) == []
    plant(copy, long, "x = 1\n")
    assert too_long(copy.root, [page]) == [f"{long} has {LONGEST + 1} lines"]


def test_every_named_machine_or_index_is_seen(copy: Workspace) -> None:
    lines = [
        *(f"--index-url https://{first}{second}/simple" for first, second in _HOSTS),
        f"cd /wo{''}rk/main",
        f"/ho{''}me/ana/amparo",
        f"PATH=/ro{''}ot/bin",
        f"/Us{''}ers/ana",
        f"C:{chr(92)}Users{chr(92)}ana",
    ]
    subprocess.run(["git", "init", "-q"], cwd=copy.root, check=True)
    plant(copy, "docs/operate/leak.md", "\n".join(lines))
    plant(copy, ".gitignore", "ignored.md\n")
    plant(copy, "ignored.md", lines[0])
    seen = [fault.partition(": ")[0] for fault in private_places(copy.root, copy.tracked())]
    assert seen == [f"docs/operate/leak.md:{number}" for number in range(1, len(lines) + 1)]


def test_a_path_that_only_looks_alike_is_no_fault(copy: Workspace) -> None:
    page = plant(copy, "docs/fine.md", "PyPI; ./work/x; framework/main; ~/amparo; https://example.org/home/\n")
    assert private_places(copy.root, [page]) == []

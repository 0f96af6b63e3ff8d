"""The script `./amparo`: what cannot work gets one clear sentence; the README's commands are real commands."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from amparo.__main__ import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def script(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The script, with nothing on its path but Debian's small tools."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "mkdir", "df", "awk", "rm", "printf"):
        found = shutil.which(name)
        if found is not None:
            (tools / name).symlink_to(found)
    old = env.pop("PYTHON3", "")
    if old:
        (tools / "python3").write_text(old)
        (tools / "python3").chmod(0o755)
    return subprocess.run(
        ["sh", str(ROOT / "amparo"), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": str(tools), "HOME": str(tmp_path), "AMPARO_HOME": str(tmp_path / "home")} | env,
    )


def test_without_python_it_says_what_to_install(tmp_path: Path) -> None:
    result = script(tmp_path)
    assert result.returncode == 3
    assert "Python 3.11 or newer" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_with_an_old_python_it_says_what_to_install(tmp_path: Path) -> None:
    result = script(tmp_path, PYTHON3="#!/bin/sh\nexit 1\n")
    assert result.returncode == 3
    assert "Python 3.11 or newer" in result.stderr


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    python = Path(sys.executable).resolve()  # the interpreter itself: a version manager's stand-in needs more tools
    result = script(tmp_path, AMPARO_PYTHON=str(python), AMPARO_HOME=str(tmp_path / "file" / "home"))
    assert result.returncode == 3
    assert "cannot write" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def commands_in(text: str) -> list[str]:
    """The command lines of a text: what follows `$ ./amparo` or `$ amparo` in its examples."""
    found = re.findall(r"^\$ (?:\./)?amparo ?([^\n]*)$", text, re.MULTILINE)
    return [line for line in found if line != "--help"]


def parsed(line: str) -> str:
    """The name of the command that a command line means; raises unless it parses. Nothing is run."""
    words = shlex.split(line, comments=True)
    command = get_command(app)
    with command.make_context("amparo", words, resilient_parsing=False) as context:
        while words and hasattr(command, "commands"):
            name = words.pop(0)
            command = command.commands[name]
        if not hasattr(command, "commands"):
            command.make_context("amparo", words, parent=context).close()
    return str(command.name)


def test_the_readme_shows_commands() -> None:
    assert {"demo", "test"} <= set(commands_in(README))
    assert len(commands_in(README)) >= 6


@pytest.mark.parametrize("line", commands_in(README))
def test_a_command_of_the_readme_is_a_real_command(line: str) -> None:
    assert parsed(line) in line


def test_a_command_that_is_none_is_seen() -> None:
    with pytest.raises(KeyError):
        parsed("no-such-command")
    with pytest.raises(Exception, match="No such option"):
        parsed("demo --no-such-option")


def test_the_script_is_posix_and_can_be_run() -> None:
    assert os.access(ROOT / "amparo", os.X_OK)
    assert (ROOT / "amparo").read_text().startswith("#!/bin/sh\n")

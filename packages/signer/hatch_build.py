"""Build hook: compiles `batch.c` into `batch.library` beside it, or says in one line that the plain fallback will be used.

Needs a C compiler (`cc`, or what the variable CC names) and nothing else: no header of Python or of libsecp256k1.
"""

import hashlib
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra")


class CompileBatch(BuildHookInterface):  # type: ignore[type-arg]  # the plugin interface is generic over its settings
    """Runs for wheels and for editable installs."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel that carries the library is marked as made for this platform."""
        folder = Path(self.root) / "src" / "amparo_signer"
        reason = compile_batch(folder / "batch.c", folder / "batch.library")
        if reason:
            self.app.display_warning(f"amparo-signer: no C batch ({reason}); the plain fallback will be used")
        elif version != "editable":
            build_data["artifacts"].append("src/amparo_signer/batch.library")
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


def compile_batch(source: Path, target: Path) -> str:
    """Make the library, whole or not at all; gives "" or why there is none. One of an earlier source goes in any case."""
    fingerprint = hashlib.sha256(source.read_bytes()).hexdigest()
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    compiler = shlex.split(os.environ.get("CC") or "cc")
    command = [*compiler, *FLAGS, f'-DSOURCE_HASH="{fingerprint}"', "-o", str(draft), str(source)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own file; CC is the builder's
        draft.replace(target)
    except (OSError, subprocess.SubprocessError) as error:
        for stale in (draft, target):
            stale.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):
            return f"no compiler {compiler[0]}"
        return f"the compiler failed, {type(error).__name__}"
    return ""

"""Builds the phone apps before wheel and sdist are made in a checkout; an sdist brings them along."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[2]


class PhoneApps(BuildHookInterface):  # type: ignore[type-arg] # hatchling's hooks are generic in a type that it does not name
    """Runs `tools.phone_apps` where `web/` lies."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build, unless this is an editable install or there is nothing to build from."""
        if version == "editable" or not (ROOT / "web" / "build.mjs").exists():
            return
        subprocess.run([sys.executable, "-m", "tools.phone_apps"], cwd=ROOT, check=True)

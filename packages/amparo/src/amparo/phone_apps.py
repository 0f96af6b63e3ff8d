"""The phone apps: built where this is a checkout (an installed package brought them along), their hashes in the public log."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from amparo.installation import Installation
from amparo_apps.config import AppName
from amparo_apps.errors import AppsNotBuilt
from amparo_apps.files import built

NAMES: tuple[AppName, ...] = ("wallet", "till")


def make_apps() -> bool:
    """Build what is missing or old. Whether the apps are there; when not, says why and what works without them."""
    out = Console(stderr=True, highlight=False)
    root = next((each for each in Path(__file__).resolve().parents if (each / "web" / "build.mjs").exists()), None)
    if root is not None:
        with out.status("building the phone apps (the first time: half a minute)"):
            done = subprocess.run(
                [sys.executable, "-m", "tools.phone_apps"], cwd=root, capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            out.print(f"[yellow]{escape(done.stderr.strip())}[/]\nEverything else works without them.", soft_wrap=True)
    try:
        for name in NAMES:
            built(name)
    except AppsNotBuilt:
        return False
    return True


def publish(installation: Installation) -> dict[str, int]:
    """Name the built apps in the public log; returns their places there. The same again changes nothing. Raises `AppsNotBuilt`."""
    office = installation.administrator()
    found: dict[str, int] = {}
    for name in NAMES:
        app = built(name)
        body = {"app": name, "release": app.release, "hash": app.hash}
        found[name] = office.post("/apps", body, dict[str, int])["index"]
    return found

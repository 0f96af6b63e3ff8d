"""Every screen of the phone apps in Debian's Chromium with invented content: in five languages, light and dark, 360 px wide and
320 px with text twice as large: nothing sticks out, everything can be touched, axe finds nothing, no other address is asked.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tests.browser.conftest import ROOT, Browser
from tests.needed import cannot_run
from tools import environments, words
from tools.environments import CannotMake

SIZES = [{"width": 360, "text": 100}, {"width": 320, "text": 200}]
LANGUAGES = ["en", *words.LANGUAGES]


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages that show the screens."""
    out = tmp_path_factory.mktemp("rig")
    try:
        node = environments.node()
        node.install(ROOT / "web")
    except CannotMake as error:
        cannot_run(f"the screens cannot be built: {error}")
    command = [str(node.program), str(ROOT / "web" / "rig.mjs"), str(out)]
    subprocess.run(command, cwd=ROOT / "web", check=True, env=node.surroundings(), timeout=120)
    return out


def tables() -> dict[str, dict[str, str | list[str]]]:
    """The words of each language, as the build makes them."""
    said = words.on_phones(ROOT)
    return {language: words.table(said, language, ROOT) for language in words.LANGUAGES}


@pytest.mark.parametrize("app", ["wallet", "till"])
def test_every_screen_is_whole_in_every_language(browser_rig: Browser, rig: Path, app: str) -> None:
    asked = {
        "chromium": browser_rig.chromium,
        "rig": str(rig),
        "app": app,
        "tables": tables(),
        "sizes": SIZES,
        "schemes": ["light", "dark"],
        "languages": LANGUAGES,
        "pictures": os.environ.get("AMPARO_PICTURES"),
    }
    found = browser_rig.run("rig.mjs", asked, seconds=900)
    assert len(found) >= 15 * len(LANGUAGES)
    faults = [f"{each['screen']}, {each['language']}: {fault}" for each in found for fault in each["faults"]]
    assert not faults, "\n".join(faults[:40])

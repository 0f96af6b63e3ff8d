"""Every screen of the phone apps in Debian's Chromium with invented content: in five languages, light and dark, 360 px wide and
320 px with text twice as large: nothing sticks out, everything can be touched, axe finds nothing, no other address is asked.
"""

import base64
import os
import re
import subprocess
from pathlib import Path

import pypdfium2
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


def test_a_receipt_strip_is_one_narrow_page_with_sum_shop_and_reason_and_nothing_else(
    browser_rig: Browser, rig: Path
) -> None:
    asked = {
        "chromium": browser_rig.chromium,
        "rig": str(rig),
        "tables": {"en": {}, **tables()},
        "screens": ["paid", "refused"],
    }
    strips = browser_rig.run("strip.mjs", asked, seconds=120)
    assert [each["language"] for each in strips if each["screen"] == "paid"] == LANGUAGES
    for each in strips:
        (page,) = pypdfium2.PdfDocument(base64.b64decode(each["pdf"]))
        assert page.get_width() / 72 * 25.4 == pytest.approx(58, abs=0.5)
        words_on_it = page.get_textpage().get_text_range()
        assert "Bodega Sol" in words_on_it
        assert ("10.24 USD" in words_on_it) == (each["screen"] == "paid")
        assert ("till.taken_before" in words_on_it) == (each["screen"] == "refused")
        # Sum and code aside, no digit: no day, no hour, no number of anything.
        assert not re.search(r"\d", words_on_it.replace("10.24", ""))

"""Every screen of the desk in Chromium: no accessibility fault by axe, no sideways scroll, one heading, nothing loaded from
elsewhere, nothing that the content policy refuses. Some variants in every run, all of them with `pytest -m screens`.

AMPARO_SCREENSHOTS=FOLDER keeps the pictures, for looking at.
"""

import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Browser, Desk

LANGUAGES = ("es", "en", "fr", "ar", "pt")
SCHEMES = ("light", "dark")


def variant(language: str, width: int) -> dict[str, Any]:
    """How a screen is looked at: once loaded, in both schemes. On a phone text twice as large is tried too."""
    return {"language": language, "schemes": SCHEMES, "width": width, "large": width == 360}


@pytest.fixture
def pictures() -> Path | None:
    """Where the pictures go, if anybody wants them."""
    wanted = os.environ.get("AMPARO_SCREENSHOTS")
    if wanted is None:
        return None
    folder = Path(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def told(found: list[dict[str, Any]]) -> list[str]:
    """Every fault as a line."""
    return [f"{each['screen']} ({each['variant']}): {fault}" for each in found for fault in each["faults"]]


def test_no_screen_has_a_fault_on_a_phone_in_spanish_and_arabic(
    browser_rig: Browser, desk: Desk, pictures: Path | None
) -> None:
    found = browser_rig.judge(desk, [variant("es", 360), variant("ar", 360)], pictures)
    assert len(found) == len(desk.screens) * 2
    assert not told(found), "\n".join(told(found))


@pytest.mark.screens
def test_no_screen_has_a_fault_in_any_language_and_width(
    browser_rig: Browser, desk: Desk, pictures: Path | None
) -> None:
    found = browser_rig.judge(desk, [variant(*each) for each in product(LANGUAGES, (360, 1280))], pictures)
    assert len(found) == len(desk.screens) * 10
    assert not told(found), "\n".join(told(found))


def test_a_faulty_screen_is_seen(browser_rig: Browser, desk: Desk, tmp_path: Path) -> None:
    screen = {"name": "files", "path": "/health", "session": "", "fill": {}, "submit": "", "status": 404}
    (found,) = browser_rig.judge(desk, [variant("ar", 360)], tmp_path, screens=[screen])
    seen = " ".join(found["faults"])
    for fault in ("status 200", "0 h1", "speaks", "written ltr", "axe html-has-lang", "axe document-title"):
        assert fault in seen
    assert {path.name for path in tmp_path.iterdir()} == {"files-ar-light-360.png", "files-ar-dark-360.png"}

"""A phone dies in the middle of what it does, in a real browser with its real database: the dangerous moments of each deed, one
way of dying each. Every moment and every way: `pytest -m faults -s tests/faults/test_phones_browser.py`.
"""

from pathlib import Path

from tests.browser.conftest import Browser
from tests.browser.dying import Plan, play
from tests.browser.phones_town import PhonesTown

# The mint has done it and the phone does not know; what it knows is half on its disk.
PLAN: Plan = {
    "claim": [
        {"kind": "reload", "at": "answered POST /wallet/claim"},
        {"kind": "power", "at": "answered POST /v1/mint/benefit"},
    ],
    "pay": [{"kind": "crash", "at": "answered POST /v1/swap"}],
    "pay first": [{"kind": "reload", "at": "sent POST /v1/swap"}],
    "receive": [{"kind": "power", "at": "answered POST /v1/swap"}],
    "take locked": [{"kind": "reload", "at": "answered POST /v1/swap"}],
    "take locked, alone": [{"kind": "power", "at": "written records"}],
    "take unlocked": [{"kind": "crash", "at": "answered POST /v1/swap"}],
    "deposit": [{"kind": "power", "at": "answered POST /v1/melt/settle"}],
}


def test_a_phone_that_dies_in_a_real_browser_loses_and_doubles_nothing(
    browser_rig: Browser, phones_town: PhonesTown, tmp_path: Path
) -> None:
    deaths = play(phones_town, browser_rig, tmp_path, PLAN)
    assert {deed for deed, _ in deaths.died} == set(PLAN)
    assert all(deaths.points[deed] == {each["at"] for each in PLAN[deed]} for deed in PLAN)

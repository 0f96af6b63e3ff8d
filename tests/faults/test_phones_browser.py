"""A phone dies at every point of every deed, in a real browser with its real database: its page is loaded anew, its page crashes,
its browser is killed. No coin is lost, none counts twice. A point is the moment after an effect (`tests/browser/points.mjs`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browser.conftest import Browser, find_browser, need_phone_apps
from tests.browser.dying import DEEDS, KINDS, play
from tests.browser.phones_town import PhonesTown, phones_town

pytestmark = pytest.mark.faults

# Each death of a claim takes a household of its own.
HOUSEHOLDS = 320
# What each deed is known to pass, whatever else it does.
PASSED = {
    "claim": {"answered POST /wallet/claim", "answered POST /v1/mint/quote/benefit", "answered POST /v1/mint/benefit"},
    "pay": {"sent POST /v1/swap", "answered POST /v1/swap"},
    "pay first": {"sent POST /v1/swap", "answered POST /v1/swap"},
    "receive": {"sent POST /v1/swap", "answered POST /v1/swap"},
    "take locked": {"sent POST /v1/swap", "answered POST /v1/swap"},
    "take locked, alone": set(),
    "take unlocked": {"sent POST /v1/swap", "answered POST /v1/swap"},
    "deposit": {"answered POST /v1/checkstate", "answered POST /v1/melt/quote/settle", "answered POST /v1/melt/settle"},
}


@pytest.fixture(scope="module")
def rig() -> Browser:
    """The browser."""
    return find_browser()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhonesTown]:
    """A town with a household for every claim."""
    need_phone_apps(tmp_path_factory.mktemp("built"))
    with phones_town(tmp_path_factory.mktemp("phones"), households=HOUSEHOLDS) as made:
        yield made


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_that_dies_at_any_point_loses_and_doubles_nothing(
    kind: str, deed: str, rig: Browser, town: PhonesTown, tmp_path: Path
) -> None:
    deaths = play(town, rig, tmp_path, {deed: [{"kind": kind, "at": "each"}]})
    passed = deaths.points[deed]
    assert PASSED[deed] | {"writing records", "written records", f"marked {store(deed)}"} <= passed, passed
    print(f"{deed} ({kind}): {deaths}")


def store(deed: str) -> str:
    """The name of the store of the app that does it."""
    return "amparo-till" if deed.startswith(("take", "deposit")) else "amparo-wallet"

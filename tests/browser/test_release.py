"""What a phone keeps of the app: its words from the first visit on; a new release brings along what the one before it had kept."""

from pathlib import Path

import msgspec
import pytest
from tests.browser.conftest import ROOT, Browser, need_phone_apps
from tools import phone_apps, voices

from amparo_apps.config import Addresses
from amparo_log.note import NoteSigner

NOWHERE = Addresses(log="http://127.0.0.1:1", vkey=NoteSigner("log.example", bytes(32)).vkey, mint="http://127.0.0.1:1")
TEXTS = {
    "welcome": "Your aid on your phone",
    "once": "This needs a connection once.",
    "silent": "Sound is off",
    "begin": "Begin",
    "home": "Your aid",
    "more": "More",
    "settings": "Settings",
    "update": "Update now",
}


@pytest.mark.parametrize(("language", "locale"), [("es", "es-PE"), ("en", "en-GB")])
def test_an_app_speaks_its_language_without_a_connection_after_the_first_visit_and_after_a_new_release(
    browser_rig: Browser, tmp_path: Path, language: str, locale: str
) -> None:
    need_phone_apps(tmp_path / "built")
    texts = {name: voices.shown(text, language, ROOT) for name, text in TEXTS.items()}
    told = {
        "chromium": browser_rig.chromium,
        "folder": str(phone_apps.BUILT / "wallet"),
        "locale": locale,
        "config": msgspec.to_builtins(NOWHERE),
        "texts": texts | {"language": language},
    }
    found = browser_rig.run("release.mjs", told, seconds=120)
    words, spare = f"/words-{language}.json", ["/ed25519_spare.js", "/zxing.js", "/zxing_reader.wasm"]
    assert found["waiting"] == "Amparo"
    assert set(found["first"]) <= {words, *spare}
    # A release that cannot bring the words along is not taken.
    assert (found["withoutWords"], found["withWords"]) == ("redundant", "installed")
    assert found["second"] == sorted([words, f"/{language}.voice", *spare])
    assert found["caches"] == 1

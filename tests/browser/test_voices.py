"""A phone without a voice of its own reads its screens aloud from the recordings, and goes on without a connection."""

import subprocess
import sys
from pathlib import Path

import msgspec
from tests.browser.conftest import Browser, address_in, need_phone_apps

from amparo_apps.config import Addresses, AppConfig


def test_a_phone_without_a_voice_reads_aloud_in_arabic_with_and_without_a_connection(
    browser_rig: Browser, tmp_path: Path
) -> None:
    need_phone_apps(tmp_path / "built")
    folder = tmp_path / "wallet"
    folder.mkdir()
    nowhere = Addresses(log="http://127.0.0.1:1", vkey="key", mint="http://127.0.0.1:1")
    (folder / "config.json").write_bytes(msgspec.json.encode(AppConfig("wallet", nowhere)))
    server = subprocess.Popen([sys.executable, "-m", "amparo_apps", "--data", str(folder)])
    try:
        asked = {"chromium": browser_rig.chromium, "address": address_in(folder / "address", server)}
        found = browser_rig.run("voices.mjs", asked, seconds=120)
    finally:
        server.terminate()
        server.wait()
    assert found["faults"] == []
    # What was read: the welcome when the sound is turned on, the same from the loudspeaker, and both again without a connection.
    assert len(found["seconds"]) == 4
    assert all(1 < each < 15 for each in found["seconds"]), found["seconds"]
    assert len(set(found["seconds"])) == 1
    assert found["loud"] > 0.05
    assert [path.split("-")[0] for path in found["fetched"]] == ["/ar"]

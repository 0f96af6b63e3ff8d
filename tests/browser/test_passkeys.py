"""Passkeys in Chromium: its own software key answers what the pages ask, through passkey.js."""

import json
import subprocess

from tests.browser.conftest import HERE, Browser, Desk


def test_a_member_adds_a_passkey_and_signs_in_with_it_after_the_password_and_alone(
    browser_rig: Browser, desk: Desk
) -> None:
    # A passkey is bound to a name, and an address in numbers is none.
    address = desk.address.replace("127.0.0.1", "localhost")
    told = {
        "chromium": browser_rig.chromium,
        "address": address,
        "login": "nora",
        "password": "seven green lanterns",
    }
    done = subprocess.run(
        [str(browser_rig.node), str(HERE / "passkey.mjs")],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {
        "added": 1,
        "codes": 10,
        "second": "/sign-in/second",
        "signedIn": "/",
        "alone": "/",
        "faults": [],
    }

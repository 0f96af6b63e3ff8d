"""Passkeys in Chromium: its own software key answers what the pages ask, through passkey.js."""

from tests.browser.conftest import Browser, Desk


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
    found = browser_rig.run("passkey.mjs", told, seconds=300)
    assert found == {
        "added": 1,
        "codes": 10,
        "second": "/sign-in/second",
        "signedIn": "/",
        "alone": "/",
        "faults": [],
    }

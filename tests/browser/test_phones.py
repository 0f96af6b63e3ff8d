"""The newcomer's story in Debian's Chromium: a wallet and a till with the real services, each phone's camera seeing the other.

Aid is claimed with the office's code and its decision checked on the phone; a shop is paid with a connection and, after both plugs
are pulled and both pages opened anew, without one; a code that is shown twice is refused; the sales are sent in and settled.
"""

import json
import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.browser.conftest import HERE, Browser
from tests.conftest import play
from tools.environments import CannotMake
from tools.phone_apps import build

from amparo.demo import month, phones
from amparo.demo.story import moment
from amparo.folder import DataFolder
from amparo.phone_apps import make_apps
from amparo.supervisor import Supervisor
from amparo_service.practice_clock import PracticeClock

STEPS = [
    "the wallet is begun",
    "the decision is checked on the phone",
    "the aid is taken",
    "the shop's till is begun",
    "paid with a connection, the shop first",
    "paid with a connection, the person first",
    "an amount is set aside for this shop",
    "both plugs are pulled, and it is paid again",
    "a code is shown twice, and refused the second time",
    "with a connection again the sales are sent in and settled",
    "the wallet is closed with a PIN, and opens with it alone",
]


def test_a_newcomer_pays_with_and_without_a_connection_and_the_shop_is_settled(
    browser_rig: Browser, tmp_path: Path
) -> None:
    if not make_apps():
        _explain(tmp_path)
    folder = DataFolder(tmp_path / "phones")
    PracticeClock(folder.clock).set(moment(1))
    with Supervisor(folder, practice=True, apps=True) as services:
        stage = play(folder, services)
        for step in (month.publish_rules, month.register, month.enrol):
            step(stage)
        ready = phones.make_ready(stage)
        with phones.Bank(stage):
            asked = msgspec.to_builtins(ready) | {
                "chromium": browser_rig.chromium,
                "pictures": os.environ.get("AMPARO_PICTURES"),
            }
            done = subprocess.run(
                [str(browser_rig.node), str(HERE / "phones.mjs")],
                input=json.dumps(asked),
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert not found["faults"], "\n".join(found["faults"])
    assert [each["step"] for each in found["said"]] == STEPS


def _explain(tmp_path: Path) -> None:
    try:
        build(tmp_path / "built")
    except CannotMake as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"the phone apps cannot be built: {error}")

"""cashu-ts, unchanged, at the two phone apps in a real browser: it pays our till as a foreign wallet, and our wallet pays what it
asks for as a foreign shop, where the protocol and our limits allow; else the wallet says so and loses nothing.
"""

from pathlib import Path

import msgspec
import pytest
from tests.browser.conftest import Browser
from tests.browser.phones_town import PhonesTown, Player
from tools import environments

from amparo.demo import phones
from amparo.town import FOOD

DRIVES = Path(__file__).parents[1] / "foreign" / "cashu_ts"
NO_REQUEST = "This is not a code of a shop or of aid."
REFUSAL = "This wallet cannot pay what is asked here. Ask the shop for another code, or type the amount."


class Fact(msgspec.Struct, frozen=True):
    """A sentence that was found true or not, and what was seen otherwise."""

    sentence: str
    holds: bool
    detail: str


@pytest.mark.parametrize("play", ["till", "wallet"])
def test_cashu_ts_pays_our_till_and_our_wallet_pays_cashu_ts(
    play: str, browser_rig: Browser, phones_town: PhonesTown, tmp_path: Path
) -> None:
    environments.node().install(DRIVES)
    shop = phones_town.shop("Bodega Luna")
    stage = phones_town.stage
    told = {
        "chromium": browser_rig.chromium,
        "wallet": phones_town.ready.wallet,
        "till": phones_town.ready.till,
        "folder": str(tmp_path),
        "key": shop["key"],
        "shop_code": shop["code"],
        "mint": stage.installation.services.url("mint"),
        "keysets": [body.keyset for _, body in phones_town.people.log.view().keysets],
        "unit": FOOD,
        "now": int(stage.clock.now().timestamp()),
        "refusal": REFUSAL,
        "no_request": NO_REQUEST,
        "play": play,
    }
    player = Player([str(browser_rig.node), str(DRIVES / "phones.mjs")], told)
    found: list[Fact] = []
    try:
        for line in player.lines():
            if "failed" in line:
                raise AssertionError(line["failed"])
            if line.get("ask") == "bank":
                phones.pay_once(stage.installation.finance())
                player.reply({})
            elif "ask" in line:
                player.reply(phones_town.answer(line))
            else:
                found = msgspec.convert(line["found"], list[Fact])
                player.reply({})
    finally:
        player.end()
    assert found
    assert not [fact for fact in found if not fact.holds]

"""Both phones in airplane mode and six times slower: what one shows is seen by the other's camera, and nothing else joins them."""

import time
from pathlib import Path
from typing import Any

from tests.browser.conftest import Browser
from tests.browser.phones_town import PhonesTown

from amparo.town import FOOD
from amparo_service.client import Client

SLOW = 6
# What is set aside for the shop, and how many of its coins each sale takes, one after the other.
ASIDE = 2_000
SALES = {128: 1, 129: 2, 101: 4, 191: 8}
PATIENCE_SECONDS = 30


def test_sales_of_one_to_eight_coins_pass_by_cameras_alone(
    browser_rig: Browser, phones_town: PhonesTown, tmp_path: Path
) -> None:
    shop = phones_town.shop("Bodega Sol")
    told = {
        "chromium": browser_rig.chromium,
        "wallet": phones_town.ready.wallet,
        "till": phones_town.ready.till,
        "code": phones_town.household(least=ASIDE)["code"],
        "shop_code": shop["code"],
        "folder": str(tmp_path),
        "slow": SLOW,
        "aside": ASIDE,
        "sales": list(SALES),
    }
    found = browser_rig.run("airplane.mjs", told, seconds=300)
    assert {each["amount"]: each["coins"] for each in found} == SALES
    shops = Client(shop["shops"], bearer=shop["access"])
    until = time.monotonic() + PATIENCE_SECONDS
    while (found := shops.get(f"/mine/{FOOD}", dict[str, Any])["deposited"]) != sum(SALES):
        assert time.monotonic() < until, found
        time.sleep(0.1)

"""Nobody is issued aid among too few: the smallest crowd, small programmes, and the end of the window."""

from datetime import timedelta

from packages.mint.tests.conftest import FOOD, NOON, OFFICE_KEY, RENT, Town, Wallet

from amparo_common.bridge import AidApproved, DecisionsMade, LogEntry, sign_for_log
from amparo_common.clock import to_text
from amparo_mint.crowd import CrowdSettings, needed, window_ends

SETTINGS = CrowdSettings(smallest=3, window_hours=72)
NOW = int(NOON.timestamp())


def approve(town: Town, *, eligible: int, total: int = 1_000, programme: str = "aid", cycle: str = "2026-11") -> None:
    """A batch of decisions for so many households, approved."""
    root = "0" * 64
    town.log.publish(
        DecisionsMade(
            programme=programme,
            cycle=cycle,
            rule_hash="0" * 64,
            as_of="2026-11-01",
            root=root,
            households=eligible,
            eligible=eligible,
            total=total,
            unit=FOOD,
        ),
        OFFICE_KEY,
    )
    town.log.publish(
        AidApproved(programme=programme, cycle=cycle, root=root, total=total, unit=FOOD, approvals=2), OFFICE_KEY
    )


def test_a_large_programme_waits_for_the_smallest_crowd_and_a_small_one_for_all_its_people(sqlite_town: Town) -> None:
    town = sqlite_town
    assert needed(SETTINGS, town.log.view(), FOOD, now=NOW) == 0
    approve(town, eligible=2)
    assert needed(SETTINGS, town.log.view(), FOOD, now=NOW) == 2
    approve(town, eligible=500, programme="school")
    assert needed(SETTINGS, town.log.view(), FOOD, now=NOW) == 3
    assert needed(None, town.log.view(), FOOD, now=NOW) == 0


def test_only_the_newest_cycle_of_a_programme_is_waited_for(sqlite_town: Town) -> None:
    approve(sqlite_town, eligible=2, cycle="2026-10")
    approve(sqlite_town, eligible=1, cycle="2026-11")
    assert needed(SETTINGS, sqlite_town.log.view(), FOOD, now=NOW) == 1


def test_nobody_waits_longer_than_the_window(sqlite_town: Town) -> None:
    approve(sqlite_town, eligible=500)
    end = int((NOON + timedelta(hours=72)).timestamp())
    assert needed(SETTINGS, sqlite_town.log.view(), FOOD, now=end) == 3
    assert needed(SETTINGS, sqlite_town.log.view(), FOOD, now=end + 1) == 0


def test_the_first_people_wait_for_the_others_and_see_the_crowd(town: Town, wallet: Wallet, keyset: str) -> None:
    town.mint._crowd_needed = lambda unit, now: needed(  # as its configuration would set it
        SETTINGS, town.log.view(), unit, now=now
    )
    approve(town, eligible=500)
    quotes = [wallet.quote(8) for _ in range(3)]
    claims = [wallet.claim_body(quote, wallet.split(keyset, 8)) for quote in quotes]
    for crowd, quote in enumerate(quotes, start=1):
        town.http.post("/bridge/quote-paid", content=town.payment(quote, 8))
        shown = town.http.get(f"/v1/mint/quote/benefit/{quote}").json()
        assert (shown["crowd"], shown["crowd_needed"], shown["amount_paid"]) == (crowd, 3, 8)
        answer = town.http.post("/v1/mint/benefit", content=claims[0])
        if crowd < 3:
            assert (answer.status_code, answer.json()["error"]) == (400, "mint.crowd_too_small")
            batch = {"quotes": [quote], "outputs": []}
            assert town.http.post("/v1/mint/benefit/batch", json=batch).status_code == 400
        else:
            assert answer.status_code == 200
    town.new_keyset("2026-12")
    assert town.http.post("/v1/mint/benefit", content=claims[0]).json() == answer.json()
    refusal = town.http.post("/v1/mint/benefit", content=claims[1])
    assert refusal.json()["error"] in {"mint.crowd_too_small", "token.keyset_inactive"}


def test_every_wallet_of_a_unit_is_told_the_same_end_of_the_newest_window(sqlite_town: Town) -> None:
    town = sqlite_town
    assert window_ends(SETTINGS, town.log.view(), FOOD) == 0
    approve(town, eligible=500, cycle="2026-11")
    first = int((NOON + timedelta(hours=72)).timestamp())
    assert window_ends(SETTINGS, town.log.view(), FOOD) == first
    later = AidApproved(programme="school", cycle="2026-11", root="0" * 64, total=2, unit=FOOD, approvals=2)
    tomorrow = LogEntry(at=to_text(NOON + timedelta(days=1)), entry=sign_for_log(later, OFFICE_KEY))
    town.log.view().add(town.log.view().size, tomorrow)
    assert window_ends(SETTINGS, town.log.view(), FOOD) == first + 24 * 3_600
    assert window_ends(SETTINGS, town.log.view(), RENT) == 0
    assert window_ends(None, town.log.view(), FOOD) == 0


def test_a_quote_tells_when_the_window_ends_alone_and_in_a_batch(town: Town, wallet: Wallet, keyset: str) -> None:
    town.mint._window_ends = lambda unit: window_ends(SETTINGS, town.log.view(), unit)  # as its configuration would
    mine, other = wallet.quote(8), wallet.quote(16)
    assert town.http.get(f"/v1/mint/quote/benefit/{mine}").json()["window_ends"] == 0
    approve(town, eligible=500)
    end = window_ends(SETTINGS, town.log.view(), FOOD)
    assert town.http.get(f"/v1/mint/quote/benefit/{mine}").json()["window_ends"] == end
    found = town.http.post("/v1/mint/quote/benefit/check", json={"quotes": [mine, other]}).json()
    assert [each["window_ends"] for each in found] == [end, end]

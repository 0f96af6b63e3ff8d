"""The published filter of spent tokens: what a till without a connection can know, and what nobody else learns from it."""

from datetime import timedelta

from packages.mint.tests.conftest import NOON, Town, Wallet

from amparo_cashu.curve import hash_to_curve
from amparo_cashu.spent_filter import SpentFilter, filter_item
from amparo_cashu.wire import Proof


def item(proof: Proof) -> bytes:
    """What a till that holds a token looks for."""
    return filter_item(proof.id, hash_to_curve(proof.secret.encode()).format())


def edition(town: Town, keyset: str) -> SpentFilter:
    """The filter as anybody fetches it."""
    response = town.http.get(f"/filters/spent/{keyset}")
    assert response.status_code == 200
    return SpentFilter(response.content)


def test_a_till_finds_every_token_that_was_spent_before_today_and_none_that_was_not(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    kept, spent = wallet.receive(keyset, 255), wallet.receive(keyset, 255)
    wallet.swap(spent, wallet.split(keyset, 255))
    town.clock.set(NOON + timedelta(days=1))
    town.run(town.server.keep_calendar)
    found = edition(town, keyset)
    assert (found.keyset, found.count) == (keyset, len(spent))
    assert all(found.has(item(proof)) for proof in spent)
    assert not any(found.has(item(proof)) for proof in kept)


def test_there_is_one_edition_a_day_whoever_asks_and_also_after_a_restart(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    town.run(town.server.keep_calendar)
    first = edition(town, keyset)
    wallet.swap(wallet.receive(keyset, 8), wallet.split(keyset, 8))
    town.run(town.server.keep_calendar)
    town.reopen()
    town.run(town.server.keep_calendar)
    assert (edition(town, keyset).day, edition(town, keyset).count) == (first.day, first.count) == (first.day, 0)


def test_a_keyset_that_is_none_has_no_filter(town: Town) -> None:
    for keyset in ("01" + "0" * 64, "..%2Foperator.token", "operator"):
        assert town.http.get(f"/filters/spent/{keyset}").json()["code"] in {12001, 10000}

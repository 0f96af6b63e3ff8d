"""Quotes go with their keysets, and floods of them are bounded; nothing that somebody was paid for is removed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packages.mint.tests.conftest import FOOD, NOON, RENT, Town, Wallet, refused

from amparo_common.ids import DepositId, KeysetId, QuoteId, random_id
from amparo_mint import operate
from amparo_mint.calendar import GRACE_SECONDS
from amparo_mint.model import DONE, Change, MeltQuoteRow, MintQuoteRow, Payment
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.store import CLEARED_AT_ONCE, NewKeyset, Store

END = int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
MANY = 10**6

Story = Callable[[Store], Awaitable[None]]


@pytest.fixture(params=["sqlite", "postgres"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    """Plays a story on a fresh database with one active keyset (number 1)."""
    address = request.getfixturevalue("new_database")() if request.param == "postgres" else ""

    async def run(story: Story) -> None:
        store: Store = PostgresStore(address) if address else SqliteStore(tmp_path / "mint.sqlite")
        await store.open()
        try:
            await store.add_keyset(NewKeyset(KeysetId("01aa"), FOOD, "2026-11", None, [8]))
            await store.activate("01aa")
            await story(store)
        finally:
            await store.close()

    return lambda story: asyncio.run(run(story))


async def ask(store: Store, *, aid: int, deposits: int, keyset: int = 1) -> tuple[list[str], list[str]]:
    """So many new quotes of both kinds; their ids."""
    mint = [MintQuoteRow(QuoteId(random_id()), FOOD, 8, "02" + "11" * 32, keyset=keyset) for _ in range(aid)]
    melt = [MeltQuoteRow(DepositId(random_id()), "shop", FOOD, 8, keyset=keyset) for _ in range(deposits)]
    changes = [Change(new_mint_quote=row) for row in mint] + [Change(new_melt_quote=row) for row in melt]
    assert await store.apply(changes) == [DONE] * len(changes)
    return [row.id for row in mint], [row.id for row in melt]


async def left(store: Store, quotes: tuple[list[str], list[str]]) -> tuple[int, int]:
    """How many of these quotes are there."""
    return len(await store.mint_quotes(quotes[0])), len(await store.melt_quotes(quotes[1]))


def test_unpaid_quotes_go_with_the_keysets_that_have_ended_and_with_no_other(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        old, new = await ask(store, aid=3, deposits=2), await ask(store, aid=2, deposits=3, keyset=2)
        assert await store.clear_quotes(ended=[], over=[], most_unpaid=MANY) == 0
        assert await store.clear_quotes(ended=[1, 3], over=[], most_unpaid=MANY) == 5
        assert (await left(store, old), await left(store, new)) == ((0, 0), (2, 3))
        assert await store.clear_quotes(ended=[1, 3], over=[], most_unpaid=MANY) == 0

    play(story)


def test_of_a_flood_as_many_unpaid_quotes_stay_as_are_allowed(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        quotes = await ask(store, aid=60, deposits=50)
        paid = (await ask(store, aid=1, deposits=0))[0]
        await store.apply([Change(payment=Payment(QuoteId(paid[0]), 8, FOOD, 1_000, 1))])
        assert await store.clear_quotes(ended=[], over=[], most_unpaid=40) == 20 + 10
        assert await left(store, quotes) == (40, 40)
        # Any of them goes, an old one as well as a new one.
        for part in (quotes[0][:30], quotes[0][30:]):
            assert 0 < len(await store.mint_quotes(part)) < 30
        assert await store.clear_quotes(ended=[], over=[], most_unpaid=0) == 80
        assert await left(store, (paid, [])) == (1, 0)

    play(story)


def test_a_great_many_quotes_are_removed_in_small_steps(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        quotes = await ask(store, aid=CLEARED_AT_ONCE + 1, deposits=0)
        assert await store.clear_quotes(ended=[1], over=[], most_unpaid=MANY) == CLEARED_AT_ONCE
        assert await left(store, quotes) == (1, 0)
        assert await store.clear_quotes(ended=[1], over=[], most_unpaid=MANY) == 1

    play(story)


def test_a_deposit_that_waits_outlives_its_keyset(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        row = MeltQuoteRow(DepositId("d"), "shop", FOOD, 8, "PENDING", keyset=1)
        await store.apply([Change(new_melt_quote=row)])
        await store.close_keyset("01aa")
        assert await store.clear_quotes(ended=[1], over=[1], most_unpaid=0) == 0
        await store.finish_deposit("d", accepted=True)
        assert await store.clear_quotes(ended=[1], over=[1], most_unpaid=0) == 1

    play(story)


def test_quotes_are_kept_as_long_as_they_may_be_asked_for(town: Town, wallet: Wallet) -> None:
    """Through the months of a keyset: unpaid ones go at its end, finished ones after its grace, paid ones that wait for their
    claim never."""
    town.new_keyset("december", final_expiry=END)
    unpaid, late = wallet.quote(8), wallet.quote(8)
    idle, made = wallet.deposit_quote(8), wallet.deposit_quote(8)
    claimed = wallet.quote(8)
    for quote in (late, claimed):
        town.pay(quote, 8)
    december = town.http.get("/v1/keys").json()["keysets"][0]["id"]
    blanks = wallet.split(december, 8)
    claim = wallet.claim_body(claimed, blanks)
    proofs = wallet.finish(town.http.post("/v1/mint/benefit", content=claim).content, blanks)
    deposit = wallet.deposit_body(made, proofs)
    assert town.http.post("/v1/melt/settle", content=deposit).json()["state"] == "PAID"

    def known() -> set[str]:
        mint = {q for q in (unpaid, late, claimed) if town.http.get(f"/v1/mint/quote/benefit/{q}").status_code == 200}
        return mint | {q for q in (idle, made) if town.http.get(f"/v1/melt/quote/settle/{q}").status_code == 200}

    for moment, expected in (
        (END, {unpaid, late, claimed, idle, made}),
        (END + 61, {late, claimed, made}),
        (END + GRACE_SECONDS, {late, claimed, made}),
        (END + GRACE_SECONDS + 61, {late}),
    ):
        town.clock.set(datetime.fromtimestamp(moment, UTC))
        town.run(town.server.keep_calendar)
        assert known() == expected
        if moment < END + GRACE_SECONDS:
            # A repeated request is answered as the first time.
            assert town.http.post("/v1/mint/benefit", content=claim).status_code == 200
    newer = town.new_keyset("2027-05")
    answer = town.http.post("/v1/mint/benefit", content=wallet.claim_body(late, wallet.split(newer, 8)))
    assert answer.status_code == 200
    refused(town.http.get(f"/v1/mint/quote/benefit/{unpaid}"), 10000, "token.quote_unknown")


def test_quotes_of_a_keyset_without_an_end_go_when_several_later_ones_have_signed(town: Town, wallet: Wallet) -> None:
    """Unpaid ones after three, finished ones after six; one that was paid for and not claimed never."""
    endless = town.new_keyset("endless")
    unpaid, late, claimed = wallet.quote(8), wallet.quote(8), wallet.quote(8)
    for quote in (late, claimed):
        town.pay(quote, 8)
    blanks = wallet.split(endless, 8)
    claim = wallet.claim_body(claimed, blanks)
    assert town.http.post("/v1/mint/benefit", content=claim).status_code == 200
    # Those of another unit do not count.
    for at in range(7):
        town.new_keyset(f"rent {at}", unit=RENT)
    expected = {unpaid, late, claimed}
    for later in range(1, 7):
        town.new_keyset(f"later {later}")
        expected -= {unpaid} if later >= operate.LATER_AS_END else set()
        expected -= {claimed} if later >= operate.LATER_AS_CLOSED else set()
        town.clock.set(datetime.fromtimestamp(int(NOON.timestamp()) + later * 61, UTC))
        town.run(town.server.keep_calendar)
        known = {q for q in (unpaid, late, claimed) if town.http.get(f"/v1/mint/quote/benefit/{q}").status_code == 200}
        assert known == expected
    assert known == {late}


def test_a_mint_under_a_flood_of_quotes_keeps_its_bound_by_itself(
    town: Town, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operate, "MOST_UNPAID", 5)
    for _ in range(20):
        wallet.quote(8)
    town.clock.set(datetime.fromtimestamp(int(NOON.timestamp()) + 3_600, UTC))
    town.eventually(lambda: town.rows("SELECT count(*) FROM mint_quote") == [(5,)])


def test_a_quote_belongs_to_the_keyset_of_what_was_done_last_with_it(town: Town, wallet: Wallet) -> None:
    """When made, when paid, when claimed: each time the one that signed then. A deposit to its newest tokens'."""
    quote = wallet.quote(8)
    town.new_keyset("2026-12")
    town.pay(quote, 8)
    kept = "SELECT keyset FROM mint_quote"
    assert town.rows(kept) == [(2,)]
    third = town.new_keyset("2027-01")
    blanks = wallet.split(third, 8)
    claim = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, blanks))
    assert town.rows(kept) == [(3,)]
    deposit = wallet.deposit_quote(8)
    assert town.rows("SELECT keyset FROM melt_quote") == [(3,)]
    fourth = town.new_keyset("2027-02")
    proofs = wallet.swap(wallet.finish(claim.content, blanks), wallet.split(fourth, 8))
    town.http.post("/v1/melt/settle", content=wallet.deposit_body(deposit, proofs))
    assert town.rows("SELECT keyset FROM melt_quote") == [(4,)]

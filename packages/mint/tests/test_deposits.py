"""Deposits: from a shop's tokens over PENDING to PAID, whatever the shops side or a crash does meanwhile."""

import asyncio
import json
import threading
from collections.abc import Callable

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, MINT_KEY, RENT, SHOP, Town, Wallet, refused

from amparo_cashu.wire import MeltRequest, Proof
from amparo_common.bridge import ShopDeposited, open_sealed
from amparo_common.ids import DepositId
from amparo_common.signing import SigningKey
from amparo_mint import operate
from amparo_mint.model import Change, MeltQuoteRow
from amparo_mint.operate import MOST_ASKERS, MOST_ASKING
from amparo_mint.store import MOST_WAITING
from amparo_service.errors import Unreachable

SETTLE = "/v1/melt/settle"


def stands(town: Town, quote: str) -> str:
    """A deposit quote's state."""
    return str(town.http.get(f"/v1/melt/quote/settle/{quote}").json()["state"])


def leave_waiting(town: Town, wallet: Wallet, proofs: list[Proof]) -> tuple[str, bytes]:
    """A deposit that was taken and of which the shops side has not heard yet; its quote and request."""
    quote = wallet.deposit_quote(sum(proof.amount for proof in proofs))
    body = wallet.deposit_body(quote, proofs)
    town.shops.away = True
    answer = town.http.post(SETTLE, content=body)
    assert (answer.status_code, answer.json()["state"]) == (200, "PENDING")
    return quote, body


def test_a_deposit_is_told_to_the_shops_side_once_and_in_the_same_commit(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    proofs = wallet.receive(keyset, 96)
    quote = wallet.deposit_quote(96)
    assert stands(town, quote) == "UNPAID"
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, proofs))
    assert answer.json() == town.http.get(f"/v1/melt/quote/settle/{quote}").json()
    assert (answer.json()["state"], answer.json()["request"], answer.json()["amount"]) == ("PAID", SHOP, 96)
    for _ in range(2):
        town.run(town.server.deliver)
    (message,) = town.shops.deposits
    assert msgspec.to_builtins(open_sealed(message, MINT_KEY.public, ShopDeposited)) == {
        "kind": "shop-deposited",
        "deposit": quote,
        "shop": SHOP,
        "amount": 96,
        "unit": "food",
    }
    assert wallet.state(proofs) == ["SPENT", "SPENT"]
    assert town.figures() == {keyset: (96, 0, 96, 0)}


def test_a_deposit_waits_while_the_shops_side_is_away_and_its_tokens_belong_to_it(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    proofs = wallet.receive(keyset, 96)
    quote, body = leave_waiting(town, wallet, proofs)
    # What is to be told is in the database with the tokens, before anything is delivered.
    assert town.run(town.store.count_waiting) == 1
    with pytest.raises(Unreachable):
        town.run(town.server.deliver)
    assert wallet.state(proofs) == ["PENDING", "PENDING"]
    swap = town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(keyset, 96)))
    refused(swap, 11002, "token.pending")
    refused(
        town.http.post(SETTLE, content=wallet.deposit_body(wallet.deposit_quote(96), proofs)), 11002, "token.pending"
    )
    # The very same request is the same deposit, and no second one.
    again = town.http.post(SETTLE, content=body)
    assert (again.status_code, again.json()["state"]) == (200, "PENDING")
    assert town.run(town.store.count_waiting) == 1
    town.shops.away = False
    town.run(town.server.deliver)
    assert (stands(town, quote), len(town.shops.deposits)) == ("PAID", 1)
    assert town.http.post(SETTLE, content=body).json()["state"] == "PAID"
    assert town.figures() == {keyset: (96, 0, 96, 0)}


def test_a_deposit_that_waits_is_not_published_as_redeemed_yet(town: Town, wallet: Wallet, keyset: str) -> None:
    """The shops side publishes what was deposited with it: until it has booked a deposit both say the same."""
    leave_waiting(town, wallet, wallet.receive(keyset, 96))
    assert town.figures() == {keyset: (96, 0, 0, 96)}
    town.shops.away = False
    town.run(town.server.deliver)
    assert town.figures() == {keyset: (96, 0, 96, 0)}


def test_a_deposit_left_half_way_by_a_crash_is_finished_by_the_next_start(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    proofs = wallet.receive(keyset, 96)
    quote, body = leave_waiting(town, wallet, proofs)
    town.close_roughly()
    town.shops.away = False
    town.open()
    town.eventually(lambda: stands(town, quote) == "PAID")
    assert (len(town.shops.deposits), wallet.state(proofs)) == (1, ["SPENT", "SPENT"])
    assert town.http.post(SETTLE, content=body).json()["state"] == "PAID"
    assert town.figures() == {keyset: (96, 0, 96, 0)}


def told(town: Town) -> list[str]:
    """The deposits that the shops side was told of, one after the other."""
    return [open_sealed(each, MINT_KEY.public, ShopDeposited).deposit for each in town.shops.deposits]


@pytest.mark.parametrize("finished", [False, True])
def test_a_crash_after_the_shops_side_has_booked_books_nothing_twice_and_finishes_the_deposit(
    town: Town, wallet: Wallet, keyset: str, *, finished: bool
) -> None:
    """The mint dies before or after it has noted the answer. If before, the shops side is told once more, and knows the deposit
    by its number."""
    proofs = wallet.receive(keyset, 64)
    quote, _ = leave_waiting(town, wallet, proofs)
    if finished:
        town.run(lambda: town.store.finish_deposit(quote, accepted=True))
    town.close_roughly()
    town.shops.away = False
    town.open()
    town.eventually(lambda: not town.run(town.store.count_waiting))
    assert told(town) == ([] if finished else [quote])
    assert (stands(town, quote), wallet.state(proofs)) == ("PAID", ["SPENT"])
    assert town.figures() == {keyset: (64, 0, 64, 0)}


def test_a_deposit_is_known_again_in_any_spelling_and_order(town: Town, wallet: Wallet, keyset: str) -> None:
    """What counts is the quote and its tokens; of other tokens, or fewer, it is another deposit."""
    proofs = wallet.receive(keyset, 96)
    quote = wallet.deposit_quote(96)
    body = wallet.deposit_body(quote, proofs)
    assert town.http.post(SETTLE, content=body).json()["state"] == "PAID"
    plain = msgspec.json.decode(body)
    other = {"prefer_async": True, "inputs": plain["inputs"][::-1], "quote": quote, "comment": "é"}
    for again in (json.dumps(plain, indent=2), json.dumps(other), json.dumps(other, ensure_ascii=False)):
        answer = town.http.post(SETTLE, content=again.encode())
        assert (answer.status_code, answer.json()["state"]) == (200, "PAID")
    fewer = town.http.post(SETTLE, json={"quote": quote, "inputs": plain["inputs"][:1]})
    refused(fewer, 11001, "token.already_spent")
    second = wallet.deposit_quote(96)
    refused(town.http.post(SETTLE, json=plain | {"quote": second}), 11001, "token.already_spent")
    assert told(town) == [quote]


@pytest.mark.parametrize("first", [True, False])
def test_the_first_answer_about_a_deposit_is_final_whatever_is_heard_later(
    town: Town, wallet: Wallet, keyset: str, *, first: bool
) -> None:
    """Two processes of a mint, or a crash between the answer and its note, let the shops side answer twice."""
    proofs = wallet.receive(keyset, 96)
    quote, _ = leave_waiting(town, wallet, proofs)
    town.run(lambda: town.store.finish_deposit(quote, accepted=first))
    town.run(lambda: town.store.finish_deposit(quote, accepted=not first))
    town.shops.refusal = "shops.deposit_refused"
    town.shops.away = False
    town.run(town.server.deliver)
    assert (stands(town, quote), wallet.state(proofs)) == (
        ("PAID", ["SPENT"] * 2) if first else ("UNPAID", ["UNSPENT"] * 2)
    )
    assert town.figures() == {keyset: (96, 0, 96, 0) if first else (96, 0, 0, 96)}


def test_a_fault_of_the_shops_side_is_no_refusal(town: Town, wallet: Wallet, keyset: str) -> None:
    town.shops.refusal, town.shops.refusal_status = "shops.ledger_unbalanced", 500
    quote = wallet.deposit_quote(64)
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, wallet.receive(keyset, 64)))
    assert answer.json()["state"] == "PENDING"
    town.shops.refusal = ""
    town.eventually(lambda: stands(town, quote) == "PAID")


def test_a_deposit_taken_under_another_publishing_key_waits_until_the_right_key_is_back(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    """It is sealed when it is told: under a key that the log does not know it waits, and holds up nothing else of the mint."""
    first, _ = leave_waiting(town, wallet, wallet.receive(keyset, 64))
    kept = wallet.receive(keyset, 32)
    town.operation._key = SigningKey.generate()
    town.shops.away = False
    with pytest.raises(Unreachable):
        town.run(town.server.deliver)
    second = wallet.deposit_quote(32)
    assert town.http.post(SETTLE, content=wallet.deposit_body(second, kept)).json()["state"] == "PENDING"
    assert (stands(town, first), told(town)) == ("PENDING", [])
    town.close_roughly()
    town.open()
    town.eventually(lambda: (stands(town, first), stands(town, second)) == ("PAID", "PAID"))
    assert sorted(told(town)) == sorted([first, second])
    assert town.figures() == {keyset: (96, 0, 96, 0)}


def test_many_deposits_that_wait_are_told_past_those_without_a_clear_answer(town: Town) -> None:
    """More than are read at once, and all of the first ones stay unclear."""
    rows = [
        MeltQuoteRow(DepositId(f"{at:032x}"), SHOP, FOOD, 8, "PENDING", keyset=1) for at in range(MOST_WAITING + 20)
    ]
    town.shops.away = True
    town.run(lambda: town.store.apply([Change(new_melt_quote=row) for row in rows]))
    town.shops.unclear = {row.id for row in rows[:MOST_WAITING]}
    town.shops.away = False
    with pytest.raises(Unreachable):
        town.run(town.server.deliver)
    assert set(told(town)) == {row.id for row in rows[MOST_WAITING:]}
    assert town.run(town.store.count_waiting) == MOST_WAITING


def test_a_shops_side_that_hangs_holds_few_threads_and_nobody_for_long(
    town: Town, wallet: Wallet, keyset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operate, "ASK_SECONDS", 0.2)
    town.shops.thinks = threading.Event()
    body = {"request": SHOP, "unit": "food", "amount": 8}

    async def many() -> list[str]:
        asks = [town.operation.check_accredited(SHOP, "food") for _ in range(MOST_ASKING + 5)]
        return [type(each).__name__ for each in await asyncio.gather(*asks, return_exceptions=True)]

    found = town.run(many)
    assert (found.count("MintBusy"), found.count("Unreachable")) == (5, MOST_ASKING)
    assert town.shops.asked == MOST_ASKERS
    answer = town.http.post("/v1/melt/quote/settle", json=body)
    refused(answer, 10000, "service.unreachable", status=503)
    assert answer.headers["retry-after"] == "2"
    # Nobody else waits for it.
    wallet.swap(wallet.receive(keyset, 8), wallet.split(keyset, 8))
    town.shops.thinks.set()
    town.eventually(lambda: town.http.post("/v1/melt/quote/settle", json=body).status_code == 200)


def test_a_deposit_that_the_shops_side_refuses_gives_the_tokens_back(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 96)
    quote = wallet.deposit_quote(96)
    town.shops.refusal = "shops.unknown_shop"
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, proofs))
    assert (answer.status_code, answer.json()["state"]) == (200, "UNPAID")
    assert wallet.state(proofs) == ["UNSPENT", "UNSPENT"]
    assert (town.run(town.store.waiting), town.shops.deposits) == ([], [])
    assert town.figures() == {keyset: (96, 0, 0, 96)}
    town.shops.refusal = ""
    wallet.swap(proofs, wallet.split(keyset, 96))


def test_only_the_shops_sides_own_word_gives_tokens_back(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 96)
    for code in ("service.bad_request", "?", "common.bad_signature", "shopsy.refused"):
        town.shops.refusal = code
        quote = wallet.deposit_quote(96)
        body = wallet.deposit_body(quote, proofs)
        answer = town.http.post(SETTLE, content=body)
        if code == "service.bad_request":
            assert answer.json()["state"] == "PENDING"
            first = quote
    assert (stands(town, first), wallet.state(proofs)) == ("PENDING", ["PENDING", "PENDING"])


def test_a_deposit_without_a_clear_answer_waits_and_holds_up_no_other(town: Town, wallet: Wallet, keyset: str) -> None:
    stuck, _ = leave_waiting(town, wallet, wallet.receive(keyset, 8))
    town.shops.unclear.add(stuck)
    town.shops.away = False
    quote = wallet.deposit_quote(16)
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, wallet.receive(keyset, 16)))
    assert answer.json()["state"] == "PAID"
    with pytest.raises(Unreachable):
        town.run(town.server.deliver)
    assert stands(town, stuck) == "PENDING"
    town.shops.unclear.clear()
    town.run(town.server.deliver)
    assert (stands(town, stuck), len(town.shops.deposits)) == ("PAID", 2)


def test_whoever_prefers_not_to_wait_is_told_pending_at_once(town: Town, wallet: Wallet, keyset: str) -> None:
    town.shops.hangs = threading.Event()
    proofs = wallet.receive(keyset, 96)
    quote = wallet.deposit_quote(96)
    asked = msgspec.json.decode(wallet.deposit_body(quote, proofs), type=MeltRequest)
    body = msgspec.json.encode(msgspec.structs.replace(asked, prefer_async=True))
    assert town.http.post(SETTLE, content=body).json()["state"] == "PENDING"
    town.shops.hangs.set()
    town.eventually(lambda: stands(town, quote) == "PAID")
    assert len(town.shops.deposits) == 1


def test_a_shops_side_that_hangs_is_asked_by_one_at_a_time_and_stops_nobody_else(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    town.shops.hangs = threading.Event()
    one, two, three = (wallet.receive(keyset, amount) for amount in (8, 16, 32))
    quotes = []
    for proofs in (one, two):
        quote = wallet.deposit_quote(proofs[0].amount)
        answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, proofs))
        assert (answer.status_code, answer.json()["state"]) == (200, "PENDING")
        quotes.append(quote)
    wallet.swap(three, wallet.split(keyset, 32))
    assert town.shops.most_at_once == 1
    town.shops.hangs.set()
    town.eventually(lambda: [stands(town, quote) for quote in quotes] == ["PAID", "PAID"])
    assert len(town.shops.deposits) == 2


def test_a_fault_that_nobody_thought_of_does_not_end_the_deliveries(
    town: Town, wallet: Wallet, keyset: str, caplog: pytest.LogCaptureFixture
) -> None:
    town.shops.broken = True
    quote = wallet.deposit_quote(64)
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, wallet.receive(keyset, 64)))
    assert (answer.status_code, answer.json()["state"]) == (200, "PENDING")
    town.eventually(lambda: town.shops.faults > 2)
    assert "María" not in caplog.text
    town.shops.broken = False
    town.eventually(lambda: stands(town, quote) == "PAID")
    assert len(town.shops.deposits) == 1


def test_a_refused_deposit_tells_the_shops_side_nothing(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    wallet.swap(proofs, wallet.split(keyset, 64))
    quote = wallet.deposit_quote(64)
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, proofs))
    refused(answer, 11001, "token.already_spent")
    assert (town.run(town.store.waiting), town.shops.deposits) == ([], [])
    assert stands(town, quote) == "UNPAID"
    assert town.figures() == {keyset: (64, 0, 0, 64)}


def test_a_deposit_is_paid_with_tokens_once(town: Town, wallet: Wallet, keyset: str) -> None:
    one, two = wallet.receive(keyset, 64), wallet.receive(keyset, 64)
    quote = wallet.deposit_quote(64)
    assert town.http.post(SETTLE, content=wallet.deposit_body(quote, one)).status_code == 200
    answer = town.http.post(SETTLE, content=wallet.deposit_body(quote, two))
    refused(answer, 20006, "token.quote_settled")
    assert wallet.state(two) == ["UNSPENT"]


def test_a_deposit_that_waits_takes_no_other_tokens(town: Town, wallet: Wallet, keyset: str) -> None:
    one, two = wallet.receive(keyset, 64), wallet.receive(keyset, 64)
    quote, _ = leave_waiting(town, wallet, one)
    refused(town.http.post(SETTLE, content=wallet.deposit_body(quote, two)), 20005, "token.quote_pending")
    assert wallet.state([*one, *two]) == ["PENDING", "UNSPENT"]


def test_only_an_accredited_shop_gets_a_deposit_quote_for_its_own_units(town: Town) -> None:
    town.new_keyset("2026-11", unit=RENT)
    for shop, unit in (("6" * 32, "food"), (SHOP, "rent")):
        answer = town.http.post("/v1/melt/quote/settle", json={"request": shop, "unit": unit, "amount": 8})
        refused(answer, 10000, "mint.shop_not_accredited")
    assert town.rows("SELECT id FROM melt_quote") == []


@pytest.mark.parametrize("way", ["swap", "deposit"])
def test_of_a_swap_and_a_deposit_of_the_same_token_at_once_one_wins(
    town: Town, wallet: Wallet, keyset: str, way: str
) -> None:
    (proof,) = wallet.receive(keyset, 64)
    swap = wallet.swap_body([proof], wallet.split(keyset, 64))
    deposit = wallet.deposit_body(wallet.deposit_quote(64), [proof])
    posts: list[Callable[[], int]] = [
        lambda: town.http.post("/v1/swap", content=swap).status_code,
        lambda: town.http.post(SETTLE, content=deposit).status_code,
    ]
    won: list[int] = []
    threads = [threading.Thread(target=lambda post=post: won.append(post())) for post in posts]
    for thread in threads if way == "swap" else threads[::-1]:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(won) == [200, 400]
    ((issued, _, redeemed, outstanding),) = town.figures().values()
    assert (issued, redeemed + outstanding) == (64, 64)

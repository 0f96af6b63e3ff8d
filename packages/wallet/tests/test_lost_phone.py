"""A wallet whose phone is lost, and what its file says when it is opened: the money comes back, past shops do not."""

from collections.abc import Iterator

import msgspec
import pytest
from packages.wallet.tests.conftest import AMOUNTS, Fragile, PowerCut, Town

from amparo_cashu.curve import generator_times, hash_to_curve, show_point
from amparo_cashu.nut00_token import read_token
from amparo_cashu.wire import Proof
from amparo_common.clock import from_text
from amparo_log.errors import LogRewritten
from amparo_purse.errors import ClaimRests, CodeFalse
from amparo_purse.restore import Progress
from amparo_purse.upkeep import REST
from amparo_service.client import Client
from amparo_service.errors import RemoteError
from amparo_wallet.errors import ClaimedElsewhere
from amparo_wallet.wallet import Paper, Wallet

SHOP = show_point(generator_times(b"\x02" * 32))
UNTIL = 1_800_000_000


@pytest.fixture(autouse=True)
def _nobody_dies_unasked() -> Iterator[None]:
    Fragile.countdown = None
    yield
    Fragile.countdown = None


def restore(town: Town, wallet: Wallet, code: str, *, keep_code: bool = False) -> Progress:
    waits: list[float] = []
    connect = lambda: Client("http://mint", transport=Fragile(town.mint), patience=0)  # noqa: E731 - one line
    found = wallet.restore(code, connect=connect, wait=waits.append, keep_code=keep_code)
    assert waits
    return found


def paper(town: Town, *, claimed_into: str | None = None) -> Paper:
    """The newest paper as the office shows it, with the quote it was claimed into."""
    newest = town.office.papers[-1]
    return msgspec.structs.replace(newest, claimed=claimed_into is not None, quote=claimed_into)


# --- the code ------------------------------------------------------------------------------------------------------------


def test_a_code_is_shown_scanned_and_counts_once_it_was_read_back(enrolled: Town) -> None:
    wallet = enrolled.wallet
    code = wallet.recovery_code()
    assert not wallet.is_recovery_tested()
    with pytest.raises(CodeFalse):
        wallet.test_recovery(code.replace(code[0], "9" if code[0] != "9" else "8", 1))
    wallet.test_recovery(wallet.recovery_qr())
    assert wallet.is_recovery_tested()
    assert wallet.recovery_qr().isupper()
    assert enrolled.named("theirs").recovery_code() != code


def test_the_money_of_a_lost_phone_comes_back_under_a_new_code(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled), spread=True)
    enrolled.wallet.pay_code(1_234, "usd")
    paid = enrolled.wallet.purse.coins("usd", state="given")
    enrolled.mint.spent |= _points(paid)
    phone = enrolled.new_phone()
    found = restore(enrolled, phone, enrolled.wallet.recovery_code())
    assert (found.found, found.spent, found.done) == (AMOUNTS[0], 1_234, True)
    assert phone.purse.balance("usd") == AMOUNTS[0] - 1_234
    assert phone.recovery_code() != enrolled.wallet.recovery_code()
    assert sum(p.amount for p in read_token(phone.pay_code(99, "usd"), keysets=[enrolled.coiner.id]).proofs) == 99


def _points(coins: list[Proof]) -> set[str]:
    return {show_point(hash_to_curve(coin.secret.encode())) for coin in coins}


def test_a_code_can_be_kept_for_the_new_phone(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled))
    phone = enrolled.new_phone()
    restore(enrolled, phone, enrolled.wallet.recovery_code(), keep_code=True)
    assert phone.recovery_code() == enrolled.wallet.recovery_code()
    assert phone.purse.balance("usd") == AMOUNTS[0]


# --- a quote that was lost with the file ---------------------------------------------------------------------------------


def lost_between_payment_and_claim(town: Town) -> str:
    """The phone is lost when the office has paid and the coins are not taken; the quote."""
    due = paper(town)
    for step in range(1, 30):
        Fragile.countdown = step
        try:
            town.wallet.claim(due)
        except PowerCut:
            quotes = [quote for quote in town.mint.quotes.values() if quote.amount_paid]
            if quotes:
                return quotes[0].quote
            town.reopen()
        Fragile.countdown = None
    raise AssertionError("The phone lived.")


@pytest.mark.parametrize("keep_code", [False, True])
def test_aid_that_was_paid_and_not_taken_is_claimed_with_the_code(enrolled: Town, *, keep_code: bool) -> None:
    code = enrolled.wallet.recovery_code()
    quote = lost_between_payment_and_claim(enrolled)
    phone = enrolled.new_phone()
    with pytest.raises(ClaimedElsewhere):
        phone.claim(paper(enrolled, claimed_into=quote))
    phone.enrol(enrolled.office.code)
    restore(enrolled, phone, code, keep_code=keep_code)
    assert phone.purse.balance("usd") == 0
    for _ in range(2):
        assert phone.claim(paper(enrolled, claimed_into=quote)) == AMOUNTS[0]
        assert phone.purse.balance("usd") == AMOUNTS[0]
    assert len(enrolled.office.claims) == 1


def test_a_wallet_that_lost_only_its_note_of_the_quote_finds_it_again(enrolled: Town) -> None:
    quote = lost_between_payment_and_claim(enrolled)
    enrolled.reopen()
    with enrolled.database.transaction() as connection:
        connection.execute("DELETE FROM quote")
    assert enrolled.wallet.claim(paper(enrolled, claimed_into=quote)) == AMOUNTS[0]
    assert len(enrolled.mint.quotes) <= 2


def test_a_quote_of_another_wallet_is_not_taken_over(enrolled: Town) -> None:
    quote = lost_between_payment_and_claim(enrolled)
    with pytest.raises(ClaimedElsewhere):
        enrolled.named("theirs").claim(paper(enrolled, claimed_into=quote))


def test_coins_that_were_taken_before_the_phone_was_lost_are_not_claimed_again(enrolled: Town) -> None:
    due = paper(enrolled)
    enrolled.wallet.claim(due)
    (quote,) = enrolled.mint.quotes
    phone = enrolled.new_phone()
    phone.enrol(enrolled.office.code)
    restore(enrolled, phone, enrolled.wallet.recovery_code())
    with pytest.raises(ClaimRests):
        phone.claim(paper(enrolled, claimed_into=quote))
    assert phone.claim(paper(enrolled, claimed_into=quote), hurry=True) == AMOUNTS[0]
    assert phone.purse.balance("usd") == AMOUNTS[0]


# --- what the file says --------------------------------------------------------------------------------------------------


def file_of(town: Town) -> bytes:
    """Everything that lies on the phone."""
    return b"".join(path.read_bytes() for path in sorted(town.folder.glob("phone.sqlite*")))


def test_a_payment_that_was_received_leaves_no_trace_on_the_phone(enrolled: Town) -> None:
    """T3: who opens the file learns of no past shop. The file is not even closed first."""
    wallet = enrolled.wallet
    wallet.claim(paper(enrolled), spread=True)
    enrolled.rest()
    wallet.set_aside(1_000, "usd", shop_key=SHOP, until=UNTIL, label="label of the baker")
    codes = [wallet.pay_held_code("usd", label="label of the baker"), wallet.pay_code(64, "usd")]
    secret_texts = [p.secret for code in codes for p in read_token(code, keysets=[enrolled.coiner.id]).proofs]
    before = file_of(enrolled)
    assert SHOP.encode() in before
    for code in codes:
        wallet.received(code)
    after = file_of(enrolled)
    left = [text for text in [*secret_texts, SHOP, "label of the baker"] if text.encode() in after]
    assert left == []
    assert wallet.purse.balance("usd") == AMOUNTS[0] - 1_064
    assert wallet.cancel(codes[1], "usd") == 0


def test_a_code_that_the_shop_did_not_take_is_cancelled(enrolled: Town) -> None:
    wallet = enrolled.wallet
    wallet.claim(paper(enrolled), spread=True)
    enrolled.rest()
    wallet.set_aside(100, "usd", shop_key=SHOP, until=UNTIL, label="baker")
    plain, locked = wallet.pay_code(64, "usd"), wallet.pay_held_code("usd", label="baker")
    assert wallet.cancel(plain, "usd") == 64
    assert wallet.purse.balance("usd") == AMOUNTS[0] - 100
    assert wallet.cancel(locked, "usd") == 0
    assert wallet.pay_held_code("usd", label="baker") == locked
    assert wallet.take_back("usd", now=from_text("2030-01-01T00:00:00Z")) == 100
    assert wallet.purse.balance("usd") == AMOUNTS[0]


# --- upkeep --------------------------------------------------------------------------------------------------------------


def test_a_spread_claim_pays_prices_exactly_without_a_connection(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled), spread=True)
    enrolled.rest()
    enrolled.wallet.set_aside(1_500, "usd", shop_key=SHOP, until=UNTIL, label="market", spread=True)
    enrolled.mint.away = True
    for price in (1_299, 499):
        code = enrolled.wallet.pay_code(price, "usd")
        assert sum(p.amount for p in read_token(code, keysets=[enrolled.coiner.id]).proofs) == price
    code = enrolled.wallet.pay_held_code("usd", label="market", amount=999)
    assert sum(p.amount for p in read_token(code, keysets=[enrolled.coiner.id]).proofs) == 999


def test_a_wallet_makes_small_change_when_it_has_rested_and_knows_when_its_coins_end(enrolled: Town) -> None:
    wallet = enrolled.wallet
    wallet.claim(paper(enrolled))
    first = wallet.resplit("usd")
    assert first.broken is None
    assert first.not_before is not None
    enrolled.clock.set(from_text("2026-11-05T00:00:00Z"))
    assert (from_text("2026-11-05T00:00:00Z") - from_text("2026-11-01T09:00:00Z")).total_seconds() > REST[1]
    assert wallet.resplit("usd").broken == 4_096
    assert wallet.next_end("usd") is None
    assert wallet.renew("usd").renewed == 0


def test_a_person_is_told_among_how_many_they_are(enrolled: Town) -> None:
    receipt = enrolled.wallet.check(paper(enrolled))
    assert enrolled.wallet.crowd(receipt) == 2  # of the three households one is too rich
    assert enrolled.wallet.crowd(msgspec.structs.replace(receipt, cycle="2027-01")) == 0


def test_a_wallet_compares_its_log_with_somebody_elses(enrolled: Town) -> None:
    _, note = enrolled.follower.checkpoint()
    fetch = Client("http://log", transport=enrolled.log_wire, patience=0)
    enrolled.wallet.compare_log(note, fetch=fetch)

    class Stopped:
        """A log that shows this wallet nothing new."""

        def get_bytes(self, path: str) -> bytes:
            return older if path == "/checkpoint" else fetch.get_bytes(path)

    older = fetch.get_bytes("/checkpoint")
    enrolled.decide(cycle="2027-01")
    _, newer = enrolled.follower.checkpoint()
    with pytest.raises(LogRewritten):
        enrolled.wallet.compare_log(newer, fetch=Stopped())


def test_without_a_connection_a_restoring_stops_and_goes_on(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled))
    phone = enrolled.new_phone()
    for step in (3, 9, 15):
        Fragile.countdown = step
        with pytest.raises(PowerCut):
            restore(enrolled, phone, enrolled.wallet.recovery_code())
    enrolled.mint.lie = lambda path, honest: (10000, "no") if path == "/v1/checkstate" else honest
    with pytest.raises(RemoteError):
        restore(enrolled, phone, enrolled.wallet.recovery_code())
    enrolled.mint.honest()
    restore(enrolled, phone, enrolled.wallet.recovery_code())
    assert phone.purse.balance("usd") == AMOUNTS[0]

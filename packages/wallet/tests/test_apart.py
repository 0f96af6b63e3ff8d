"""Claims and payments kept apart in time, and payment requests: what a wallet waits for, what it answers, what it refuses."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from packages.wallet.tests.conftest import AMOUNTS, DECIDED, Fragile, PowerCut, Town

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.nut10_secret import read_lock
from amparo_cashu.nut18_request import LockOption, PaymentRequest, Transport
from amparo_purse.errors import AidRests, ClaimRests, ExchangeRests
from amparo_purse.upkeep import REST
from amparo_service.client import Client
from amparo_service.errors import RemoteError
from amparo_wallet.errors import RequestNotPayable
from amparo_wallet.wallet import LATEST_HOURS, LONGEST_LOCK, LONGEST_WINDOW, Aid, Paper, Wallet

SHOP = show_point(generator_times(b"\x02" * 32))
WINDOW = int((DECIDED + timedelta(hours=72)).timestamp())
NOW = int(DECIDED.timestamp())
UNTIL = 1_800_000_000


@pytest.fixture(autouse=True)
def _nobody_dies_unasked() -> Iterator[None]:
    Fragile.countdown = None
    yield
    Fragile.countdown = None


@pytest.fixture
def windowed(enrolled: Town) -> Town:
    """A town whose mint says that aid is claimed for three days."""
    enrolled.mint.window_ends = WINDOW
    enrolled.mint.crowd, enrolled.mint.crowd_needed = 31, 20
    return enrolled


def paper(town: Town) -> Paper:
    return town.wallet.papers()[-1]


def known(town: Town) -> Aid:
    found = town.wallet.aid(town.wallet.check(paper(town)))
    assert found is not None
    return found


# --- the window ----------------------------------------------------------------------------------------------------------


def test_claimed_aid_is_paid_a_random_while_after_the_window_and_the_crowd_is_told(windowed: Town) -> None:
    moments = set()
    for _ in range(3):
        phone = windowed.new_phone()
        phone.enrol(windowed.office.code)
        windowed.office.claims.clear()
        phone.claim(paper_of(phone), spread=True)
        aid = phone.aid(phone.check(paper_of(phone)))
        assert aid is not None
        assert (aid.amount, aid.taken, aid.crowd, aid.crowd_needed) == (AMOUNTS[0], True, 31, 20)
        assert WINDOW < aid.pay_from <= WINDOW + LATEST_HOURS * 3_600
        with pytest.raises(AidRests) as early:
            phone.pay_code(64, "usd")
        assert early.value.until == aid.pay_from
        moments.add(aid.pay_from)
    assert len(moments) > 1
    windowed.clock.set(datetime.fromtimestamp(max(moments), UTC))
    assert phone.pay_code(64, "usd")


def paper_of(wallet: Wallet) -> Paper:
    return wallet.papers()[-1]


def test_a_hurry_pays_at_once(windowed: Town) -> None:
    windowed.wallet.claim(paper(windowed))
    with pytest.raises(AidRests):
        windowed.wallet.pay_request(PaymentRequest(amount=100, unit="usd"))
    assert windowed.wallet.pay_request(PaymentRequest(amount=100, unit="usd"), hurry=True)


def test_without_a_window_aid_is_paid_at_once_and_exchanged_later(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled), spread=True)
    assert known(enrolled).pay_from == 0
    assert REST[0] <= enrolled.wallet.purse.quiet_until() - NOW <= REST[1]
    assert enrolled.wallet.pay_code(64, "usd")
    with pytest.raises(ExchangeRests):
        enrolled.wallet.set_aside(100, "usd", shop_key=SHOP, until=UNTIL, label="a")


def test_who_comes_after_the_window_waits_a_random_while_too(windowed: Town) -> None:
    windowed.clock.set(datetime.fromtimestamp(WINDOW + 86_400, UTC))
    windowed.wallet.claim(paper(windowed))
    assert WINDOW + 86_400 < known(windowed).pay_from <= WINDOW + 86_400 + LATEST_HOURS * 3_600


def test_a_mint_makes_nobody_wait_for_ever(windowed: Town) -> None:
    windowed.mint.window_ends = 2**40
    windowed.wallet.claim(paper(windowed))
    assert known(windowed).pay_from <= NOW + LONGEST_WINDOW + LATEST_HOURS * 3_600


def test_a_phone_that_dies_at_any_step_of_a_claim_draws_no_second_moment(windowed: Town) -> None:
    step, lived = 0, False
    while not lived:
        step += 1
        due = windowed.hand_out(windowed.decide(cycle=f"20{step:02d}-01", logged=DECIDED)[0], AMOUNTS[0])
        receipt = windowed.wallet.check(due)
        Fragile.countdown = step
        try:
            windowed.wallet.claim(due)
            lived = True
        except PowerCut:
            windowed.reopen()
        Fragile.countdown = None
        before = windowed.wallet.aid(receipt)
        windowed.wallet.claim(due)
        after = windowed.wallet.aid(receipt)
        assert after is not None
        if before is not None and before.pay_from:
            assert before.pay_from == after.pay_from
        moments = {until for until, _ in windowed.wallet.purse.resting("usd")}
        assert after.pay_from in moments
        assert len(moments) == step
        assert not windowed.wallet.is_due(due, receipt)
    assert step >= 8


def test_a_crowd_that_is_too_small_is_told_and_the_claim_goes_on_later(windowed: Town) -> None:
    windowed.mint.crowd = 3
    windowed.mint.refuse("/v1/mint/benefit", 10000, "too few")
    due = paper(windowed)
    receipt = windowed.wallet.check(due)
    assert windowed.wallet.is_due(due, receipt)
    with pytest.raises(RemoteError):
        windowed.wallet.claim(due)
    aid = known(windowed)
    assert (aid.taken, aid.crowd, aid.crowd_needed) == (False, 3, 20)
    assert windowed.wallet.is_due(due, receipt)
    windowed.mint.honest()
    windowed.mint.crowd = 20
    windowed.wallet.claim(due)
    assert known(windowed) == msgspec.structs.replace(aid, taken=True, crowd=20)


# --- apart ---------------------------------------------------------------------------------------------------------------


def test_nothing_is_claimed_beside_an_exchange(windowed: Town) -> None:
    windowed.wallet.claim(paper(windowed))
    windowed.rest()
    windowed.wallet.set_aside(100, "usd", shop_key=SHOP, until=UNTIL, label="a")
    due = windowed.hand_out(windowed.decide(cycle="2026-12")[0], AMOUNTS[0])
    asked = len(windowed.mint.asked)
    with pytest.raises(ClaimRests):
        windowed.wallet.claim(due)
    assert (len(windowed.mint.asked), len(windowed.office.claims)) == (asked, 1)
    windowed.rest()
    assert windowed.wallet.claim(due) == AMOUNTS[0]


def test_a_claim_does_not_finish_an_interrupted_exchange_in_the_same_sitting(windowed: Town) -> None:
    windowed.wallet.claim(paper(windowed))
    windowed.rest()
    windowed.mint.lie = lambda path, honest: (0, "") if path == "/v1/swap" else honest
    for step in range(1, 20):
        Fragile.countdown = step
        try:
            windowed.wallet.set_aside(100, "usd", shop_key=SHOP, until=UNTIL, label=f"a{step}")
        except (PowerCut, RemoteError):
            if "/v1/swap" in windowed.mint.asked:
                break
    Fragile.countdown = None
    windowed.mint.honest()
    windowed.reopen()
    due = windowed.hand_out(windowed.decide(cycle="2026-12")[0], AMOUNTS[0])
    asked = len(windowed.mint.asked)
    windowed.wallet.claim(due)
    assert "/v1/swap" not in windowed.mint.asked[asked:]
    assert "/v1/restore" not in windowed.mint.asked[asked:]


def test_a_restoring_waits_beside_a_claim(windowed: Town) -> None:
    code = windowed.wallet.recovery_code()
    windowed.wallet.claim(paper(windowed))
    connect = lambda: Client("http://mint", transport=windowed.mint, patience=0)  # noqa: E731 - one line
    with pytest.raises(ExchangeRests):
        windowed.wallet.restore(code, connect=connect, wait=lambda _seconds: None)
    windowed.rest()
    assert windowed.wallet.restore(code, connect=connect, wait=lambda _seconds: None).done


# --- payment requests ----------------------------------------------------------------------------------------------------


def asks(**changes: object) -> PaymentRequest:
    lock = LockOption("P2PK", SHOP, [["locktime", str(UNTIL)]])
    return msgspec.structs.replace(
        PaymentRequest(id="a1", amount=1_234, unit="usd", mints=["http://mint/"], single_use=True, lock=lock), **changes
    )


@pytest.fixture
def rested(windowed: Town) -> Town:
    """A town whose wallet may pay."""
    windowed.wallet.claim(paper(windowed))
    windowed.rest()
    return windowed


def test_a_request_is_paid_with_its_lock_and_exactly_its_amount(rested: Town) -> None:
    token = rested.wallet.read(rested.wallet.pay_request(asks()))
    assert sum(proof.amount for proof in token.proofs) == 1_234
    for proof in token.proofs:
        lock = read_lock(proof.secret)
        assert lock is not None
        assert (lock.keys, lock.locktime, len(lock.refund)) == ([SHOP], UNTIL, 1)
    assert rested.wallet.take_back("usd", now=datetime.fromtimestamp(UNTIL + 1, UTC)) == 1_234


def test_a_request_without_a_lock_is_paid_with_a_plain_code(rested: Town) -> None:
    token = rested.wallet.read(rested.wallet.pay_request(asks(lock=None, mints=[])))
    assert sum(proof.amount for proof in token.proofs) == 1_234
    assert all(read_lock(proof.secret) is None and proof.dleq is None for proof in token.proofs)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"amount": 2**53},
        {"mints": ["http://other"]},
        {"transports": [Transport("post", "http://shop")]},
        {"lock": LockOption("HTLC", "00" * 32)},
        {"lock": LockOption("7", SHOP)},
        {"lock": LockOption("P2PK", "02" + "f" * 64)},
        {"lock": LockOption("P2PK", SHOP, [["sigflag", "SIG_ALL"]])},
        {"lock": LockOption("P2PK", SHOP, [["pubkeys", show_point(generator_times(b"\x03" * 32))]])},
        {"lock": LockOption("P2PK", SHOP, [["refund", show_point(generator_times(b"\x03" * 32))]])},
        {"lock": LockOption("P2PK", SHOP, [["purpose", "rice"]])},
        # The coins have no end of their own here: they would never come back.
        {"lock": LockOption("P2PK", SHOP, [["locktime", str(UNTIL + LONGEST_LOCK)]])},
    ],
)
def test_a_request_that_cannot_be_paid_as_it_asks_is_not_paid(rested: Town, changes: dict[str, object]) -> None:
    with pytest.raises(RequestNotPayable):
        rested.wallet.pay_request(asks(**changes))
    assert rested.wallet.purse.balance("usd") == AMOUNTS[0]

"""A clock that is put forward and back, over ends of months and of keysets: no token is lost, nothing fails, and who is told that a
keyset no longer signs goes on with the one that does.

LIMIT of the mint: a clock that is months fast beyond a keyset's end and its time of grace closes the keyset for good.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest
from tests.faults.mint.asking import Line
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import FOOD, Country, get
from tests.faults.mint.wallet import Wallet, check_book

from amparo_cashu.wire import KeysetsAnswer, Proof

pytestmark = pytest.mark.faults

INACTIVE, EXPIRED = 12002, 12003
ACTS_SECONDS = 30.0
WALLETS = 4
CALENDAR = {"units": [FOOD], "spend_months": 3, "announce_days": 7}


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# When it is, and the end of the keyset that signs then, which is the first day of the fourth month after its own. The keyset of
# November 2026 ends on 2027-03-01, and its time of grace on 2027-05-30.
JUMPS = (
    ("2026-11-30T23:59:58", "2027-03-01"),
    ("2026-12-01T00:00:01", "2027-04-01"),
    ("2026-11-30T23:59:59", "2027-04-01"),
    ("2026-11-01T12:00:00", "2027-04-01"),
    ("2027-02-28T23:59:59", "2027-06-01"),
    ("2027-03-01T00:00:01", "2027-07-01"),
    ("2026-11-02T00:00:00", "2027-07-01"),
    ("2027-05-29T23:00:00", "2027-09-01"),
    ("2026-12-24T00:00:00", "2027-09-01"),
    ("1970-01-01T00:00:01", "2027-09-01"),
    ("2027-05-29T23:30:00", "2027-09-01"),
    ("2027-06-01T00:00:01", "2027-10-01"),
    ("2026-11-01T00:00:00", "2027-10-01"),
)


async def settled(life: Life, end: datetime) -> None:
    """Returns when the mint signs with the keyset of this end."""
    async with asyncio.timeout(ACTS_SECONDS):
        while True:
            answer = msgspec.json.decode((await life.good(get("/v1/keysets"))).body, type=KeysetsAnswer)
            if [each.final_expiry for each in answer.keysets if each.active] == [int(end.timestamp())]:
                return
            await asyncio.sleep(0.1)


async def swap_some(wallet: Wallet, count: int, codes: Counter[int]) -> None:
    """So many swaps; a wallet that is told that its keyset does not sign asks which one does."""
    with Line(wallet.town.port) as line:
        for _ in range(count):
            given = wallet.take(random.choice((1, 2)))
            while (
                answer := await line.insist(wallet.swap(given, blanks := wallet.blanks(_amounts(given))))
            ).status != 200:
                codes[answer.code] += 1
                assert answer.code in {INACTIVE, EXPIRED}, answer.body
                await asyncio.sleep(0.2)
                await wallet.load(line)
            wallet.keep(answer.body, blanks)
            wallet.spent += given


async def move(wallet: Wallet, life: Life) -> None:
    """Exchange all tokens for ones of the signing keyset, and forget the spent ones of keysets that are closed: of those the mint
    knows nothing any more."""
    await wallet.load(life.line)
    given = wallet.take(100)
    blanks = wallet.blanks(_amounts(given))
    wallet.keep((await life.good(wallet.swap(given, blanks))).body, blanks)
    wallet.spent += given
    answer = msgspec.json.decode((await life.good(get("/v1/keysets"))).body, type=KeysetsAnswer)
    open_now = {each.id for each in answer.keysets}
    wallet.spent = [proof for proof in wallet.spent if proof.id in open_now]


def _amounts(proofs: list[Proof]) -> list[int]:
    return [proof.amount for proof in proofs]


async def jump(life: Life) -> None:
    """Put the clock forward and back while wallets swap."""
    clock = life.town.clock
    assert clock is not None
    codes: Counter[int] = Counter()
    await settled(life, at(JUMPS[0][1]))
    wallets = [Wallet(life.town, FOOD) for _ in range(WALLETS)]
    for wallet in wallets:
        await wallet.load(life.line)
        await wallet.receive(life.line, [1, 2, 4, 8] * 5)
    for moment, end in JUMPS:
        clock.set(at(moment))
        # At once, and when the mint has looked at its calendar.
        await asyncio.gather(*(swap_some(wallet, 5, codes) for wallet in wallets))
        await settled(life, at(end))
        await asyncio.gather(*(swap_some(wallet, 10, codes) for wallet in wallets))
        for wallet in wallets:
            await move(wallet, life)
        await check_book(life.town, wallets, life.line)
    print(
        f"{len(JUMPS)} jumps of the clock, tokens lost: 0, doubled: 0; told that a keyset does not sign: {dict(codes)}"
    )


def test_jumps_of_the_clock_lose_no_token(country: Country, database: str) -> None:
    with country.town(database, clock=at("2026-11-01T12:00:00"), settings={"calendar": CALENDAR}) as town:
        live(town, jump, units=(), prove=False)

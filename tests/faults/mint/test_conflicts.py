"""A thousand swaps of the same tokens at once: one wins, the others are told why, and nobody else is refused or kept waiting."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import pytest
from tests.faults.mint.asking import Answer, Line
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import FOOD, Country, Town, post
from tests.faults.mint.wallet import Blank, check_book

from amparo_cashu.wire import Proof

pytestmark = pytest.mark.faults

AT_ONCE, ALONE = 1_000, 100
ALREADY_SPENT, PENDING, ALREADY_SIGNED, ISSUED = 11001, 11002, 11003, 20002


class Attempt(msgspec.Struct, frozen=True):
    """One request of a contest, and what it gives and wants."""

    contest: int
    request: bytes
    given: list[Proof] = []
    wanted: list[Blank] = []


async def send_all(town: Town, attempts: Sequence[Attempt]) -> list[tuple[Attempt, Answer]]:
    """Send each on a connection of its own, in any order, to the mints by turns, all at once."""
    sent = random.sample(attempts, len(attempts))
    lines = [Line(town.ports[number % len(town.ports)]) for number in range(len(sent))]
    try:
        await asyncio.gather(*(line.open() for line in lines))
        asked = [line.ask(attempt.request) for line, attempt in zip(lines, sent, strict=True)]
        return list(zip(sent, await asyncio.gather(*asked), strict=True))
    finally:
        for line in lines:
            line.close()


def judge(results: Sequence[tuple[Attempt, Answer]], *, refused: set[int]) -> list[tuple[Attempt, Answer]]:
    """The winners: one for each contest. Raises `AssertionError` when there is another number of them, or an answer that is neither
    a win nor one of these refusals."""
    statuses = Counter(answer.status for _, answer in results)
    assert set(statuses) <= {200, 400}, statuses
    assert {answer.code for _, answer in results if answer.status == 400} <= refused
    winners = [(attempt, answer) for attempt, answer in results if answer.status == 200]
    contests = Counter(attempt.contest for attempt, _ in winners)
    assert set(contests) == {attempt.contest for attempt, _ in results}
    assert set(contests.values()) == {1}
    return winners


async def same_tokens(life: Life, contests: int) -> None:
    """A thousand swaps, each contest's of the same two tokens; and some that nobody contests."""
    wallet, attempts = life.wallet, []
    await wallet.fill(life.line, 2 * contests + ALONE)
    for number in range(contests + ALONE):
        given = wallet.take(2 if number < contests else 1)
        for _ in range(AT_ONCE // contests if number < contests else 1):
            wanted = wallet.blanks([proof.amount for proof in given])
            # Turned round they are the same tokens.
            request = wallet.swap(random.sample(given, len(given)), wanted)
            attempts.append(Attempt(number, request, given, wanted))
    began = time.monotonic()
    results = await send_all(life.town, attempts)
    print(f"{len(attempts)} swaps at once, {contests} contests: {time.monotonic() - began:.2f} s")
    winners = judge(results, refused={ALREADY_SPENT})
    for attempt, answer in winners:
        wallet.keep(answer.body, attempt.wanted)
        wallet.spent += attempt.given
    await check_book(life.town, [wallet], life.line)
    # Each is told the same when he asks again, and no loser's output was signed.
    for attempt, answer in random.sample(results, 50):
        again = await life.line.insist(attempt.request)
        assert (again.status, again.body) == (answer.status, answer.body)
    losers = [blank.output for attempt, answer in results if answer.status == 400 for blank in attempt.wanted]
    restored = await life.good(post("/v1/restore", {"outputs": losers[:100]}))
    assert msgspec.json.decode(restored.body) == {"outputs": [], "signatures": []}


async def same_outputs(life: Life) -> None:
    """A hundred swaps of different tokens for the same output."""
    wallet = life.wallet
    wallet.mine = []
    await wallet.receive(life.line, [1] * 96)
    wanted = wallet.blanks([1])
    attempts = [Attempt(0, wallet.swap([proof], wanted), [proof], wanted) for proof in wallet.take(96)]
    results = await send_all(life.town, attempts)
    (winner,) = judge(results, refused={ALREADY_SIGNED})
    wallet.keep(winner[1].body, wanted)
    wallet.spent += winner[0].given
    wallet.mine += [proof for attempt, answer in results if answer.status == 400 for proof in attempt.given]
    assert await wallet.lost_and_doubled(life.line) == (0, 0)


async def same_quote(life: Life) -> None:
    """A quote is claimed two hundred times with different outputs."""
    wallet = life.wallet
    quote = await wallet.quote(life.line, 7)
    blanks = [wallet.blanks([1, 2, 4]) for _ in range(200)]
    results = await send_all(life.town, [Attempt(0, wallet.claim(quote, each), [], each) for each in blanks])
    ((winner, answer),) = judge(results, refused={ISSUED})
    wallet.keep(answer.body, winner.wanted)


async def deposit_or_swap(life: Life) -> None:
    """The same token is deposited by several shops and swapped by several wallets."""
    wallet = life.wallet
    given = (await wallet.receive(life.line, [8]))[-1:]
    wallet.mine.remove(given[0])
    quotes = [await wallet.deposit_quote(life.line, 8) for _ in range(50)]
    attempts = [Attempt(0, wallet.deposit(quote, given), given) for quote in quotes]
    for _ in range(50):
        wanted = wallet.blanks([8])
        attempts.append(Attempt(0, wallet.swap(given, wanted), given, wanted))
    results = await send_all(life.town, attempts)
    ((winner, answer),) = judge(results, refused={ALREADY_SPENT, PENDING})
    wallet.spent += given
    if winner.wanted:
        wallet.keep(answer.body, winner.wanted)
    assert len(life.town.shops.booked) == (0 if winner.wanted else 1)
    assert await wallet.lost_and_doubled(life.line) == (0, 0)


async def all_contests(life: Life) -> None:
    """Every kind of conflict."""
    await same_tokens(life, 1)
    await same_tokens(life, 40)
    await same_quote(life)
    await deposit_or_swap(life)
    await same_outputs(life)


def test_of_a_thousand_conflicting_swaps_one_wins_each_time(country: Country) -> None:
    with country.town() as town:
        live(town, all_contests, prove=False)


def test_of_a_thousand_conflicting_swaps_at_two_mints_on_one_database_one_wins_each_time(
    country: Country, new_database: Callable[[], str]
) -> None:
    with country.town(new_database(), mints=2) as town:
        live(town, all_contests, prove=False)


def test_a_keyset_that_one_mint_has_just_made_is_known_to_the_other_at_once(
    country: Country, new_database: Callable[[], str]
) -> None:
    async def turn(life: Life) -> list[int]:
        statuses = []
        for number in range(5):
            await life.good(town.operator_post("/operate/keysets", {"unit": FOOD, "period": f"next-{number}"}))
            await life.wallet.load(life.line)
            with Line(town.ports[1]) as other:
                given = await life.wallet.receive(other, [1, 2])
                statuses.append((await other.ask(life.wallet.swap(given, life.wallet.blanks([1, 2])))).status)
        return statuses

    with country.town(new_database(), mints=2) as town:
        assert live(town, turn, prove=False) == [200] * 5

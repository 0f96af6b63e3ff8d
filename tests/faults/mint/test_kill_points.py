"""kill -9 at every write point of the mint, one after the other: what was answered holds, what was not is carried out once when it
is asked for again, and no value is lost or doubled.

Slow. Each story is told again and again; the mint dies before its first write, then before its second one, and so on until the
story comes to its end undisturbed. The points are counted outside the mint's code (`points.py`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.faults.mint.asking import ask_once
from tests.faults.mint.kernel import shown, watched
from tests.faults.mint.points import MOST_NAMES, Mode, Points, summary
from tests.faults.mint.stories import (
    AskDeposit,
    AskQuote,
    Backup,
    Claim,
    ClaimAll,
    CloseKeyset,
    Deposit,
    Life,
    MakeKeyset,
    Pay,
    Publish,
    RefusedDeposit,
    Story,
    Swap,
    live,
    lives,
)
from tests.faults.mint.town import UNITS, Country
from tests.faults.mint.wallet import check_book, check_sums

pytestmark = pytest.mark.faults

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
STORIES = (AskQuote, Pay, Claim, ClaimAll, Swap, AskDeposit, Deposit, RefusedDeposit, Publish, MakeKeyset, CloseKeyset)
# More points than any request has: whoever gets there goes round in circles.
FAR_TOO_MANY = 500


async def killed_everywhere(life: Life, story: Story, points: Points, mode: Mode) -> list[str]:
    """Tell a story until it survives; where the mint died."""
    died: list[str] = []
    for at in range(1, FAR_TOO_MANY):
        request = await story.prepare(life)
        points.arm(mode, at)
        first = await ask_once(life.town.port, request)
        passed = points.disarm() < at
        if not passed:
            await asyncio.to_thread(life.town.mint.end)
            died.append(points.last())
            await asyncio.to_thread(life.town.mint.start)
        again = await life.line.insist(request)
        if first.status and story.same:
            assert (again.status, again.body) == (first.status, first.body)
        await story.check(life, again)
        await check_sums(life.town, list(life.wallets.values()))
        if passed:
            return died
    raise AssertionError("the story does not end")


async def all_stories(life: Life, stories: list[Story], points: Points, mode: Mode) -> list[str]:
    """Every story in turn, with all that the wallets ever got looked at in the end."""
    died: list[str] = []
    for story in stories:
        found = await killed_everywhere(life, story, points, mode)
        print(f"{type(story).__name__} ({mode}): {len(found)} kills: {summary(found)}")
        died += found
    await check_book(life.town, list(life.wallets.values()), life.line)
    assert await life.wallet.changed_signatures(life.line, life.wallet.signed) == 0
    return died


def test_every_write_that_the_kernel_sees_is_a_point(country: Country, tmp_path: Path, database: str) -> None:
    points = Points(tmp_path)

    async def told(life: Life) -> Counter[str]:
        points.arm("kill", MOST_NAMES)
        with watched(life.town.mint.number, tmp_path) as seen:
            for story in (Claim(), Swap(), Deposit(), MakeKeyset()):
                await story.check(life, await life.good(await story.prepare(life)))
        assert points.disarm() < MOST_NAMES
        return seen

    with country.town(database, clock=NOON, environment=points.environment) as town:
        seen = live(town, told, UNITS)
    counted = Counter(shown(*name.split(" ", 1)) for name in points.names())
    print(f"the kernel saw {seen.total()} writes, {(seen - counted).total()} of them are no points")
    assert seen - counted == Counter()
    assert seen.total() > 50


def test_a_mint_killed_at_each_of_its_writes_loses_and_doubles_nothing(
    country: Country, tmp_path: Path, database: str
) -> None:
    points = Points(tmp_path)
    stories: list[Story] = [kind() for kind in STORIES]
    if database == "sqlite":
        stories.append(Backup())
    with country.town(database, clock=NOON, environment=points.environment) as town:
        died = live(town, lambda life: all_stories(life, stories, points, "kill"), UNITS)
    print(f"the mint was killed at {len(died)} write points: {summary(died)}; tokens lost: 0, doubled: 0")
    assert Counter(name.endswith("socket") for name in died)[True] > 10


def test_a_mint_that_dies_half_way_through_a_write_loses_and_doubles_nothing(country: Country, tmp_path: Path) -> None:
    points = Points(tmp_path)
    with country.town(environment=points.environment) as town:
        died = live(town, lambda life: all_stories(life, [Claim(), Swap(), Deposit()], points, "tear"))
    assert any(name == "pwrite64 mint.sqlite-wal" for name in died)


def test_a_signer_killed_at_each_of_its_writes_is_not_even_noticed(
    country: Country, tmp_path: Path, database: str
) -> None:
    """The mint waits for its signer: requests are answered late, and none is refused."""
    points = Points(tmp_path)
    with country.town(database, clock=NOON, signer_environment=points.environment) as town:
        died = live(town, lambda life: signer_killed_everywhere(life, points), UNITS)
    assert {"link", "write", "fsync", "unlink", "send"} <= {name.split()[0] for name in died}


async def signer_killed_everywhere(life: Life, points: Points) -> list[str]:
    """Tell stories until the signer survives; where it died. Somebody starts it again at once."""
    died: list[str] = []
    for story in (Claim(), Swap(), MakeKeyset(), CloseKeyset()):
        for at in range(1, FAR_TOO_MANY):
            if not await signer_killed(life, story, points, at):
                break
            died.append(points.last())
        print(f"{type(story).__name__}: {at - 1} kills of the signer")
    await check_book(life.town, list(life.wallets.values()), life.line)
    return died


async def signer_killed(life: Life, story: Story, points: Points, at: int) -> bool:
    """Tell a story once, and kill the signer at its write `at`; whether it had so many."""
    request = await story.prepare(life)
    signer = life.town.signer
    points.arm("kill", at)
    asking = asyncio.create_task(ask_once(life.town.port, request))
    death = asyncio.create_task(signer.dies())
    await asyncio.wait({asking, death}, return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    killed = points.disarm() >= at
    if killed:
        await asyncio.to_thread(signer.end)
        await asyncio.to_thread(signer.start)
    answer = await asking
    assert answer.status == 200, answer.body
    await story.check(life, answer)
    await check_sums(life.town, list(life.wallets.values()))
    return killed


def test_a_mint_killed_at_each_write_of_its_first_start_starts_the_next_time(
    country: Country, tmp_path: Path, databases: Callable[[], str]
) -> None:
    points = Points(tmp_path)
    died: list[str] = []
    for at in range(1, FAR_TOO_MANY):
        with country.town(databases(), started=False, environment=points.environment) as town:
            (town.data / "hash-key.bin").unlink()
            town.signer.start()
            points.arm("kill", at)
            town.mint.start(wait=False)
            passed = town.mint.comes_up() and points.disarm() < at
            if not passed:
                points.disarm()
                died.append(points.last())
                town.mint.end()
                town.mint.start()
            live(town, lives)
        if passed:
            break
    print(f"first start: {len(died)} kills: {summary(died)}")
    assert len(died) > 10


def test_a_mint_killed_at_each_write_of_its_stop_has_lost_nothing(
    country: Country, tmp_path: Path, database: str
) -> None:
    points = Points(tmp_path)
    with country.town(database, environment=points.environment) as town:
        died = live(town, lambda life: killed_while_stopping(life, points))
    print(f"stop: {len(died)} kills: {summary(died)}")
    assert died


async def killed_while_stopping(life: Life, points: Points) -> list[str]:
    """Stop the mint again and again; where it died until it stopped undisturbed."""
    died: list[str] = []
    for at in range(1, FAR_TOO_MANY):
        await lives(life)
        points.arm("kill", at)
        await asyncio.to_thread(life.town.mint.stop)
        passed = points.disarm() < at
        await asyncio.to_thread(life.town.mint.start)
        await check_book(life.town, [life.wallet], life.line)
        if passed:
            return died
        died.append(points.last())
    raise AssertionError("the mint does not stop")

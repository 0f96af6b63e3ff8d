"""Batches: nothing is lost, mixed up or left waiting, whatever fails or goes away."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from amparo_mint.batches import Batches
from amparo_mint.errors import MintBusy


async def double(numbers: list[int]) -> list[int]:
    """Work that succeeds."""
    await asyncio.sleep(0)
    return [2 * number for number in numbers]


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Plays a story; it must end."""
    asyncio.run(asyncio.wait_for(story(), timeout=30))


@pytest.mark.parametrize("workers", [1, 3])
def test_everybody_gets_the_result_of_their_own_item(workers: int) -> None:
    async def story() -> None:
        batches = Batches(double, workers=workers, most=7)
        for count in (1, 50, 3):
            assert await asyncio.gather(*map(batches.run, range(count))) == [2 * number for number in range(count)]
        await batches.finished()

    run(story)


def test_what_comes_together_goes_together_and_in_order_and_no_batch_is_too_large() -> None:
    async def story() -> None:
        seen: list[list[int]] = []

        async def keep(numbers: list[int]) -> list[int]:
            seen.append(numbers)
            return await double(numbers)

        batches = Batches(keep, most=4)
        await asyncio.gather(*map(batches.run, range(10)))
        assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]

    run(story)


def test_a_batch_has_a_weight_and_one_heavy_item_goes_alone() -> None:
    async def story() -> None:
        seen: list[list[int]] = []

        async def keep(numbers: list[int]) -> list[int]:
            seen.append(numbers)
            return await double(numbers)

        batches = Batches(keep, most=10, weigh=lambda number: number)
        items = [3, 3, 4, 1, 25, 9, 2]
        assert await asyncio.gather(*map(batches.run, items)) == [2 * number for number in items]
        assert seen == [[3, 3, 4], [1], [25], [9], [2]]

    run(story)


def test_no_more_batches_run_at_once_than_there_are_workers() -> None:
    async def story() -> None:
        running = most = 0

        async def count(numbers: list[int]) -> list[int]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            result = await double(numbers)
            running -= 1
            return result

        batches = Batches(count, workers=2, most=1)
        await asyncio.gather(*map(batches.run, range(20)))
        assert most == 2

    run(story)


def test_beyond_the_bound_nothing_is_begun_and_later_there_is_room_again() -> None:
    async def story() -> None:
        free = asyncio.Event()

        async def slow(numbers: list[int]) -> list[int]:
            await free.wait()
            return await double(numbers)

        batches = Batches(slow, most=1, most_waiting=2)
        tasks = [asyncio.create_task(batches.run(0))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the first one is being worked on: it waits no more
        tasks += [asyncio.create_task(batches.run(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(MintBusy):
            await batches.run(3)
        free.set()
        assert await asyncio.gather(*tasks) == [0, 2, 4]
        assert await batches.run(5) == 10

    run(story)


def test_a_failure_is_told_to_the_whole_batch_and_to_nobody_else() -> None:
    async def story() -> None:
        async def hate(numbers: list[int]) -> list[int]:
            if 3 in numbers:
                raise ValueError
            return await double(numbers)

        batches = Batches(hate, most=2)
        results = await asyncio.gather(*map(batches.run, range(6)), return_exceptions=True)
        kinds = [type(result) for result in results]
        assert kinds == [int, int, ValueError, ValueError, int, int]
        assert await batches.run(7) == 14

    run(story)


def test_work_that_forgets_somebody_leaves_nobody_waiting() -> None:
    async def story() -> None:
        async def forget(numbers: list[int]) -> list[int]:
            return (await double(numbers))[:-1]

        batches = Batches(forget, most=2)
        results = await asyncio.gather(*map(batches.run, range(4)), return_exceptions=True)
        assert [type(result) for result in results] == [int, ValueError, int, ValueError]

    run(story)


def test_who_goes_away_takes_nobody_along_and_their_item_is_still_carried_out() -> None:
    async def story() -> None:
        done: list[int] = []

        async def keep(numbers: list[int]) -> list[int]:
            done.extend(numbers)
            return await double(numbers)

        batches = Batches(keep)
        tasks = [asyncio.create_task(batches.run(number)) for number in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [int, asyncio.CancelledError, int]
        await batches.finished()
        assert done == [0, 1, 2]

    run(story)


def test_finished_waits_for_what_runs_and_for_what_waits() -> None:
    async def story() -> None:
        done: list[int] = []

        async def keep(numbers: list[int]) -> list[int]:
            result = await double(numbers)
            done.extend(numbers)
            return result

        batches = Batches(keep, most=1)
        await batches.finished()
        tasks = [asyncio.create_task(batches.run(number)) for number in range(5)]
        await asyncio.sleep(0)
        await batches.finished()
        assert done == [0, 1, 2, 3, 4]
        await asyncio.gather(*tasks)

    run(story)

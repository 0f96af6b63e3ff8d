"""Tokens that are no longer fresh lie packed in PostgreSQL: none is lost, hidden or changed by it, and no order of them stays."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import pytest

from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_mint.model import DONE, Change, Entry
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.store import NewKeyset

AMOUNTS = [1, 2, 4, 8]
MOST = 64
Story = Callable[[PostgresStore], Awaitable[None]]


@pytest.fixture
def play(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """Plays a story on an empty database with one keyset, in which a table is large from 100 tokens on and 10 are a crowd."""
    monkeypatch.setattr("amparo_mint.postgres_store.SMALL_TABLE", 100)
    monkeypatch.setattr("amparo_mint.postgres_store.SMALLEST_MIX", 10)

    async def played(story: Story) -> None:
        store = PostgresStore(new_database())
        await store.open()
        try:
            await store.add_keyset(NewKeyset(KeysetId("01aa"), Unit("food"), "2026-11", None, AMOUNTS))
            async with store._reading() as connection:
                # Who vacuums is in the way of emptying a table: the mint then packs a little later.
                for table in ("spent_1", "issued_1"):
                    await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
            await story(store)
        finally:
            await store.close()

    return lambda story: asyncio.run(played(story))


def tokens(count: int, *, seed: int, prefix: bytes = b"") -> list[Entry]:
    """Made tokens, all with the same first bytes."""
    dice = random.Random(seed)
    return [Entry(prefix + dice.randbytes(16 - len(prefix)), 1, dice.choice(AMOUNTS)) for _ in range(count)]


async def write(store: PostgresStore, entries: Sequence[Entry]) -> None:
    """As a swap writes them: signed and spent."""
    same = [Entry(bytes(reversed(each.hash)), 1, each.amount) for each in entries]
    # The sums do not matter here; the database would refuse to spend what was not signed.
    async with store._reading() as connection:
        await connection.execute("UPDATE denomination SET signed = signed + 1000000")
    assert await store.apply([Change(spend=list(entries), issue=same)]) == [DONE]


async def check(store: PostgresStore, entries: Sequence[Entry]) -> None:
    """All are found, as what they were signed for, and no others."""
    others = tokens(50, seed=99)
    assert await store.token_states([(1, each.hash) for each in (*entries, *others)]) == ["SPENT"] * len(entries) + [
        "UNSPENT"
    ] * len(others)
    outputs = [(1, bytes(reversed(each.hash))) for each in entries]
    assert await store.signed_amounts([*outputs, (1, bytes(16))]) == [*(each.amount for each in entries), None]
    (tally,) = await store.tallies()
    assert (tally.spent_rows, tally.signed_rows) == (len(entries), len(entries))
    ascending = sorted(each.hash for each in entries)
    for most in (7, len(entries), len(entries) + 1):
        assert await store.spent_items(1, most=most) == b"".join(each[:8] for each in ascending[:most])


async def buckets(store: PostgresStore, table: str) -> list[tuple[bytes, int, list[bytes]]]:
    """The rows of a packed table in the order of their hashes."""
    async with store._reading() as connection:
        found = await connection.fetch(f"SELECT first, depth, hashes FROM {table} ORDER BY first")
    return [tuple(row) for row in found]


def check_buckets(found: Sequence[tuple[bytes, int, list[bytes]]]) -> None:
    """Together they hold every hash there may be, each one its own, sorted, and few."""
    place = 0
    for first, depth, hashes in found:
        assert int.from_bytes(first, "big") == place
        place += 1 << 128 - depth
        assert len(hashes) <= MOST
        assert hashes == sorted(set(hashes))
        assert all(first <= each for each in hashes)
        assert all(int.from_bytes(each, "big") < place for each in hashes)
    assert place == 1 << 128


@pytest.mark.parametrize("prefix", [b"", b"same"])
def test_tokens_that_are_packed_again_and_again_are_found_with_their_amounts(
    play: Callable[[Story], None], prefix: bytes
) -> None:
    async def story(store: PostgresStore) -> None:
        entries: list[Entry] = []
        for at, count in enumerate((1, 90, 9, 40, 700, 3, 2_000, 300, 10)):
            more = tokens(count, seed=at, prefix=prefix)
            await write(store, more)
            entries += more
            await store.mix()
            await check(store, entries)
        for table in ("spent_1", "issued_1"):
            check_buckets(await buckets(store, table))

    play(story)


def test_the_buckets_follow_from_the_tokens_and_not_from_the_order_of_their_arrival(
    play: Callable[[Story], None],
) -> None:
    entries = tokens(1_500, seed=1)
    found = []

    def in_order(some: Sequence[Entry]) -> Story:
        async def story(store: PostgresStore) -> None:
            await write(store, some[:150])
            await store.mix()
            for part in parts(some[150:], 50):
                await write(store, list(part))
                await store.mix()
            found.append((await buckets(store, "spent_1"), await buckets(store, "issued_1")))

        return story

    play(in_order(entries))
    play(in_order(entries[::-1]))
    assert found[0] == found[1]


def test_tokens_that_a_crash_left_aside_are_found_and_packed_with_the_next(play: Callable[[Story], None]) -> None:
    async def story(store: PostgresStore) -> None:
        first, second = tokens(120, seed=1), tokens(80, seed=2)
        await write(store, first)
        async with store._turn() as connection:
            for kind in ("spent", "issued"):
                assert await connection.fetchval("SELECT set_aside($1, 1, 100, 10)", kind)
        await check(store, first)
        await write(store, second)
        for left in ([80, 120], [80, 0], [0, 0]):
            async with store._reading() as connection:
                counts = "SELECT (SELECT count(*) FROM fresh_spent_1), (SELECT count(*) FROM aside_spent_1)"
                assert list(await connection.fetchrow(counts)) == left
            await check(store, first + second)
            await store.mix()

    play(story)


@pytest.mark.parametrize("table", ["spent_1", "issued_1"])
def test_a_token_that_stands_twice_is_noticed_and_nothing_is_packed(play: Callable[[Story], None], table: str) -> None:
    """No way through the mint leads there: the last line against a token that is spent twice."""

    async def story(store: PostgresStore) -> None:
        entries = tokens(150, seed=1)
        await write(store, entries)
        await store.mix()
        kind = table.removesuffix("_1")
        async with store._reading() as connection:
            for count in (1, 400):  # merged into its bucket; all written anew
                await connection.execute(
                    f"INSERT INTO aside_{table} SELECT hashes[1] {', 1' if kind == 'issued' else ''} FROM {table}"
                    " WHERE cardinality(hashes) > 0 ORDER BY first LIMIT 1"
                )
                await connection.execute(
                    f"INSERT INTO aside_{table} SELECT gen_random_uuid() {', 1' if kind == 'issued' else ''}"
                    f" FROM generate_series(2, {count})"
                )
                with pytest.raises(asyncpg.PostgresError, match=r"recorded once|issued_1_check"):
                    await connection.execute("SELECT pack_tokens($1, 1, 100)", kind)
                assert await connection.fetchval(f"SELECT count(*) FROM aside_{table}") == count
                await connection.execute(f"TRUNCATE aside_{table}")

    play(story)


def test_groups_go_on_while_tokens_are_packed(play: Callable[[Story], None]) -> None:
    async def story(store: PostgresStore) -> None:
        entries = tokens(400, seed=1)
        await write(store, entries[:200])
        async with store._turn() as connection:
            assert await connection.fetchval("SELECT set_aside('spent', 1, 100, 10)")
        async with store._transaction() as packing:
            # As far as packing goes before it empties what was set aside.
            await packing.execute("SELECT merge_tokens('spent', 1, 'aside_spent_1')")
            await write(store, entries[200:])
            assert await store.token_states([(1, each.hash) for each in entries]) == ["SPENT"] * 400
            await packing.execute("TRUNCATE aside_spent_1")
        await check(store, entries)

    play(story)


def parts(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]

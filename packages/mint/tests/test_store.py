"""One suite for every kind of database of the mint: groups, replays, deposits, keysets, counters."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from amparo_cashu.errors import (
    AlreadySigned,
    AlreadySpent,
    KeysetInactive,
    KeysetUnknown,
    NotBalanced,
    QuoteIssued,
    QuoteNotPaid,
    QuotePending,
    QuoteSettled,
    QuoteUnknown,
    TokenPending,
)
from amparo_common.ids import DepositId, KeysetId, QuoteId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_mint.errors import DatabaseAway, KeysetStillInUse, OverApproved, OverIssued
from amparo_mint.model import DONE, REPLAYED, Change, Deposit, Entry, MeltQuoteRow, MintQuoteRow, Payment
from amparo_mint.postgres_store import SMALL_TABLE, SMALLEST_MIX, PostgresStore
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.store import NewKeyset, Store, TokenHasher
from amparo_service.errors import BadRequest, KeyMissing

FOOD = Unit("food")
FIRST, SECOND = KeysetId("01" + "aa" * 32), KeysetId("01" + "bb" * 32)
AMOUNTS = [1, 2, 4, 8]

S = TypeVar("S", bound=Store)
Story = Callable[[Store], Awaitable[None]]
PostgresStory = Callable[[PostgresStore], Awaitable[None]]


@pytest.fixture(params=["sqlite", "postgres"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    """Plays a story on a fresh database with one active keyset (number 1)."""
    address = request.getfixturevalue("new_database")() if request.param == "postgres" else ""

    def run(story: Story) -> None:
        asyncio.run(played(PostgresStore(address) if address else SqliteStore(tmp_path / "mint.sqlite"), story))

    return run


@pytest.fixture
def play_on_postgres(new_database: Callable[[], str]) -> Callable[[PostgresStory], None]:
    """The same on PostgreSQL alone, for stories that look into its tables. They must end."""
    return lambda story: asyncio.run(asyncio.wait_for(played(PostgresStore(new_database()), story), timeout=60))


async def played(store: S, story: Callable[[S], Awaitable[None]]) -> None:
    """A story on a database with one active keyset."""
    await store.open()
    try:
        await store.add_keyset(NewKeyset(FIRST, FOOD, "2026-11", 2_000_000_000, AMOUNTS))
        await store.activate(FIRST)
        await story(store)
    finally:
        await store.close()


def entry(name: str, amount: int = 8, *, keyset: int = 1) -> Entry:
    """A token or output by a name of ours."""
    return Entry(name.encode().ljust(16, b"."), keyset, amount)


async def issue(store: Store, *entries: Entry, quote: str = "q") -> None:
    """Aid of these outputs, from the quote on."""
    total = sum(each.amount for each in entries)
    row = MintQuoteRow(QuoteId(quote), FOOD, total, "02" + "11" * 32)
    for change in (
        Change(new_mint_quote=row),
        Change(payment=Payment(row.id, total, FOOD, 10_000, 1)),
        Change(issue=list(entries), claims=[(quote, total)]),
    ):
        assert await store.apply([change]) == [DONE]


async def refusal(store: Store, change: Change) -> type[Exception]:
    """What a change is refused with."""
    (outcome,) = await store.apply([change])
    assert isinstance(outcome, Exception)
    return type(outcome)


async def sums(store: Store) -> list[tuple[int, int, int, int]]:
    """(issued, moved, redeemed, outstanding) of every open keyset; rows and counters are compared on the way."""
    tallies = await store.tallies()
    assert all(tally.agrees for tally in tallies)
    return [(t.keyset.issued, t.keyset.moved, t.keyset.redeemed, t.outstanding) for t in tallies]


def test_a_token_is_spent_once_and_an_output_signed_once(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"))
        assert await store.apply([Change(spend=[entry("a")], issue=[entry("c")])]) == [DONE]
        assert await refusal(store, Change(spend=[entry("a")], issue=[entry("d")])) is AlreadySpent
        assert await refusal(store, Change(spend=[entry("b")], issue=[entry("c")])) is AlreadySigned
        assert await store.apply([Change(spend=[entry("b")], issue=[entry("d")])]) == [DONE]
        assert await sums(store) == [(16, 0, 0, 16)]
        places = [(1, entry(name).hash) for name in "abcd"]
        assert await store.token_states(places) == ["SPENT", "SPENT", "UNSPENT", "UNSPENT"]
        assert await store.signed_amounts([*places, (1, entry("e").hash)]) == [8, 8, 8, 8, None]

    play(story)


def test_a_request_that_was_carried_out_is_known_again_whatever_happened_since(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"))
        swap = Change(spend=[entry("a")], issue=[entry("b")])
        later = Change(spend=[entry("a")], issue=[entry("b")], unless_replayed=KeysetInactive("closed"))
        assert await refusal(store, later) is KeysetInactive
        assert await store.apply([swap, swap]) == [DONE, REPLAYED]
        assert await store.apply([Change(spend=[entry("b")], issue=[entry("c")])]) == [DONE]
        assert await store.apply([swap, later]) == [REPLAYED, REPLAYED]
        assert await store.apply([Change(issue=[entry("a")], claims=[("q", 8)])]) == [REPLAYED]
        assert await sums(store) == [(8, 0, 0, 8)]

    play(story)


def test_a_token_of_a_keyset_that_was_closed_meanwhile_holds_up_no_other_request(play: Callable[[Story], None]) -> None:
    """Its tables are gone, and another process of the mint, or a request on its way, does not know that yet."""

    async def story(store: Store) -> None:
        await store.add_keyset(NewKeyset(SECOND, FOOD, "2026-12", None, AMOUNTS))
        await store.activate(SECOND)
        await issue(store, entry("a", keyset=2))
        await store.close_keyset(FIRST)
        late = Change(spend=[entry("z")], issue=[entry("y", keyset=2)])
        good = Change(spend=[entry("a", keyset=2)], issue=[entry("b", keyset=2)])
        refused, done = await store.apply([late, good])
        assert (type(refused), done) == (KeysetUnknown, DONE)
        for ask in (store.token_states, store.signed_amounts):
            with pytest.raises(KeysetUnknown):
                await ask([(2, entry("a").hash), (1, entry("z").hash)])
        assert await sums(store) == [(8, 0, 0, 8)]

    play(story)


def test_a_request_for_other_amounts_than_before_is_no_repetition(play: Callable[[Story], None]) -> None:
    """In the same group as the first one, and in a later one."""

    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"))
        swap = Change(spend=[entry("a")], issue=[entry(name, 1) for name in "stuvwxyz"])
        dear = Change(spend=[entry("a")], issue=[entry("s", 8)])
        done, refused = await store.apply([swap, dear])
        assert (done, type(refused)) == (DONE, AlreadySpent)
        assert await refusal(store, dear) is AlreadySpent
        assert await refusal(store, Change(issue=[entry("a", 4), entry("b", 4)], claims=[("q", 16)])) is AlreadySigned
        assert await store.apply([swap]) == [REPLAYED]
        assert await store.signed_amounts([(1, entry("s").hash)]) == [1]

    play(story)


def test_a_request_half_of_which_was_carried_out_is_no_repetition(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"), entry("c"))
        assert await store.apply([Change(spend=[entry("a")], issue=[entry("d")])]) == [DONE]
        assert await refusal(store, Change(spend=[entry("a")], issue=[entry("d"), entry("e")])) is AlreadySpent
        assert await refusal(store, Change(spend=[entry("a"), entry("b")], issue=[entry("d")])) is AlreadySpent
        assert await refusal(store, Change(spend=[entry("b")], issue=[entry("d")])) is AlreadySigned
        assert await refusal(store, Change(issue=[entry("d")], claims=[("q", 24), ("none", 1)])) is AlreadySigned
        assert await sums(store) == [(24, 0, 0, 24)]

    play(story)


def test_a_refused_change_of_a_group_leaves_nothing_and_its_neighbours_stand(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b", 4), entry("c", 2))
        outcomes = await store.apply(
            [
                Change(spend=[entry("a")], issue=[entry("d")]),
                Change(spend=[entry("b", 4), entry("a")], issue=[entry("e", 4), entry("f")]),
                Change(spend=[entry("c", 2)], issue=[entry("d", 2)]),
                Change(spend=[entry("b", 4)], issue=[entry("e", 4)]),
            ]
        )
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [type(DONE), AlreadySpent, AlreadySigned, type(DONE)]
        states = await store.token_states([(1, entry(name).hash) for name in "abcdef"])
        assert states == ["SPENT", "SPENT", "UNSPENT", "UNSPENT", "UNSPENT", "UNSPENT"]
        assert await store.signed_amounts([(1, entry(name).hash) for name in "def"]) == [8, 4, None]
        assert await sums(store) == [(14, 0, 0, 14)]

    play(story)


def test_more_of_a_denomination_cannot_be_spent_than_was_signed(play: Callable[[Story], None]) -> None:
    """Tokens that the keyset never signed: somebody has its key. Neighbours in the group are not refused with them."""

    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"))
        outcomes = await store.apply(
            [
                Change(spend=[entry("a")], issue=[entry("c", 4), entry("d", 4)]),
                Change(spend=[entry("x", 2)], issue=[entry("y", 2)]),
                Change(spend=[entry("b")], issue=[entry("e")]),
            ]
        )
        # The second one signs a 2 in the same breath: it is judged by what it spends before it signs.
        assert [type(outcome) for outcome in outcomes][::2] == [type(DONE), type(DONE)]
        assert await refusal(store, Change(spend=[entry("z", 1)])) is OverIssued
        assert (await store.tallies())[0].agrees

    play(story)


def test_quotes_are_paid_within_the_approved_total_and_issued_once(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        rows = [MintQuoteRow(QuoteId(name), FOOD, 8, "02" + "11" * 32) for name in ("p", "q")]
        assert await store.apply([Change(new_mint_quote=row) for row in rows]) == [DONE, DONE]
        assert await refusal(store, Change(issue=[entry("a")], claims=[("p", 8)])) is QuoteNotPaid
        assert await refusal(store, Change(issue=[entry("a")], claims=[("none", 8)])) is QuoteUnknown
        wrong = Payment(QuoteId("p"), 4, FOOD, 100, 1)
        assert await refusal(store, Change(payment=wrong)) is NotBalanced
        paid = [Change(payment=Payment(row.id, 8, FOOD, 12, 1)) for row in rows]
        first, second = await store.apply(paid)
        assert (first, type(second)) == (DONE, OverApproved)
        assert await store.apply(paid[:1]) == [REPLAYED]
        assert await store.paid_total(FOOD) == 8
        assert await refusal(store, Change(issue=[entry("a", 4)], claims=[("p", 4)])) is NotBalanced
        assert await store.apply([Change(issue=[entry("a")], claims=[("p", 8)])]) == [DONE]
        assert await refusal(store, Change(issue=[entry("b")], claims=[("p", 8)])) is QuoteIssued
        assert {name: row.issued for name, row in (await store.mint_quotes(["p", "q", "r"])).items()} == {
            "p": 8,
            "q": 0,
        }

    play(story)


def test_several_quotes_are_claimed_together_or_not_at_all(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        rows = [MintQuoteRow(QuoteId(name), FOOD, 4, "02" + "11" * 32) for name in ("p", "q")]
        await store.apply([Change(new_mint_quote=row) for row in rows])
        await store.apply([Change(payment=Payment(QuoteId("p"), 4, FOOD, 100, 1))])
        batch = Change(issue=[entry("a")], claims=[("p", 4), ("q", 4)])
        assert await refusal(store, batch) is QuoteNotPaid
        await store.apply([Change(payment=Payment(QuoteId("q"), 4, FOOD, 100, 1))])
        assert await store.apply([batch, batch]) == [DONE, REPLAYED]
        assert await sums(store) == [(8, 0, 0, 8)]

    play(story)


def deposit(quote: str, *names: str, request: bytes = b"r" * 16) -> Change:
    """Tokens of 8 handed in for a deposit."""
    tokens = [entry(name) for name in names]
    return Change(spend=tokens, deposit=Deposit(DepositId(quote), 8 * len(names), FOOD, request))


def test_a_deposit_waits_until_the_shops_side_has_answered(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"), entry("c"))
        for name in ("d", "e"):
            await store.apply([Change(new_melt_quote=MeltQuoteRow(DepositId(name), "shop", FOOD, 8))])
        assert await refusal(store, deposit("none", "a")) is QuoteUnknown
        assert await refusal(store, deposit("d", "a", "b")) is NotBalanced
        assert await store.apply([deposit("d", "a")]) == [DONE]
        assert [row.id for row in await store.waiting()] == ["d"]
        assert await store.token_states([(1, entry("a").hash)]) == ["PENDING"]
        assert await refusal(store, Change(spend=[entry("a")], issue=[entry("x")])) is TokenPending
        assert await refusal(store, deposit("d", "b", request=b"s" * 16)) is QuotePending
        assert await store.apply([deposit("d", "a")]) == [REPLAYED]
        assert await store.count_waiting() == 1
        await store.finish_deposit("d", accepted=True)
        for accepted in (True, False):
            # The first answer counts.
            await store.finish_deposit("d", accepted=accepted)
        assert (await store.waiting(), await store.count_waiting()) == ([], 0)
        assert await store.token_states([(1, entry("a").hash)]) == ["SPENT"]
        assert await refusal(store, deposit("d", "b", request=b"s" * 16)) is QuoteSettled
        assert await store.apply([deposit("d", "a")]) == [REPLAYED]
        assert await sums(store) == [(24, 0, 8, 16)]

    play(story)


def test_a_deposit_that_the_shops_side_refuses_gives_the_tokens_back(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"))
        await store.apply([Change(new_melt_quote=MeltQuoteRow(DepositId("d"), "shop", FOOD, 8))])
        await store.apply([deposit("d", "a")])
        for accepted in (False, False, True):
            await store.finish_deposit("d", accepted=accepted)
        found = (await store.melt_quotes(["d"]))["d"]
        assert (found.state, found.request) == ("UNPAID", b"")
        assert await store.token_states([(1, entry("a").hash)]) == ["UNSPENT"]
        assert await sums(store) == [(8, 0, 0, 8)]
        assert await store.apply([Change(spend=[entry("a")], issue=[entry("b")])]) == [DONE]

    play(story)


def test_value_that_moves_to_the_next_keyset_is_counted_in_both(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"))
        await store.add_keyset(NewKeyset(SECOND, FOOD, "2026-12", None, AMOUNTS))
        await store.add_keyset(NewKeyset(SECOND, FOOD, "2026-12", None, AMOUNTS))
        await store.activate(SECOND)
        assert [row.state for row in await store.keysets()] == ["ending", "active"]
        assert await store.apply([Change(spend=[entry("a")], issue=[entry("c", keyset=2)])]) == [DONE]
        assert await sums(store) == [(16, -8, 0, 8), (0, 8, 0, 8)]
        # The same name in another keyset is another token.
        assert await store.apply([Change(spend=[entry("c", keyset=2)], issue=[entry("a", keyset=2)])]) == [DONE]

    play(story)


def test_a_closed_keyset_gives_back_what_is_left_and_its_tables_are_gone(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        await issue(store, entry("a"), entry("b"), entry("c"))
        await store.apply([Change(new_melt_quote=MeltQuoteRow(DepositId("d"), "shop", FOOD, 8))])
        await store.apply([deposit("d", "a")])
        with pytest.raises(KeysetStillInUse):
            await store.close_keyset(FIRST)
        await store.finish_deposit("d", accepted=True)
        for _ in range(2):
            closed = await store.close_keyset(FIRST)
            assert (closed.state, closed.returned, closed.outstanding) == ("closed", 16, 0)
        await store.activate(FIRST)
        assert [row.state for row in await store.keysets()] == ["closed"]
        assert await store.tallies() == []

    play(story)


def test_many_conflicting_swaps_leave_every_token_spent_once(play: Callable[[Story], None]) -> None:
    """The same tokens in many groups at once: each is won by one change, and the sums agree."""

    async def story(store: Store) -> None:
        tokens = [entry(f"t{at}") for at in range(20)]
        await issue(store, *tokens)
        dice = random.Random(7)
        changes = [
            Change(spend=[token, other], issue=[entry(f"{at}x{turn}"), entry(f"{at}y{turn}")])
            for turn in range(25)
            for at, token in enumerate(tokens)
            for other in [tokens[(at + 1 + dice.randrange(19)) % 20]]
        ]
        dice.shuffle(changes)
        groups = [changes[at : at + 50] for at in range(0, len(changes), 50)]
        outcomes = [each for found in await asyncio.gather(*(store.apply(group) for group in groups)) for each in found]
        won = [change for change, outcome in zip(changes, outcomes, strict=True) if outcome == DONE]
        spent = [each.hash for change in won for each in change.spend]
        assert len(spent) == len(set(spent))
        assert all(isinstance(outcome, AlreadySpent) for outcome in outcomes if outcome != DONE)
        assert await sums(store) == [(160, 0, 0, 160)]

    play(story)


def test_two_processes_on_one_postgresql_never_spend_a_token_twice(new_database: Callable[[], str]) -> None:
    address = new_database()

    async def story() -> None:
        stores = [PostgresStore(address) for _ in range(3)]
        await asyncio.gather(*(store.open() for store in stores))
        await stores[0].add_keyset(NewKeyset(FIRST, FOOD, "2026-11", None, AMOUNTS))
        await stores[0].activate(FIRST)
        await issue(stores[0], *(entry(f"t{at}") for at in range(40)))
        work = [
            store.apply([Change(spend=[entry(f"t{at}")], issue=[entry(f"{at}-{number}")])])
            for at in range(40)
            for number, store in enumerate(stores)
        ]
        mixing = asyncio.gather(*(stores[0].mix() for _ in range(5)))
        outcomes = [outcome for (outcome,) in await asyncio.gather(*work)]
        await mixing
        assert outcomes.count(DONE) == 40
        assert sum(isinstance(outcome, AlreadySpent) for outcome in outcomes) == 80
        assert await sums(stores[1]) == [(320, 0, 0, 320)]
        for store in stores:
            await store.close()

    asyncio.run(story())


def test_mixed_tokens_of_postgresql_carry_one_transaction_and_no_order(
    play_on_postgres: Callable[[PostgresStory], None],
) -> None:
    """Also after a second mixing with a single swap: its two tokens would otherwise share a number that nobody else has."""

    async def story(store: PostgresStore) -> None:
        await issue(store, *(entry(f"{at * 7 % 50:02}") for at in range(50)))
        for at in range(49):
            await store.apply([Change(spend=[entry(f"{at:02}")], issue=[entry(f"{at * 3 % 50:02}n")])])
        for _ in range(2):
            await store.mix()
            async with store._reading() as connection:
                for table in ("spent_1", "issued_1"):
                    rows = await connection.fetch(f"SELECT hashes, xmin::text, ctid::text FROM {table} ORDER BY ctid")
                    hashes = [each for row in rows for each in row[0]]
                    assert hashes == sorted(hashes)
                    assert len(hashes) >= 49
                    assert len({row[1] for row in rows}) == 1
                    # Nothing stood on the first page before.
                    assert rows[0][2] == "(0,1)"
                    for place in ("fresh", "aside"):
                        assert await connection.fetchval(f"SELECT count(*) FROM {place}_{table}") == 0
            await store.apply([Change(spend=[entry("49")], issue=[entry("49n")])])
        assert await refusal(store, Change(spend=[entry("07")], issue=[entry("new")])) is AlreadySpent
        assert await sums(store) == [(400, 0, 0, 400)]

    play_on_postgres(story)


def test_few_quotes_of_postgresql_carry_one_transaction_and_no_order(
    play_on_postgres: Callable[[PostgresStory], None],
) -> None:
    """Neither the order in which they were made, paid and claimed, nor what else was written with one of them."""

    async def story(store: PostgresStore) -> None:
        names = [f"q{at * 7 % 20:02}" for at in range(20)]
        for name in names:
            await issue(store, entry(name), quote=name)
            await store.apply([Change(new_melt_quote=MeltQuoteRow(DepositId(name), "shop", FOOD, 8))])
        for name in names[:9]:
            await store.apply([deposit(name, name)])
        for name in names[:6]:
            await store.finish_deposit(name, accepted=True)
        before = await store.mint_quotes(names), await store.melt_quotes(names), await sums(store)
        await store.mix()
        async with store._reading() as connection:
            for table, column in (("mint_quote", "id"), ("melt_quote", "id"), ("pending", "hash")):
                rows = await connection.fetch(
                    f"SELECT {column}, xmin::text, ctid::text AS place FROM {table} ORDER BY ctid"
                )
                assert [row[0] for row in rows] == sorted(row[0] for row in rows)
                assert len({row[1] for row in rows}) == 1
                # Nothing stood on the first page before: no older row is left behind on the disk.
                assert rows[0][2] == "(0,1)"
        assert (await store.mint_quotes(names), await store.melt_quotes(names), await sums(store)) == before
        assert len(await store.waiting()) == 3

    play_on_postgres(story)


def test_a_large_table_of_postgresql_takes_new_tokens_only_in_a_crowd(
    play_on_postgres: Callable[[PostgresStory], None],
) -> None:
    async def story(store: PostgresStore) -> None:
        fill = "INSERT INTO {} SELECT gen_random_uuid(), 1 FROM generate_series(1, {})"
        question = "SELECT (SELECT sum(cardinality(hashes)) FROM issued_1), (SELECT count(*) FROM fresh_issued_1)"
        async with store._reading() as connection:
            await connection.execute(fill.format("fresh_issued_1", SMALL_TABLE))
            await store.mix()
            for more, kept in (
                (SMALLEST_MIX - 1, (SMALL_TABLE, SMALLEST_MIX - 1)),
                (1, (SMALL_TABLE + SMALLEST_MIX, 0)),
            ):
                await connection.execute(fill.format("fresh_issued_1", more))
                await store.mix()
                assert tuple(await connection.fetchrow(question)) == kept
            assert await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM issued_1") == 2

    play_on_postgres(story)


def test_a_spent_token_is_told_as_spent_also_to_whoever_asks_while_tokens_are_mixed(
    play_on_postgres: Callable[[PostgresStory], None],
) -> None:
    """Who asks has to wait for the mixing; what was looked at before that would show the emptied table and not the full one."""

    async def story(store: PostgresStore) -> None:
        await issue(store, entry("a"))
        await store.apply([Change(spend=[entry("a")], issue=[entry("b")])])
        async with store._turn() as mixing:
            for table in ("spent_1", "issued_1"):
                kind, _, number = table.partition("_")
                await mixing.execute("SELECT set_aside($1, $2, 10, 10)", kind, int(number))
                await mixing.execute("SELECT pack_tokens($1, $2, 10)", kind, int(number))
            states = asyncio.create_task(store.token_states([(1, entry("a").hash)]))
            amounts = asyncio.create_task(store.signed_amounts([(1, entry("b").hash)]))
            tallies = asyncio.create_task(store.tallies())
            blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
            for _ in range(1_000):
                if await mixing.fetchval(blocked) == 3:
                    break
                await asyncio.sleep(0.01)
        assert (await states, await amounts) == (["SPENT"], [8])
        (tally,) = await tallies
        assert tally.agrees
        assert (tally.signed_rows, tally.spent_rows) == (2, 1)

    play_on_postgres(story)


def test_mixing_gives_way_to_a_long_question_and_keeps_nobody_waiting(
    play_on_postgres: Callable[[PostgresStory], None],
) -> None:
    async def story(store: PostgresStore) -> None:
        await issue(store, entry("a"))
        async with store._reading() as counting, counting.transaction():
            await counting.fetch("SELECT count(*) FROM fresh_issued_1")
            with pytest.raises(DatabaseAway):
                await store.mix()
            assert await store.apply([Change(spend=[entry("a")], issue=[entry("b")])]) == [DONE]
        await store.mix()
        async with store._reading() as connection:
            assert await connection.fetchval("SELECT sum(cardinality(hashes)) FROM issued_1") == 2
        assert await sums(store) == [(8, 0, 0, 8)]

    play_on_postgres(story)


def test_what_the_last_run_left_is_mixed_by_the_first_tidying(new_database: Callable[[], str]) -> None:
    address = new_database()

    async def story() -> None:
        for run in range(2):
            store = PostgresStore(address)
            await store.open()
            await store.tidy()
            async with store._reading() as connection:
                if run:
                    assert await connection.fetchval("SELECT count(*) FROM fresh_issued_1") == 0
                    assert await connection.fetchval("SELECT count(*) FROM issued_1") == 1
            await store.add_keyset(NewKeyset(FIRST, FOOD, "2026-11", None, AMOUNTS))
            await store.activate(FIRST)
            if not run:
                await issue(store, entry("a"))
                await store.tidy()
            await store.close()

    asyncio.run(story())


def test_no_text_that_somebody_sends_makes_the_database_fail(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        names = ["\x00", "a\x00b", "'", "\n", "é" * 1_000]
        assert await store.mint_quotes(names) == {}
        assert await store.melt_quotes(names) == {}
        claims = [Change(issue=[entry("a")], claims=[(name, 8)]) for name in names]
        assert {type(outcome) for outcome in await store.apply(claims)} == {QuoteUnknown}

    play(story)


def test_a_database_belongs_to_one_hash_key(play: Callable[[Story], None]) -> None:
    async def story(store: Store) -> None:
        key, other = TokenHasher(Secret(b"k" * 32)), TokenHasher(Secret(b"o" * 32))
        for _ in range(2):
            await store.bind(key.fingerprint())
        with pytest.raises(KeyMissing):
            await store.bind(other.fingerprint())
        await store.bind(key.fingerprint())

    play(story)


def test_a_backup_of_the_file_holds_every_spent_token(tmp_path: Path) -> None:
    async def story() -> None:
        store = SqliteStore(tmp_path / "mint.sqlite")
        await store.add_keyset(NewKeyset(FIRST, FOOD, "2026-11", None, AMOUNTS))
        await store.activate(FIRST)
        await issue(store, entry("a"))
        await store.apply([Change(spend=[entry("a")], issue=[entry("b")])])
        with pytest.raises(BadRequest, match="no folder"):
            await store.backup(str(tmp_path / "slip" / "copy.sqlite"))
        await store.backup(str(tmp_path / "copy.sqlite"))
        await store.close()
        copy = SqliteStore(tmp_path / "copy.sqlite")
        assert await refusal(copy, Change(spend=[entry("a")], issue=[entry("c")])) is AlreadySpent
        await copy.close()

    asyncio.run(story())

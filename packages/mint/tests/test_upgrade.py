"""A database that an older version wrote is brought up to date, with every token, quote and waiting deposit; one that a newer
version wrote is left alone."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from packages.mint.tests.conftest import SHOP

from amparo_cashu.errors import AlreadySpent, QuotePending, TokenPending
from amparo_common.ids import DepositId
from amparo_common.money import Unit
from amparo_mint.model import DONE, REPLAYED, Change, Deposit, Entry, MeltQuoteRow
from amparo_mint.postgres_schema import token_tables as postgres_token_tables
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.sqlite_store import token_tables as sqlite_token_tables
from amparo_mint.store import Store
from amparo_service.errors import DatabaseTooNew

FOOD = Unit("food")

# The tables as version 1 made them, word for word; never changed.
SQLITE_1 = """
CREATE TABLE keyset (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, unit TEXT NOT NULL, period TEXT NOT NULL,
 final_expiry INTEGER, state TEXT NOT NULL, issued INTEGER NOT NULL DEFAULT 0, moved INTEGER NOT NULL DEFAULT 0,
 redeemed INTEGER NOT NULL DEFAULT 0, returned INTEGER NOT NULL DEFAULT 0, claims INTEGER NOT NULL DEFAULT 0,
 CHECK (issued + moved - redeemed - returned >= 0));
CREATE TABLE denomination (keyset INTEGER NOT NULL REFERENCES keyset, amount INTEGER NOT NULL,
 signed INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (keyset, amount),
 CHECK (spent <= signed)) WITHOUT ROWID;
CREATE TABLE mint_quote (id TEXT NOT NULL PRIMARY KEY, unit TEXT NOT NULL, amount INTEGER NOT NULL, pubkey TEXT NOT NULL,
 paid INTEGER NOT NULL DEFAULT 0, issued INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE paid (unit TEXT NOT NULL PRIMARY KEY, total INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE melt_quote (id TEXT NOT NULL PRIMARY KEY, shop TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,
 state TEXT NOT NULL, request BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (keyset INTEGER NOT NULL REFERENCES keyset, hash BLOB NOT NULL, amount INTEGER NOT NULL,
 quote TEXT NOT NULL REFERENCES melt_quote, PRIMARY KEY (keyset, hash)) WITHOUT ROWID;
CREATE TABLE hash_key (fingerprint BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE progress (groups INTEGER NOT NULL);
INSERT INTO progress (groups) VALUES (0);
CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE INDEX melt_waiting ON melt_quote (state) WHERE state = 'PENDING';
CREATE INDEX pending_quote ON pending (quote);
"""
POSTGRES_1 = """
CREATE TABLE schema_version (version integer NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
CREATE TABLE keyset (number integer PRIMARY KEY, id text NOT NULL UNIQUE, unit text NOT NULL, period text NOT NULL,
    final_expiry bigint, state text NOT NULL, issued bigint NOT NULL DEFAULT 0, moved bigint NOT NULL DEFAULT 0,
    redeemed bigint NOT NULL DEFAULT 0, returned bigint NOT NULL DEFAULT 0, claims bigint NOT NULL DEFAULT 0,
    CHECK (issued + moved - redeemed - returned >= 0));
CREATE TABLE denomination (keyset integer NOT NULL REFERENCES keyset, amount bigint NOT NULL,
    signed bigint NOT NULL DEFAULT 0, spent bigint NOT NULL DEFAULT 0, PRIMARY KEY (keyset, amount),
    CHECK (spent <= signed));
CREATE TABLE mint_quote (id text PRIMARY KEY, unit text NOT NULL, amount bigint NOT NULL, pubkey text NOT NULL,
    paid bigint NOT NULL DEFAULT 0, issued bigint NOT NULL DEFAULT 0);
CREATE TABLE paid (unit text PRIMARY KEY, total bigint NOT NULL);
CREATE TABLE melt_quote (id text PRIMARY KEY, shop text NOT NULL, unit text NOT NULL, amount bigint NOT NULL,
    state text NOT NULL, request bytea NOT NULL);
CREATE TABLE pending (keyset integer NOT NULL REFERENCES keyset, hash uuid NOT NULL, amount bigint NOT NULL,
    quote text NOT NULL REFERENCES melt_quote, PRIMARY KEY (keyset, hash));
CREATE TABLE hash_key (fingerprint bytea PRIMARY KEY);
CREATE TABLE progress (groups bigint NOT NULL);
INSERT INTO progress (groups) VALUES (0);
CREATE TABLE message (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
CREATE INDEX melt_waiting ON melt_quote (state) WHERE state = 'PENDING';
CREATE INDEX pending_quote ON pending (quote);
CREATE FUNCTION recorded_once() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'tokens are recorded once'; END $$;
"""
# 24 were paid and issued as a, b, c of 8; a was swapped for d, b waits in the deposit `wait`. Keyset 1 has ended signing.
ROWS = """
INSERT INTO keyset (number, id, unit, period, final_expiry, state, issued, moved, redeemed, claims)
 VALUES (1, '01aa', 'food', '2026-10', 2000000000, 'ending', 24, -8, 8, 1);
INSERT INTO keyset (number, id, unit, period, final_expiry, state, moved) VALUES (2, '01bb', 'food', '2026-11', NULL, 'active', 8);
INSERT INTO denomination (keyset, amount, signed, spent) VALUES (1, 8, 3, 2), (2, 8, 1, 0);
INSERT INTO mint_quote (id, unit, amount, pubkey, paid, issued)
 VALUES ('done', 'food', 24, '02', 24, 24), ('new', 'food', 8, '02', 0, 0);
INSERT INTO melt_quote (id, shop, unit, amount, state, request)
 VALUES ('wait', '{shop}', 'food', 8, 'PENDING', {request}), ('idle', '{shop}', 'food', 8, 'UNPAID', {nothing});
INSERT INTO pending (keyset, hash, amount, quote) VALUES (1, {b}, 8, 'wait');
INSERT INTO paid (unit, total) VALUES ('food', 24);
INSERT INTO message (body) VALUES ('sealed.by.then');
UPDATE progress SET groups = 9;
INSERT INTO issued_1 (hash, amount) VALUES ({a}, 8), ({b}, 8), ({c}, 8);
INSERT INTO spent_1 (hash) VALUES ({a});
INSERT INTO issued_2 (hash, amount) VALUES ({d}, 8);
"""
REQUEST = b"r" * 16


def entry(sign: str, *, keyset: int = 1) -> Entry:
    """A token of 8 by one sign."""
    return Entry(sign.encode() * 16, keyset, 8)


def written_by_sqlite_1(path: Path) -> None:
    """The file of a mint of version 1."""
    values = {sign: f"x'{entry(sign).hash.hex()}'" for sign in "abcd"}
    rows = ROWS.format(shop=SHOP, request=f"x'{REQUEST.hex()}'", nothing="x''", **values)
    tables = ";\n".join([*sqlite_token_tables(1), *sqlite_token_tables(2)])
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode=WAL;{SQLITE_1}{tables};{rows}PRAGMA user_version=1;")


async def written_by_postgres_1(address: str) -> None:
    """The database of a mint of version 1."""
    values = {sign: f"'{entry(sign).hash.hex()}'" for sign in "abcd"}
    rows = ROWS.format(shop=SHOP, request=f"'\\x{REQUEST.hex()}'", nothing="''", **values)
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(POSTGRES_1)
        for number in (1, 2):
            await connection.execute(postgres_token_tables(number))
        await connection.execute(rows)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def make_old(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the database that version 1 left, as often as asked."""
    if request.param == "sqlite":
        written_by_sqlite_1(tmp_path / "mint.sqlite")
        return lambda: SqliteStore(tmp_path / "mint.sqlite")
    address = request.getfixturevalue("new_database")()
    asyncio.run(written_by_postgres_1(address))
    return lambda: PostgresStore(address)


async def check_all(store: Store) -> None:
    """Everything of version 1 is there."""
    assert [(row.id, row.state, row.outstanding) for row in await store.keysets()] == [
        ("01aa", "ending", 8),
        ("01bb", "active", 8),
    ]
    assert all(tally.agrees for tally in await store.tallies())
    assert (await store.paid_total(FOOD), await store.claims(1), await store.progress()) == (24, 1, 9)
    found = await store.mint_quotes(["done", "new"])
    assert {row.id: (row.paid, row.issued, row.keyset) for row in found.values()} == {
        "done": (24, 24, 2),
        "new": (0, 0, 2),
    }
    assert [(row.id, row.shop, row.amount) for row in await store.waiting()] == [("wait", SHOP, 8)]
    places = [(1, entry(sign).hash) for sign in "abc"]
    assert await store.token_states(places) == ["SPENT", "PENDING", "UNSPENT"]


def test_a_database_of_version_1_is_brought_up_to_date_and_nothing_is_lost(make_old: Callable[[], Store]) -> None:
    async def story() -> None:
        for _ in range(2):  # the second opening finds it up to date
            store = make_old()
            await store.open()
            await check_all(store)
            await store.close()

    asyncio.run(story())


def test_a_mint_goes_on_where_version_1_stopped(make_old: Callable[[], Store]) -> None:
    async def story() -> None:
        store = make_old()
        await store.open()
        deposit = Deposit(DepositId("wait"), 8, FOOD, REQUEST)
        outcomes = await store.apply(
            [
                Change(spend=[entry("a")], issue=[entry("d", keyset=2)]),
                Change(spend=[entry("a")], issue=[entry("e", keyset=2)]),
                Change(spend=[entry("b")], issue=[entry("e", keyset=2)]),
                Change(spend=[entry("b")], deposit=deposit),
                Change(spend=[entry("c")], deposit=Deposit(DepositId("wait"), 8, FOOD, b"s" * 16)),
                Change(spend=[entry("c")], issue=[entry("f", keyset=2)]),
                Change(new_melt_quote=MeltQuoteRow(DepositId("more"), SHOP, FOOD, 8, keyset=2)),
            ]
        )
        kinds = [each if each in (DONE, REPLAYED) else type(each) for each in outcomes]
        assert kinds == [REPLAYED, AlreadySpent, TokenPending, REPLAYED, QuotePending, DONE, DONE]
        await store.finish_deposit("wait", accepted=True)
        assert (await store.melt_quotes(["wait"]))["wait"].state == "PAID"
        assert all(tally.agrees for tally in await store.tallies())
        await store.tidy()
        assert await store.clear_quotes(ended=[2], over=[], most_unpaid=100) == 3
        assert (await store.close_keyset("01aa")).returned == 0
        await store.close()

    asyncio.run(story())


def test_a_database_of_a_newer_version_is_left_alone(new_database: Callable[[], str], tmp_path: Path) -> None:
    written_by_sqlite_1(tmp_path / "mint.sqlite")
    with contextlib.closing(sqlite3.connect(tmp_path / "mint.sqlite")) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(DatabaseTooNew):
        SqliteStore(tmp_path / "mint.sqlite")
    address = new_database()

    async def newer() -> None:
        await written_by_postgres_1(address)
        connection = await asyncpg.connect(address)
        await connection.execute("UPDATE schema_version SET version = 99")
        await connection.close()
        store = PostgresStore(address)
        try:
            await store.open()
        finally:
            await store.close()

    with pytest.raises(DatabaseTooNew):
        asyncio.run(newer())

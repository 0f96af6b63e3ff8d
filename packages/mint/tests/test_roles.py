"""The mint as a user of PostgreSQL who may neither change nor delete a token: it does all its work, and a thief of its password
cannot undo a purchase."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from packages.mint.tests.conftest import Town, Wallet

from amparo_mint.calendar import GRACE_SECONDS
from amparo_mint.errors import BadConfiguration
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.roles import statements

END = int(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
_numbers = itertools.count()


async def run_all(address: str, *scripts: str) -> None:
    """Runs SQL as whoever the address names."""
    connection = await asyncpg.connect(address)
    try:
        for script in scripts:
            await connection.execute(script)
    finally:
        await connection.close()


class Roles:
    """A database with an owner, and a user for the mint: their addresses."""

    def __init__(self, address: str) -> None:
        number = next(_numbers)
        self.owner_user, self.mint_user = f"owner_{number}", f"mint_{number}"
        name = address.rpartition("/")[2]
        asyncio.run(
            run_all(
                address,
                f"CREATE ROLE {self.owner_user} LOGIN",
                f"CREATE ROLE {self.mint_user} LOGIN",
                f"ALTER DATABASE {name} OWNER TO {self.owner_user}",
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            )
        )
        self.owner = address.replace("amparo@", f"{self.owner_user}@")
        self.mint = address.replace("amparo@", f"{self.mint_user}@")

    def prepare(self) -> None:
        """What the operator does before each first start of a version."""
        asyncio.run(run_all(self.owner, statements(self.mint_user)))

    def refused(self, statement: str) -> bool:
        """Whether the mint's user may not do this."""
        try:
            asyncio.run(run_all(self.mint, statement))
        except asyncpg.InsufficientPrivilegeError:
            return True
        return False


@pytest.fixture
def roles(new_database: Callable[[], str]) -> Roles:
    """An empty database, owner and user."""
    return Roles(new_database())


@pytest.fixture
def guarded(roles: Roles, tmp_path: Path) -> Iterator[Town]:
    """A town whose mint is the limited user."""
    roles.prepare()
    made = Town(tmp_path, database=roles.mint)
    made.new_keyset("2026-11")
    yield made
    made.close()


def test_the_mint_does_all_its_work_as_that_user(roles: Roles, guarded: Town) -> None:
    """Issue, swap, deposit, refuse, mix, renew, close, clear; then a restart, and a second run of the SQL."""
    town, wallet = guarded, Wallet(guarded)
    short = town.new_keyset("december", final_expiry=END)
    kept, spent = wallet.receive(short, 96), wallet.receive(short, 64)
    quote = wallet.deposit_quote(64)
    assert town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, spent)).json()["state"] == "PAID"
    town.shops.refusal = "shops.unknown_shop"
    refused = wallet.deposit_body(wallet.deposit_quote(96), kept)
    assert town.http.post("/v1/melt/settle", content=refused).json()["state"] == "UNPAID"
    store = town.store
    assert isinstance(store, PostgresStore)
    town.run(store.mix)
    newer = town.new_keyset("2027-01")
    fresh = wallet.swap(kept, wallet.split(newer, 96))
    town.reopen()
    roles.prepare()
    assert wallet.state([*kept, *fresh]) == ["SPENT", "SPENT", "UNSPENT", "UNSPENT"]
    town.clock.set(datetime.fromtimestamp(END + GRACE_SECONDS + 61, UTC))
    town.run(town.server.keep_calendar)
    assert short not in town.figures()
    assert town.figures()[newer] == (0, 96, 0, 96)
    wallet.swap(fresh, wallet.split(newer, 96))
    assert town.rows("SELECT id FROM melt_quote") == []


@pytest.mark.parametrize(
    "statement",
    [
        *(
            statement.format(table)
            for table in ("spent_1", "fresh_spent_1", "aside_spent_1", "issued_1", "fresh_issued_1")
            for statement in ("DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}", "ALTER TABLE {} DISABLE TRIGGER ALL")
        ),
        "UPDATE spent_1 SET hashes = '{}'",
        "INSERT INTO spent_1 SELECT gen_random_uuid(), 1, '{}'",
        "UPDATE issued_1 SET amounts = '{8192}'",
        "UPDATE fresh_issued_1 SET amount = 8192",
        "UPDATE keyset SET final_expiry = 0",
        "UPDATE mint_quote SET amount = 8192",
        "UPDATE hash_key SET fingerprint = 'x'",
        "DELETE FROM keyset",
        "DELETE FROM denomination",
        "DELETE FROM paid",
        "CREATE TABLE more (hash uuid)",
        "DROP FUNCTION recorded_once() CASCADE",
        "UPDATE schema_version SET version = 9",
    ],
)
def test_the_mints_user_cannot_undo_what_was_done(roles: Roles, guarded: Town, statement: str) -> None:
    assert guarded.figures()
    assert roles.refused(statement)


def test_the_tables_of_an_open_keyset_are_not_dropped_by_the_owners_function(roles: Roles, guarded: Town) -> None:
    asyncio.run(run_all(roles.mint, "SELECT drop_token_tables(1)"))
    assert guarded.rows("SELECT count(*) FROM fresh_spent_1") == [(0,)]


def test_a_user_whose_tables_are_not_up_to_date_is_told_what_to_do(roles: Roles) -> None:
    async def open_it() -> None:
        store = PostgresStore(roles.mint)
        try:
            await store.open()
            assert await store.keysets() == []
        finally:
            await store.close()

    for script in (
        "SELECT 1",
        f"CREATE TABLE public.schema_version (version integer); GRANT SELECT ON schema_version TO {roles.mint_user}",
    ):
        asyncio.run(run_all(roles.owner, script))
        with pytest.raises(BadConfiguration) as refusal:
            asyncio.run(open_it())
        assert "amparo_mint.roles" in str(refusal.value)
    roles.prepare()
    asyncio.run(open_it())


def test_the_command_prints_the_sql_and_takes_only_plain_users() -> None:
    command = [sys.executable, "-m", "amparo_mint.roles", "--user"]
    done = subprocess.run([*command, "mint"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == statements("mint")
    assert "TO mint" in done.stdout
    refused = subprocess.run([*command, 'a"; DROP'], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "mint.bad_configuration" in refused.stderr

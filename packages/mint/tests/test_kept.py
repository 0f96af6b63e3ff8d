"""What the mint keeps: no time, no order, no link, nothing that could be tested without the key; and rows that never change."""

import re
import sqlite3

import asyncpg
import pytest
from packages.mint.tests.conftest import NOON, Town, Wallet

from amparo_cashu.curve import hash_to_curve, show_point
from amparo_common.secret import Secret
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.sqlite_store import MIGRATIONS
from amparo_service.database import Database
from amparo_service.errors import KeyMissing

KEPT = {
    "denomination": ["keyset", "amount", "signed", "spent"],
    "hash_key": ["fingerprint"],
    "issued_1": ["hash", "amount"],
    "keyset": [
        *("number", "id", "unit", "period", "final_expiry", "state"),
        *("issued", "moved", "redeemed", "returned", "claims"),
    ],
    "melt_quote": ["id", "shop", "unit", "amount", "state", "request", "keyset"],
    "mint_quote": ["id", "unit", "amount", "pubkey", "paid", "issued", "keyset"],
    "paid": ["unit", "total"],
    "pending": ["keyset", "hash", "amount", "quote"],
    "progress": ["groups"],
    "spent_1": ["hash"],
}


@pytest.mark.parametrize("table", ["spent_1", "issued_1"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET hash = x'00'",
        "DELETE FROM {table}",
        "REPLACE INTO {table} SELECT * FROM {table}",
        "UPDATE issued_1 SET amount = amount + 1",
    ],
    ids=["update-hash", "delete", "replace", "update-amount"],
)
def test_rows_of_spent_and_issued_tokens_are_never_changed_or_deleted(
    sqlite_town: Town, table: str, statement: str
) -> None:
    wallet = Wallet(sqlite_town)
    (keyset,) = sqlite_town.figures()
    wallet.swap(wallet.receive(keyset, 64), wallet.split(keyset, 64))
    before = sqlite_town.rows(f"SELECT * FROM {table}")
    assert before
    # A connection as the mint's own.
    database = Database(sqlite_town.folder / "mint.sqlite", MIGRATIONS)
    with pytest.raises(sqlite3.IntegrityError, match="recorded once"), database.transaction() as connection:
        connection.execute(statement.format(table=table))
    database.close()
    assert sqlite_town.rows(f"SELECT * FROM {table}") == before


@pytest.mark.parametrize("table", ["fresh_spent_1", "fresh_issued_1", "aside_spent_1", "aside_issued_1"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET hash = gen_random_uuid()", "DELETE FROM {table}"])
def test_rows_of_tokens_in_postgresql_are_never_changed_or_deleted(
    postgres_town: Town, table: str, statement: str
) -> None:
    with pytest.raises(asyncpg.RaiseError, match="recorded once"):
        postgres_town.rows(statement.format(table=table))


@pytest.mark.parametrize("table", ["spent_1", "issued_1"])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {table}",
        "UPDATE {table} SET hashes = hashes[2:]{amounts_too}",
        "UPDATE {table} SET hashes[1] = gen_random_uuid()",
        "UPDATE {table} SET first = gen_random_uuid()",
        "UPDATE {table} SET depth = depth",
        "UPDATE issued_1 SET amounts[1] = 8192",
        # It would stand before tokens that are there.
        "INSERT INTO {table} SELECT hashes[cardinality(hashes)], 1, '{{}}'{none_too} FROM {table} WHERE cardinality(hashes) > 0",
    ],
)
def test_packed_tokens_in_postgresql_are_never_changed_hidden_or_deleted(
    postgres_town: Town, table: str, statement: str
) -> None:
    wallet = Wallet(postgres_town)
    (keyset,) = postgres_town.figures()
    wallet.swap(wallet.receive(keyset, 63), wallet.split(keyset, 63))
    store = postgres_town.store
    assert isinstance(store, PostgresStore)
    postgres_town.run(store.mix)
    before = postgres_town.rows(f"SELECT * FROM {table}")
    assert before != [(bytes(16), 0, [])]
    words = {"amounts_too": ", amounts = amounts[2:]", "none_too": ", '{}'"} if table == "issued_1" else {}
    with pytest.raises(asyncpg.RaiseError, match="recorded once"):
        postgres_town.rows(statement.format(table=table, **({"amounts_too": "", "none_too": ""} | words)))
    assert postgres_town.rows(f"SELECT * FROM {table}") == before


def test_the_tables_hold_no_time_no_order_and_no_link_between_inputs_and_outputs(sqlite_town: Town) -> None:
    rows = sqlite_town.rows
    tables = [name for (name,) in rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    columns = {table: [row[1] for row in rows(f"PRAGMA table_info({table})")] for table in tables}
    assert columns.pop("sqlite_sequence") == ["name", "seq"]
    assert columns == KEPT
    # No hidden row number either, which would count the arrivals.
    for table in KEPT.keys() - {"keyset", "progress"}:
        with pytest.raises(sqlite3.OperationalError, match="no such column"):
            rows(f"SELECT rowid FROM {table}")


def test_the_tables_in_postgresql_are_the_same(postgres_town: Town) -> None:
    found: dict[str, list[str]] = {}
    question = (
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
    )
    for table, column, kind in postgres_town.rows(question):
        found.setdefault(table, []).append(column)
        assert kind in {"smallint", "integer", "bigint", "text", "uuid", "bytea", "ARRAY"}, (table, column)
    assert found.pop("schema_version") == ["version"]
    packed = {"spent_1": ["first", "depth", "hashes"], "issued_1": ["first", "depth", "hashes", "amounts"]}
    loose = {f"{place}_{table}": KEPT[table] for place in ("fresh", "aside") for table in packed}
    assert found == KEPT | packed | loose


def test_the_order_on_the_disk_is_that_of_the_hash_and_not_of_arrival(sqlite_town: Town) -> None:
    town, wallet = sqlite_town, Wallet(sqlite_town)
    (keyset,) = town.figures()
    arrived: list[bytes] = []
    proofs = wallet.swap(wallet.receive(keyset, 40), wallet.blanks(keyset, [1] * 40))
    for proof in proofs:
        wallet.swap([proof], wallet.split(keyset, 1))
        arrived.append(town.hasher.spent(keyset, hash_to_curve(proof.secret.encode()).format()))
    stored = town.hashes("spent")
    mine = [hashed for hashed in stored if hashed in set(arrived)]
    assert sorted(mine) == sorted(arrived)
    assert stored == sorted(stored)
    assert mine != arrived


def test_the_journal_is_emptied_because_it_holds_recent_changes_in_their_order(sqlite_town: Town) -> None:
    wallet = Wallet(sqlite_town)
    (keyset,) = sqlite_town.figures()
    wallet.swap(wallet.receive(keyset, 8), wallet.split(keyset, 8))
    sqlite_town.run(sqlite_town.store.tidy)
    assert (sqlite_town.folder / "mint.sqlite-wal").stat().st_size == 0
    assert len(sqlite_town.hashes("spent")) == 1


def dump(town: Town) -> bytes:
    """Everything the mint has on its disk: its folder without the signer's, and its tables in PostgreSQL."""
    paths = [path for path in town.folder.iterdir() if path.is_file()]
    kept = b"".join(path.read_bytes() for path in paths)
    if town.database != "sqlite":
        tables = town.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        kept += repr([town.rows(f"SELECT x::text FROM {table} AS x") for (table,) in tables]).encode()
    return kept


def test_neither_secrets_nor_points_are_on_the_disk(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    blanks = wallet.split(keyset, 64)
    body = wallet.swap_body(proofs, blanks)
    town.http.post("/v1/swap", content=body)
    quote = wallet.quote(8)
    town.run(town.store.tidy)
    kept = dump(town)
    assert quote.encode() in kept
    point = hash_to_curve(proofs[0].secret.encode())
    for text in (proofs[0].secret, proofs[0].C, blanks[0].output.B_, blanks[0].secret, show_point(point)):
        assert text.encode() not in kept
        assert text[2:].encode() not in kept
        assert bytes.fromhex(text) not in kept
    assert point.format()[1:] not in kept


def test_a_finished_deposit_leaves_no_list_of_its_tokens(town: Town, wallet: Wallet, keyset: str) -> None:
    quote = wallet.deposit_quote(96)
    town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, wallet.receive(keyset, 96)))
    assert town.rows("SELECT hash FROM pending") == []


def test_no_line_of_the_log_says_anything_of_a_request(
    town: Town, wallet: Wallet, keyset: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="amparo")
    proofs = wallet.receive(keyset, 64)
    wallet.swap(proofs, wallet.split(keyset, 64))
    town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(keyset, 64)))
    town.http.post("/v1/swap", content=b'{"inputs": "Maria"}')
    assert "Maria" not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("amparo") and record.levelname != "INFO"]
    assert not re.search(r"[0-9a-f]{16}", caplog.text)
    assert f"{NOON:%H:%M}" not in caplog.text


def test_a_mint_with_another_hash_key_does_not_open_the_database(town: Town, wallet: Wallet, keyset: str) -> None:
    """Under another key no spent token would be known again."""
    wallet.swap(wallet.receive(keyset, 64), wallet.split(keyset, 64))
    town.run(lambda: town.store.bind(town.hasher.fingerprint()))
    other = type(town.hasher)(Secret(b"another key" * 3))
    with pytest.raises(KeyMissing):
        town.run(lambda: town.store.bind(other.fingerprint()))

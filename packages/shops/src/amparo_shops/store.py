"""The shops side's database: shops, claims, settlement runs, beside the ledger."""

import sqlite3

import msgspec

from amparo_common.ids import ShopId
from amparo_common.money import Unit
from amparo_shops import ledger
from amparo_shops.errors import SettlementUnknown, ShopUnknown

_TABLES = (
    "CREATE TABLE shop (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, account TEXT NOT NULL, units TEXT NOT NULL,"
    " access_hash BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE claim (id TEXT NOT NULL PRIMARY KEY, shop TEXT NOT NULL REFERENCES shop, unit TEXT NOT NULL,"
    " amount INTEGER NOT NULL, run TEXT REFERENCES settlement) WITHOUT ROWID;\n"
    "CREATE TABLE settlement (run TEXT NOT NULL PRIMARY KEY, unit TEXT NOT NULL, total INTEGER NOT NULL, file BLOB NOT NULL,"
    " confirmed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;\n" + ledger.SCHEMA
)


# A refusal is kept, so that the same deposit is never booked later: the mint has given its tokens back.
_REFUSALS = "CREATE TABLE refused_deposit (deposit TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;\n"
MIGRATIONS = (_TABLES, _REFUSALS)


class Shop(msgspec.Struct, frozen=True):
    """An accredited shop."""

    id: ShopId
    name: str
    account: str
    units: list[Unit]


class Claim(msgspec.Struct, frozen=True):
    """A shop's request to be paid."""

    id: str
    shop: ShopId
    unit: Unit
    amount: int


class Settlement(msgspec.Struct, frozen=True):
    """A settlement run."""

    run: str
    unit: Unit
    total: int
    file: bytes
    confirmed: bool


def record_shop(connection: sqlite3.Connection, shop: Shop, access_hash: bytes) -> None:
    """Accredit a shop, or change its account, units or access code."""
    connection.execute(
        "INSERT INTO shop (id, name, account, units, access_hash) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " name = excluded.name, account = excluded.account, units = excluded.units, access_hash = excluded.access_hash",
        (shop.id, shop.name, shop.account, " ".join(shop.units), access_hash),
    )


def refuse_deposit(connection: sqlite3.Connection, deposit: str) -> None:
    """Refuse a deposit for good. Safe to repeat."""
    connection.execute("INSERT INTO refused_deposit (deposit) VALUES (?) ON CONFLICT (deposit) DO NOTHING", (deposit,))


def was_refused(connection: sqlite3.Connection, deposit: str) -> bool:
    """Whether a deposit was refused."""
    return connection.execute("SELECT 1 FROM refused_deposit WHERE deposit = ?", (deposit,)).fetchone() is not None


def find_shop(connection: sqlite3.Connection, shop: str) -> Shop:
    """A shop. Raises `ShopUnknown`."""
    row = connection.execute("SELECT id, name, account, units FROM shop WHERE id = ?", (shop,)).fetchone()
    if row is None:
        raise ShopUnknown("There is no such shop.")
    return Shop(row[0], row[1], row[2], row[3].split())


def shop_of_access(connection: sqlite3.Connection, access_hash: bytes) -> Shop | None:
    """The shop that an access code belongs to."""
    row = connection.execute("SELECT id FROM shop WHERE access_hash = ?", (access_hash,)).fetchone()
    return None if row is None else find_shop(connection, row[0])


def find_claim(connection: sqlite3.Connection, claim: str) -> Claim | None:
    """A claim by its number."""
    row = connection.execute("SELECT id, shop, unit, amount FROM claim WHERE id = ?", (claim,)).fetchone()
    return None if row is None else Claim(*row)


def open_claims(connection: sqlite3.Connection, unit: Unit) -> list[Claim]:
    """Claims that no run has taken up."""
    rows = connection.execute(
        "SELECT id, shop, unit, amount FROM claim WHERE run IS NULL AND unit = ? ORDER BY shop, id", (unit,)
    ).fetchall()
    return [Claim(*row) for row in rows]


def open_total(connection: sqlite3.Connection, shop: ShopId, unit: Unit) -> int:
    """What a shop has asked for and no run has taken up."""
    (total,) = connection.execute(
        "SELECT coalesce(sum(amount), 0) FROM claim WHERE run IS NULL AND shop = ? AND unit = ?", (shop, unit)
    ).fetchone()
    return int(total)


def find_settlement(connection: sqlite3.Connection, run: str) -> Settlement:
    """A settlement run. Raises `SettlementUnknown`."""
    row = connection.execute(
        "SELECT run, unit, total, file, confirmed FROM settlement WHERE run = ?", (run,)
    ).fetchone()
    if row is None:
        raise SettlementUnknown("There is no such settlement run.")
    return Settlement(row[0], row[1], row[2], bytes(row[3]), bool(row[4]))


def has_settlement(connection: sqlite3.Connection, run: str) -> bool:
    """Whether this run was made."""
    return connection.execute("SELECT 1 FROM settlement WHERE run = ?", (run,)).fetchone() is not None

"""The SQL of the mint's SQLite file for tokens and quotes: a group of changes inside one transaction, and what else is asked of
them.

Which changes are carried out is decided elsewhere (`deciding`), the same for every database. Not here: the file, its threads, its
tables and what is done to a whole keyset (`sqlite_store`).
"""

import sqlite3
from collections.abc import Iterable, Sequence

from amparo_cashu.spent_filter import ITEM_BYTES
from amparo_common.ids import DepositId, QuoteId
from amparo_common.money import Unit
from amparo_mint.deciding import Known, Outcome, Place, Writes, decide, sought
from amparo_mint.model import DONE, Change, MeltQuoteRow, MintQuoteRow, TokenState

_MINT_QUOTE = "id, unit, amount, pubkey, paid, issued, keyset"
MELT_QUOTE = "id, shop, unit, amount, state, request, keyset"


def carry_out_new(connection: sqlite3.Connection, group: Sequence[Change]) -> list[Outcome] | None:
    """Carry out swaps of tokens and outputs that are all new. None, and nothing is written, when one of them may not be; raises
    `sqlite3.IntegrityError` when the database finds that out."""
    known = Known(pending=_pending(connection, sought(group).spend))
    outcomes, writes = decide(group, known)
    if any(outcome is not DONE for outcome in outcomes):
        return None
    _write(connection, writes)
    return outcomes


def carry_out(connection: sqlite3.Connection, group: Sequence[Change]) -> list[Outcome]:
    """Carry out what the database allows of a group: what came of each change, in their order."""
    outcomes, writes = decide(group, _look_up(connection, group))
    _write(connection, writes)
    return outcomes


def _write(connection: sqlite3.Connection, writes: Writes) -> None:
    connection.execute("UPDATE progress SET groups = groups + 1")
    _write_tokens(connection, writes)
    _write_quotes(connection, writes)
    connection.executemany(
        "UPDATE keyset SET issued = issued + ?, moved = moved + ?, redeemed = redeemed + ?, claims = claims + ?"
        " WHERE number = ?",
        [(sums.issued, sums.moved, sums.redeemed, sums.claims, number) for number, sums in writes.keysets.items()],
    )


def _look_up(connection: sqlite3.Connection, group: Sequence[Change]) -> Known:
    asked = sought(group)
    return Known(
        spent=_spent(connection, asked.spend),
        pending=_pending(connection, asked.spend),
        issued=_signed(connection, asked.issue),
        mint_quotes=mint_quotes(connection, asked.mint_quotes),
        melt_quotes=melt_quotes(connection, asked.melt_quotes),
        paid=paid(connection, asked.units),
    )


def _spent(connection: sqlite3.Connection, places: Iterable[Place]) -> set[Place]:
    """Those of the places that are spent."""
    found: set[Place] = set()
    for number, hashes in _by_keyset(places).items():
        question = f"SELECT hash FROM spent_{number} WHERE hash IN ({marks(hashes)})"
        found.update((number, bytes(row[0])) for row in connection.execute(question, hashes))
    return found


def spent_items(connection: sqlite3.Connection, keyset: int, most: int) -> bytearray:
    """The first `most` items of a keyset for its filter."""
    # The table is in the order of its hashes, and a hash begins with the item.
    items = bytearray()
    for (hashed,) in connection.execute(f"SELECT hash FROM spent_{keyset} ORDER BY hash LIMIT ?", (most,)):
        items += hashed[:ITEM_BYTES]
    return items


def _signed(connection: sqlite3.Connection, places: Iterable[Place]) -> dict[Place, int]:
    """Those of the places that are signed, with the amount that each was signed for."""
    found: dict[Place, int] = {}
    for number, hashes in _by_keyset(places).items():
        question = f"SELECT hash, amount FROM issued_{number} WHERE hash IN ({marks(hashes)})"
        found.update({(number, bytes(row[0])): int(row[1]) for row in connection.execute(question, hashes)})
    return found


def _pending(connection: sqlite3.Connection, places: Iterable[Place]) -> set[Place]:
    if connection.execute("SELECT 1 FROM pending LIMIT 1").fetchone() is None:
        return set()
    found: set[Place] = set()
    for number, hashes in _by_keyset(places).items():
        question = f"SELECT hash FROM pending WHERE keyset = {number} AND hash IN ({marks(hashes)})"
        found.update((number, bytes(row[0])) for row in connection.execute(question, hashes))
    return found


def _by_keyset(places: Iterable[Place]) -> dict[int, list[bytes]]:
    grouped: dict[int, list[bytes]] = {}
    for number, hashed in places:
        grouped.setdefault(number, []).append(hashed)
    for hashes in grouped.values():
        # Filled up to a power of two, so that SQLite meets few different questions and keeps them prepared.
        hashes += hashes[-1:] * ((1 << (len(hashes) - 1).bit_length()) - len(hashes))
    return grouped


def marks(values: Sequence[object]) -> str:
    """A question mark for each value."""
    return ",".join("?" * len(values))


def _write_tokens(connection: sqlite3.Connection, writes: Writes) -> None:
    for entry_table, rows in _rows_by_table(writes).items():
        connection.executemany(f"INSERT INTO {entry_table} VALUES ({marks(rows[0])})", sorted(rows))
    connection.executemany(
        "UPDATE denomination SET signed = signed + ?, spent = spent + ? WHERE keyset = ? AND amount = ?",
        [(signed, spent, *place) for place, (signed, spent) in writes.denominations().items()],
    )


def _rows_by_table(writes: Writes) -> dict[str, list[tuple[object, ...]]]:
    tables: dict[str, list[tuple[object, ...]]] = {}
    for entry in writes.spent:
        tables.setdefault(f"spent_{entry.keyset}", []).append((entry.hash,))
    for entry in writes.issued:
        tables.setdefault(f"issued_{entry.keyset}", []).append((entry.hash, entry.amount))
    return tables


def _write_quotes(connection: sqlite3.Connection, writes: Writes) -> None:
    connection.executemany(
        f"INSERT INTO mint_quote ({_MINT_QUOTE}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(q.id, q.unit, q.amount, q.pubkey, q.paid, q.issued, q.keyset) for q in writes.new_mint_quotes],
    )
    connection.executemany(
        f"INSERT INTO melt_quote ({MELT_QUOTE}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(q.id, q.shop, q.unit, q.amount, q.state, q.request, q.keyset) for q in writes.new_melt_quotes],
    )
    connection.executemany(
        "UPDATE mint_quote SET paid = ?, issued = ?, keyset = ? WHERE id = ?",
        [(q.paid, q.issued, q.keyset, q.id) for q in writes.mint_quotes.values()],
    )
    connection.executemany(
        "UPDATE melt_quote SET state = ?, request = ?, keyset = ? WHERE id = ?",
        [(q.state, q.request, q.keyset, q.id) for q in writes.melt_quotes.values()],
    )
    connection.executemany(
        "INSERT INTO pending (keyset, hash, amount, quote) VALUES (?, ?, ?, ?)",
        [(entry.keyset, entry.hash, entry.amount, quote) for entry, quote in writes.pending],
    )
    connection.executemany(
        "INSERT INTO paid (unit, total) VALUES (?, ?) ON CONFLICT (unit) DO UPDATE SET total = excluded.total",
        list(writes.paid.items()),
    )


def mint_quotes(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, MintQuoteRow]:
    """The quotes for aid that exist among these."""
    question = f"SELECT {_MINT_QUOTE} FROM mint_quote WHERE id = ?"
    rows = [connection.execute(question, (each,)).fetchone() for each in ids]
    return {row[0]: MintQuoteRow(QuoteId(row[0]), Unit(row[1]), *row[2:]) for row in rows if row is not None}


def melt_quotes(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, MeltQuoteRow]:
    """The quotes for deposits that exist among these."""
    question = f"SELECT {MELT_QUOTE} FROM melt_quote WHERE id = ?"
    rows = [connection.execute(question, (each,)).fetchone() for each in ids]
    return {row[0]: melt_quote(row) for row in rows if row is not None}


def melt_quote(row: tuple[str, str, str, int, str, bytes, int]) -> MeltQuoteRow:
    """A row of `MELT_QUOTE`."""
    quote, shop, unit, amount, state, request, keyset = row
    return MeltQuoteRow(DepositId(quote), shop, Unit(unit), amount, state, bytes(request), keyset)  # type: ignore[arg-type] # the column holds no other


def token_states(connection: sqlite3.Connection, places: Sequence[Place]) -> list[TokenState]:
    """How each of these tokens stands."""
    spent, pending = _spent(connection, places), _pending(connection, places)
    return ["SPENT" if place in spent else "PENDING" if place in pending else "UNSPENT" for place in places]


def signed_amounts(connection: sqlite3.Connection, places: Sequence[Place]) -> list[int | None]:
    """The amount that each of these outputs was signed for; None: not signed."""
    found = _signed(connection, places)
    return [found.get(place) for place in places]


def paid(connection: sqlite3.Connection, units: Iterable[Unit]) -> dict[Unit, int]:
    """What the office has paid for in these units."""
    rows = [(unit, connection.execute("SELECT total FROM paid WHERE unit = ?", (unit,)).fetchone()) for unit in units]
    return {unit: int(row[0]) for unit, row in rows if row is not None}

"""The purse's database: seeds, counters, coins and the journal of requests whose answer has not come yet.

A coin is `ready` (can be paid), `busy …` (in a request of the journal), `held` (locked to one shop, for paying offline), `given`
(handed over, until it is known to have arrived), `found` (restored from a code, not yet exchanged) or `ended` (its keyset is
over). One file may hold many purses (a family's, or a demo's); each sees only its own.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from amparo_cashu.outputs import OutputPlan
from amparo_cashu.wire import Dleq, Proof
from amparo_purse.errors import CoinsBusy

SCHEMA = (
    "CREATE TABLE purse (name TEXT NOT NULL PRIMARY KEY, seed BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE counter (purse TEXT NOT NULL, keyset TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (purse, keyset))"
    " WITHOUT ROWID;\n"
    "CREATE TABLE coin (purse TEXT NOT NULL, secret TEXT NOT NULL, unit TEXT NOT NULL, keyset TEXT NOT NULL,"
    " amount INTEGER NOT NULL, signature TEXT NOT NULL, dleq BLOB, state TEXT NOT NULL, label TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (purse, secret)) WITHOUT ROWID;\n"
    "CREATE INDEX coin_state ON coin (purse, state, unit);\n"
    "CREATE TABLE journal (number INTEGER PRIMARY KEY, purse TEXT NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL,"
    " plan BLOB, unit TEXT NOT NULL, spends TEXT NOT NULL, states TEXT NOT NULL,"
    " label TEXT NOT NULL)"
)
# Tables that came later. They are made when a purse is opened, so that a file of any age has them.
LATER = (
    "CREATE TABLE IF NOT EXISTS recovery (purse TEXT NOT NULL PRIMARY KEY, entropy BLOB NOT NULL,"
    " tested INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS rest (purse TEXT NOT NULL, unit TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (purse, unit))"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS resting (purse TEXT NOT NULL, secret TEXT NOT NULL, until INTEGER NOT NULL,"
    " PRIMARY KEY (purse, secret)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS restoring (purse TEXT NOT NULL PRIMARY KEY, seed BLOB NOT NULL, gap INTEGER NOT NULL,"
    " searched INTEGER NOT NULL DEFAULT 0, found INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS restore_keyset (purse TEXT NOT NULL, keyset TEXT NOT NULL, reached INTEGER NOT NULL,"
    " highest INTEGER NOT NULL, PRIMARY KEY (purse, keyset)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS restore_chunk (number INTEGER PRIMARY KEY, purse TEXT NOT NULL, keyset TEXT NOT NULL,"
    " counters TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused_claim (purse TEXT NOT NULL, quote TEXT NOT NULL, plan BLOB NOT NULL,"
    " PRIMARY KEY (purse, quote)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS access (purse TEXT NOT NULL, token TEXT NOT NULL, PRIMARY KEY (purse, token)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS access_asked (purse TEXT NOT NULL PRIMARY KEY, plan BLOB NOT NULL, seed BLOB NOT NULL)"
    " WITHOUT ROWID",
)
_TABLES_OF_A_PURSE = (
    "counter",
    "coin",
    "journal",
    "recovery",
    "rest",
    "resting",
    "restoring",
    "restore_keyset",
    "restore_chunk",
    "refused_claim",
    "access",
    "access_asked",
)
# Labels of coins that a restoring has found, by what is known of them.
UNASKED, UNSPENT, SPENT = "found: unasked", "found: unspent", "found: spent"


class JournalRow(msgspec.Struct, frozen=True):
    """A request that was sent or is about to be. `spends` are the secrets of its inputs that this purse holds; `states` are
    the states its new coins will have; `label` is that of the held ones, or of a claim its two moments (`write_rest`)."""

    number: int
    path: str
    body: bytes
    plan: OutputPlan | None
    unit: str
    spends: list[str]
    states: list[str]
    label: str


def open_purse(connection: sqlite3.Connection, purse: str, *, seed: bytes, entropy: bytes) -> bytes:
    """The seed of a purse; one that is not there yet is made with this seed and the entropy that leads to it."""
    _complete(connection)
    made = connection.execute(
        "INSERT INTO purse (name, seed) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (purse, seed)
    ).rowcount
    if made:
        connection.execute("INSERT INTO recovery (purse, entropy) VALUES (?, ?)", (purse, entropy))
    return read_seed(connection, purse)


def _complete(connection: sqlite3.Connection) -> None:
    for statement in LATER:
        connection.execute(statement)


def forget_purse(connection: sqlite3.Connection, purse: str) -> None:
    """Leave no row of a purse, as if it had never been. What it holds is lost to this device."""
    _complete(connection)
    connection.execute("DELETE FROM purse WHERE name = ?", (purse,))
    for table in _TABLES_OF_A_PURSE:
        connection.execute(f"DELETE FROM {table} WHERE purse = ?", (purse,))


def read_seed(connection: sqlite3.Connection, purse: str) -> bytes:
    """The seed of a purse."""
    (found,) = connection.execute("SELECT seed FROM purse WHERE name = ?", (purse,)).fetchone()
    return bytes(found)


def is_used(connection: sqlite3.Connection, purse: str) -> bool:
    """Whether anything was ever made from the purse's seed."""
    return any(
        connection.execute(f"SELECT 1 FROM {table} WHERE purse = ? LIMIT 1", (purse,)).fetchone() is not None
        for table in ("counter", "coin", "journal", "restoring")
    )


def change_seed(connection: sqlite3.Connection, purse: str, *, seed: bytes, entropy: bytes) -> None:
    """Give an unused purse another seed; its code is known to be on paper."""
    connection.execute("UPDATE purse SET seed = ? WHERE name = ?", (seed, purse))
    connection.execute(
        "INSERT INTO recovery (purse, entropy, tested) VALUES (?, ?, 1)"
        " ON CONFLICT (purse) DO UPDATE SET entropy = excluded.entropy, tested = 1",
        (purse, entropy),
    )


def recovery(connection: sqlite3.Connection, purse: str) -> tuple[bytes, bool] | None:
    """The entropy behind the purse's code and whether the code was read back once; None for a purse without a code."""
    row = connection.execute("SELECT entropy, tested FROM recovery WHERE purse = ?", (purse,)).fetchone()
    return None if row is None else (bytes(row[0]), bool(row[1]))


def mark_tested(connection: sqlite3.Connection, purse: str) -> None:
    """The code was read back."""
    connection.execute("UPDATE recovery SET tested = 1 WHERE purse = ?", (purse,))


def next_counter(connection: sqlite3.Connection, purse: str, keyset: str, count: int) -> int:
    """Take `count` numbers of a keyset; they are never given out again."""
    first = counter(connection, purse, keyset)
    skip_to(connection, purse, keyset, first + count)
    return first


def counter(connection: sqlite3.Connection, purse: str, keyset: str) -> int:
    """The next number of a keyset that was never given out."""
    row = connection.execute("SELECT next FROM counter WHERE purse = ? AND keyset = ?", (purse, keyset)).fetchone()
    return 0 if row is None else int(row[0])


def skip_to(connection: sqlite3.Connection, purse: str, keyset: str, number: int) -> None:
    """Give out no number of a keyset below this one any more."""
    connection.execute(
        "INSERT INTO counter (purse, keyset, next) VALUES (?, ?, ?)"
        " ON CONFLICT (purse, keyset) DO UPDATE SET next = max(next, excluded.next)",
        (purse, keyset, number),
    )


def coins(connection: sqlite3.Connection, purse: str, unit: str, state: str, label: str = "") -> list[Proof]:
    """The coins of a unit in a state, largest first."""
    rows = connection.execute(
        "SELECT secret, keyset, amount, signature, dleq FROM coin WHERE purse = ? AND state = ? AND unit = ? AND label = ?"
        " ORDER BY amount DESC, secret",
        (purse, state, unit, label),
    ).fetchall()
    return [_proof(row) for row in rows]


def labelled(connection: sqlite3.Connection, purse: str, unit: str, state: str) -> list[tuple[Proof, str]]:
    """All coins of a unit in a state, each with its label, largest first."""
    rows = connection.execute(
        "SELECT secret, keyset, amount, signature, dleq, label FROM coin WHERE purse = ? AND state = ? AND unit = ?"
        " ORDER BY amount DESC, secret",
        (purse, state, unit),
    ).fetchall()
    return [(_proof(row[:5]), str(row[5])) for row in rows]


def states(connection: sqlite3.Connection, purse: str) -> dict[str, str]:
    """The state of every coin, by its secret."""
    rows = connection.execute("SELECT secret, state FROM coin WHERE purse = ?", (purse,)).fetchall()
    return {str(secret): str(state) for secret, state in rows}


def total(connection: sqlite3.Connection, purse: str, unit: str, state: str, label: str = "") -> int:
    """The sum of the coins of a unit in a state."""
    (found,) = connection.execute(
        "SELECT coalesce(sum(amount), 0) FROM coin WHERE purse = ? AND state = ? AND unit = ? AND label = ?",
        (purse, state, unit, label),
    ).fetchone()
    return int(found)


def found_coins(connection: sqlite3.Connection, purse: str, label: str) -> list[tuple[Proof, str]]:
    """Coins of all units that a restoring has found and of which this is known, each with its unit."""
    rows = connection.execute(
        "SELECT secret, keyset, amount, signature, dleq, unit FROM coin WHERE purse = ? AND state = 'found' AND label = ?"
        " ORDER BY secret",
        (purse, label),
    ).fetchall()
    return [(_proof(row[:5]), str(row[5])) for row in rows]


def _proof(row: tuple[str, str, int, str, bytes | None]) -> Proof:
    dleq = None if row[4] is None else msgspec.json.decode(row[4], type=Dleq)
    return Proof(amount=row[2], id=row[1], secret=row[0], C=row[3], dleq=dleq)


def add_coin(connection: sqlite3.Connection, purse: str, proof: Proof, *, unit: str, state: str, label: str) -> bool:
    """Put a coin into the purse; one that is there already stays as it is. Whether it is new."""
    dleq = None if proof.dleq is None else msgspec.json.encode(proof.dleq)
    added = connection.execute(
        "INSERT INTO coin (purse, secret, unit, keyset, amount, signature, dleq, state, label)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (purse, secret) DO NOTHING",
        (purse, proof.secret, unit, proof.id, proof.amount, proof.C, dleq, state, label),
    )
    return added.rowcount == 1


def set_state(connection: sqlite3.Connection, purse: str, secrets: Sequence[str], state: str) -> None:
    """Move coins to another state."""
    connection.executemany(
        "UPDATE coin SET state = ? WHERE purse = ? AND secret = ?", [(state, purse, secret) for secret in secrets]
    )


def give(connection: sqlite3.Connection, purse: str, secrets: Sequence[str]) -> None:
    """These coins are handed over. Raises `CoinsBusy` when one is not free any more."""
    _change_free(connection, purse, secrets, "state = 'given'", "state != 'given'")


def engage(connection: sqlite3.Connection, purse: str, secrets: Sequence[str], *, given: bool) -> None:
    """These coins are in a request of the journal now; the state they had is remembered behind the word `busy`. Raises
    `CoinsBusy` when one is not free any more: in another request, or handed over since it was chosen, unless it is to be
    brought back (`given`)."""
    _change_free(connection, purse, secrets, "state = 'busy ' || state", "TRUE" if given else "state != 'given'")


def _change_free(connection: sqlite3.Connection, purse: str, secrets: Sequence[str], change: str, only: str) -> None:
    changed = connection.executemany(
        f"UPDATE coin SET {change} WHERE purse = ? AND secret = ? AND state NOT LIKE 'busy%' AND {only}",
        [(purse, secret) for secret in secrets],
    ).rowcount
    if secrets and changed != len(secrets):
        raise CoinsBusy("A coin is in another request, or was handed over.")


def end(connection: sqlite3.Connection, purse: str, secrets: Sequence[str]) -> None:
    """The keyset of these coins is over."""
    connection.executemany(
        "UPDATE coin SET state = 'ended', label = '' WHERE purse = ? AND secret = ?",
        [(purse, each) for each in secrets],
    )


def set_label(connection: sqlite3.Connection, purse: str, secret: str, label: str) -> None:
    """Put a coin under another label."""
    connection.execute("UPDATE coin SET label = ? WHERE purse = ? AND secret = ?", (label, purse, secret))


def release(connection: sqlite3.Connection, purse: str, secrets: Sequence[str]) -> None:
    """Coins of a request that was refused: as they were before it."""
    connection.executemany(
        # A plain `busy` was written by an earlier version: the label says what it was.
        "UPDATE coin SET state = CASE WHEN state LIKE 'busy %' THEN substr(state, 6) WHEN label = '' THEN 'ready'"
        " ELSE 'held' END WHERE purse = ? AND secret = ? AND state LIKE 'busy%'",
        [(purse, secret) for secret in secrets],
    )


def drop(connection: sqlite3.Connection, purse: str, secrets: Sequence[str]) -> None:
    """Forget coins: they are spent, and a purse keeps no history of what was bought."""
    rows = [(purse, secret) for secret in secrets]
    connection.executemany("DELETE FROM coin WHERE purse = ? AND secret = ?", rows)
    connection.executemany("DELETE FROM resting WHERE purse = ? AND secret = ?", rows)


def write_journal(connection: sqlite3.Connection, purse: str, row: JournalRow) -> int:
    """Write a request down before it is sent; returns its number."""
    plan = None if row.plan is None else msgspec.json.encode(row.plan)
    number = connection.execute(
        "INSERT INTO journal (purse, path, body, plan, unit, spends, states, label) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            purse,
            row.path,
            row.body,
            plan,
            row.unit,
            msgspec.json.encode(row.spends).decode(),
            msgspec.json.encode(row.states).decode(),
            row.label,
        ),
    ).lastrowid
    return int(number or 0)


def journal(connection: sqlite3.Connection, purse: str) -> list[JournalRow]:
    """What waits for its answer, oldest first."""
    rows = connection.execute(
        "SELECT number, path, body, plan, unit, spends, states, label FROM journal WHERE purse = ? ORDER BY number",
        (purse,),
    ).fetchall()
    return [
        JournalRow(
            number=row[0],
            path=row[1],
            body=bytes(row[2]),
            plan=None if row[3] is None else msgspec.json.decode(row[3], type=OutputPlan),
            unit=row[4],
            spends=msgspec.json.decode(row[5]),
            states=msgspec.json.decode(row[6]),
            label=row[7],
        )
        for row in rows
    ]


def strike(connection: sqlite3.Connection, number: int) -> None:
    """The answer has come: take the request out of the journal."""
    connection.execute("DELETE FROM journal WHERE number = ?", (number,))


def keep_refused(connection: sqlite3.Connection, purse: str, quote: str, plan: OutputPlan) -> None:
    """The outputs of a claim that was refused, for its next try."""
    connection.execute(
        "INSERT INTO refused_claim (purse, quote, plan) VALUES (?, ?, ?)"
        " ON CONFLICT (purse, quote) DO UPDATE SET plan = excluded.plan",
        (purse, quote, msgspec.json.encode(plan)),
    )


def refused(connection: sqlite3.Connection, purse: str, quote: str) -> OutputPlan | None:
    """The outputs of this quote's last claim, if that was refused."""
    row = connection.execute("SELECT plan FROM refused_claim WHERE purse = ? AND quote = ?", (purse, quote)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=OutputPlan)


def drop_refused(connection: sqlite3.Connection, purse: str, quote: str) -> None:
    """The quote was claimed."""
    connection.execute("DELETE FROM refused_claim WHERE purse = ? AND quote = ?", (purse, quote))


# --- resting after a claim -----------------------------------------------------------------------------------------------

JUST_CLAIMED = 0
# Instead of a unit: until when nothing is claimed, because coins of the purse were exchanged.
EXCHANGED = ""


def write_rest(pay_from: int, quiet_until: int) -> str:
    """The two moments of a claim (unix time), as they stand in the journal."""
    return f"{pay_from} {quiet_until}"


def read_rest(label: str) -> tuple[int, int]:
    """The two moments of a claim; an earlier version wrote none."""
    if not label:
        return 0, JUST_CLAIMED
    pay_from, _, quiet_until = label.partition(" ")
    return int(pay_from), int(quiet_until)


def let_rest(connection: sqlite3.Connection, purse: str, secrets: Sequence[str], until: int) -> None:
    """These coins are not handed over before a moment in unix time."""
    connection.executemany(
        "INSERT INTO resting (purse, secret, until) VALUES (?, ?, ?)"
        " ON CONFLICT (purse, secret) DO UPDATE SET until = excluded.until",
        [(purse, secret, until) for secret in secrets],
    )


def rest_of(connection: sqlite3.Connection, purse: str, secrets: Sequence[str]) -> int:
    """The latest moment (unix time) of these coins; 0 when none of them rests."""
    (found,) = connection.execute(
        "SELECT coalesce(max(until), 0) FROM resting WHERE purse = ? AND secret IN (SELECT value FROM json_each(?))",
        (purse, msgspec.json.encode(list(secrets)).decode()),
    ).fetchone()
    return int(found)


def resting(connection: sqlite3.Connection, purse: str, now: int) -> dict[str, int]:
    """The secrets of coins that are not handed over yet at `now`, each with its moment (unix time)."""
    rows = connection.execute(
        "SELECT secret, until FROM resting WHERE purse = ? AND until > ?", (purse, now)
    ).fetchall()
    return {str(secret): int(until) for secret, until in rows}


def quiet_until(connection: sqlite3.Connection, purse: str) -> int:
    """Until when (unix time) no coin of any unit is exchanged, because of a claim; 0: there was none."""
    (found,) = connection.execute(
        "SELECT coalesce(max(until), 0) FROM rest WHERE purse = ? AND unit <> ?", (purse, EXCHANGED)
    ).fetchone()
    return int(found)


def rest(connection: sqlite3.Connection, purse: str, unit: str) -> int | None:
    """Until when (unix time) nothing of a unit is to be exchanged; `JUST_CLAIMED` when that is not decided yet; None: there
    was no claim."""
    row = connection.execute("SELECT until FROM rest WHERE purse = ? AND unit = ?", (purse, unit)).fetchone()
    return None if row is None else int(row[0])


def set_rest(connection: sqlite3.Connection, purse: str, unit: str, until: int) -> None:
    """Let a unit rest until a moment in unix time, and no shorter than it was to rest before."""
    connection.execute(
        "INSERT INTO rest (purse, unit, until) VALUES (?, ?, ?) ON CONFLICT (purse, unit)"
        " DO UPDATE SET until = iif(excluded.until = 0, 0, max(until, excluded.until))",
        (purse, unit, until),
    )


# --- restoring from a code -----------------------------------------------------------------------------------------------


class Restoring(msgspec.Struct, frozen=True):
    """A restoring that has begun: from which seed, how many unused numbers end a search, whether every number was asked for,
    and what was found so far."""

    seed: bytes
    gap: int
    searched: bool
    found: int
    spent: int


class Searched(msgspec.Struct, frozen=True):
    """How far a keyset was searched: numbers below `reached` are asked or about to be; `highest` was signed (-1: none)."""

    keyset: str
    reached: int
    highest: int


class Chunk(msgspec.Struct, frozen=True):
    """The numbers of a keyset that one request asks for."""

    number: int
    keyset: str
    counters: list[int]


def restoring(connection: sqlite3.Connection, purse: str) -> Restoring | None:
    """The restoring of a purse that has begun and is not finished."""
    row = connection.execute(
        "SELECT seed, gap, searched, found, spent FROM restoring WHERE purse = ?", (purse,)
    ).fetchone()
    return None if row is None else Restoring(bytes(row[0]), row[1], bool(row[2]), row[3], row[4])


def begin_restoring(connection: sqlite3.Connection, purse: str, *, seed: bytes, gap: int) -> None:
    """Write down that a restoring has begun."""
    connection.execute("INSERT INTO restoring (purse, seed, gap) VALUES (?, ?, ?)", (purse, seed, gap))


def mark_searched(connection: sqlite3.Connection, purse: str) -> None:
    """Every number was asked for."""
    connection.execute("UPDATE restoring SET searched = 1 WHERE purse = ?", (purse,))


def count_found(connection: sqlite3.Connection, purse: str, *, found: int = 0, spent: int = 0) -> None:
    """Add to what a restoring has found, and found spent, in minor units of all units."""
    connection.execute(
        "UPDATE restoring SET found = found + ?, spent = spent + ? WHERE purse = ?", (found, spent, purse)
    )


def searched(connection: sqlite3.Connection, purse: str) -> list[Searched]:
    """How far each keyset was searched."""
    rows = connection.execute(
        "SELECT keyset, reached, highest FROM restore_keyset WHERE purse = ? ORDER BY keyset", (purse,)
    ).fetchall()
    return [Searched(*row) for row in rows]


def set_searched(connection: sqlite3.Connection, purse: str, place: Searched) -> None:
    """Write down how far a keyset was searched."""
    connection.execute(
        "INSERT INTO restore_keyset (purse, keyset, reached, highest) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (purse, keyset) DO UPDATE SET reached = max(reached, excluded.reached),"
        " highest = max(highest, excluded.highest)",
        (purse, place.keyset, place.reached, place.highest),
    )


def add_chunk(connection: sqlite3.Connection, purse: str, keyset: str, counters: list[int]) -> None:
    """Write down what one request will ask for."""
    connection.execute(
        "INSERT INTO restore_chunk (purse, keyset, counters) VALUES (?, ?, ?)",
        (purse, keyset, msgspec.json.encode(counters).decode()),
    )


def chunks(connection: sqlite3.Connection, purse: str) -> list[Chunk]:
    """The requests that are not answered yet."""
    rows = connection.execute(
        "SELECT number, keyset, counters FROM restore_chunk WHERE purse = ? ORDER BY number", (purse,)
    ).fetchall()
    return [Chunk(row[0], row[1], msgspec.json.decode(row[2])) for row in rows]


def drop_chunk(connection: sqlite3.Connection, number: int) -> None:
    """A request was answered."""
    connection.execute("DELETE FROM restore_chunk WHERE number = ?", (number,))


def end_restoring(connection: sqlite3.Connection, purse: str) -> None:
    """Forget a finished restoring, and the seed it was from."""
    for table in ("restoring", "restore_keyset", "restore_chunk"):
        connection.execute(f"DELETE FROM {table} WHERE purse = ?", (purse,))

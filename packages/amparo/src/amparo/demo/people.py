"""The town's households as people: their wallets, their voucher sheets, what they mean to buy.

Everything here is on the people's own side, in a file that no service can see. A purchase is written down before it happens
and its code in the same commit that takes the coins out of the wallet, so that a crash loses no coin and buys nothing twice.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from amparo.demo.story import Stage
from amparo_log.follow import LogFollower
from amparo_log.view import LogView
from amparo_office.mapping import read_mapping
from amparo_office.programmes import defined_in, needs_of
from amparo_office.tables import read_table
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_wallet import wallet as wallet_module
from amparo_wallet.wallet import Wallet

T = TypeVar("T")
WORKERS = 4

SCHEMA = (
    wallet_module.SCHEMA + ";\n"
    "CREATE TABLE home (ref TEXT NOT NULL PRIMARY KEY, phone INTEGER NOT NULL, language TEXT NOT NULL,"
    " enrolled INTEGER NOT NULL DEFAULT 0, claimed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;\n"
    "CREATE TABLE voucher (code TEXT NOT NULL PRIMARY KEY, home TEXT NOT NULL REFERENCES home, unit TEXT NOT NULL,"
    " amount INTEGER NOT NULL, purchase INTEGER) WITHOUT ROWID;\n"
    "CREATE TABLE purchase (number INTEGER PRIMARY KEY, home TEXT NOT NULL REFERENCES home, unit TEXT NOT NULL,"
    " amount INTEGER NOT NULL, shop INTEGER NOT NULL, day INTEGER NOT NULL, mode TEXT NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'planned', code TEXT, place INTEGER);\n"
    "CREATE INDEX purchase_place ON purchase (place)"
)


class Home(msgspec.Struct, frozen=True):
    """A household as the demo plays it."""

    ref: str
    phone: bool
    language: str


class People:
    """All households of the town."""

    def __init__(self, stage: Stage) -> None:
        folder = stage.folder.root / "people"
        folder.mkdir(exist_ok=True, mode=0o700)
        installation = stage.installation
        self.database = Database(folder / "people.sqlite", [SCHEMA])
        self.log: LogFollower = installation.follower(folder / "log-seen")
        self.log.refresh()
        self._office = Client(installation.services.url("office"), patience=30)
        self._mint = Client(installation.services.url("mint"), patience=30)
        self._vkey = installation.services.vkey
        self._clock = stage.clock

    def wallet(self, ref: str) -> Wallet:
        """A household's wallet (for a household without a phone: the printing desk's, for the length of a print)."""
        return Wallet(
            self.database,
            ref,
            office=self._office,
            mint=self._mint,
            log=self.log,
            vkey=self._vkey,
            clock=self._clock,
        )

    @property
    def mint_url(self) -> str:
        """Where tokens come from."""
        return self._mint.base

    def move_in(self, homes: list[Home]) -> None:
        """Make the households known to the demo. Safe to repeat."""
        with self.database.transaction() as connection:
            connection.executemany(
                "INSERT INTO home (ref, phone, language) VALUES (?, ?, ?) ON CONFLICT (ref) DO NOTHING",
                [(home.ref, int(home.phone), home.language) for home in homes],
            )

    def homes(self, condition: str = "1") -> list[Home]:
        """The households, or those for which a condition on the table `home` holds."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT ref, phone, language FROM home WHERE {condition} ORDER BY ref"
            ).fetchall()
        return [Home(ref, bool(phone), language) for ref, phone, language in rows]

    def mark(self, ref: str, column: str) -> None:
        """Remember that a household is through a step."""
        with self.database.transaction() as connection:
            connection.execute(f"UPDATE home SET {column} = 1 WHERE ref = ?", (ref,))

    def rows(self, question: str, *values: object) -> list[Any]:
        """Rows of the people's own file."""
        with self.database.reading() as connection:
            return connection.execute(question, values).fetchall()


def in_parallel(work: Sequence[T], do: Callable[[T], None], stage: Stage, *, already: int = 0) -> None:
    """Do every piece of work in a few threads, with progress; the first error ends it."""
    stage.progress(already, len(work) + already)
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, _ in enumerate(pool.map(do, work), start=already + 1):
            stage.progress(done, len(work) + already)


def read_homes(stage: Stage, view: LogView) -> list[Home]:
    """The households of the source: whether they have a phone, and the language of the person named first."""
    source = stage.source
    needed = needs_of(view, stage.clock.now()).needed
    mapping = read_mapping(source.mapping, needed=needed, defined=defined_in(view))
    person, ref = mapping.text.individual, mapping.text.household.ref
    people = read_table(source.individual_file, source.individuals, sheet=mapping.text.individual_sheet)
    languages: dict[str, str] = {}
    for _, row in people.rows(mapping.person_columns()):
        languages.setdefault(row[person.household], row[person.language] if person.language else "")
    homes = read_table(source.household_file, source.households, sheet=mapping.text.household_sheet)
    return [
        Home(row[ref], bool(mapping.phone(row)) if mapping.phone else False, languages.get(row[ref]) or "es")
        for _, row in homes.rows(mapping.household_columns())
    ]

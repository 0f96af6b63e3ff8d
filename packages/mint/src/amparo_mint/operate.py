"""What the mint does besides answering wallets: keysets, the log, deliveries to the shops side, its own journal.

Runs in threads beside the event loop. A keyset is in the public log, and seen there, before it signs anything.
"""

import secrets
import sqlite3
from pathlib import Path

from amparo_common.bridge import (
    Accreditation,
    AskAccreditation,
    KeyAnnounced,
    KeysetAnnounced,
    MintFigures,
    QuotePaid,
    open_sealed,
)
from amparo_common.errors import BadSignature
from amparo_common.ids import KeysetId, ShopId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_mint import store
from amparo_mint.errors import ShopNotAccredited
from amparo_mint.keysets import SigningKeyset, load_keyset
from amparo_mint.service import TO_SHOPS
from amparo_service import outbox
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import KeyMissing, RemoteError
from amparo_service.keys import file_once


class Operation:
    """The mint's own errands."""

    def __init__(self, folder: Path, database: Database, *, key: SigningKey, log: LogFollower, shops: Client) -> None:
        self._folder = folder
        self._database = database
        self._key = key
        self._log = log
        self._shops = shops

    def operator_token(self) -> bytes:
        """The token that operates this mint: a file that only its user can read."""
        return file_once(self._folder / "operator.token", lambda: secrets.token_urlsafe(32).encode())

    def introduce(self) -> None:
        """Announce the mint's publishing key, so that others can check its entries."""
        self._log.publish(KeyAnnounced(purpose="mint", jwk=self._key.public.jwk), self._key)

    def load_keysets(self) -> dict[str, tuple[int, SigningKeyset, bool]]:
        """All keysets with their private keys. Raises `KeyMissing` when a seed is not the one that a keyset was made from."""
        with self._database.reading() as connection:
            rows = store.keysets(connection)
        found: dict[str, tuple[int, SigningKeyset, bool]] = {}
        for row in rows:
            keyset = load_keyset(self._folder, row.unit, row.period, final_expiry=row.final_expiry)
            if keyset.id != row.id:
                raise KeyMissing(f"The seed of the keyset {row.id[:16]} is missing or another.")
            found[row.id] = (row.number, keyset, row.active)
        return found

    def announce_keyset(self, unit: str, period: str, final_expiry: int | None) -> KeysetId:
        """Make the keyset of a unit, period and end, put it into the log, then make it the unit's active one. Safe to
        repeat: the same three give the same keyset."""
        keyset = load_keyset(self._folder, Unit(unit), period, final_expiry=final_expiry)
        self._log.publish(
            KeysetAnnounced(
                keyset=keyset.id, unit=keyset.unit, keys=keyset.public_keys, final_expiry=keyset.final_expiry
            ),
            self._key,
        )
        with self._database.transaction() as connection:
            _activate(connection, keyset, period)
        return keyset.id

    def open_payment(self, token: str) -> tuple[QuotePaid, int]:
        """The office's message, and the total that the log says was approved in its unit. Raises `BadSignature`."""
        office = self._log.view().publisher("office") or self._log.refresh().publisher("office")
        if office is None:
            raise BadSignature("The office's key is not in the public log yet.")
        message = open_sealed(token, office, QuotePaid)
        with self._database.reading() as connection:
            needed = store.total_paid(connection, message.unit) + message.amount
        approved = self._log.view().approved(message.unit)
        if approved < needed:
            approved = self._log.refresh().approved(message.unit)
        return message, approved

    def check_accredited(self, shop: str, unit: str) -> None:
        """Raises `ShopNotAccredited` unless the shops side settles this shop in this unit."""
        try:
            found = self._shops.post(
                "/bridge/accreditation", AskAccreditation(shop=ShopId(shop), unit=Unit(unit)), Accreditation
            )
        except RemoteError as error:
            raise ShopNotAccredited("The shops side does not know this shop.") from error
        if not found.accredited:
            raise ShopNotAccredited("This shop is not accredited for this unit.")

    def publish(self, figures: list[MintFigures]) -> None:
        """Put figures into the public log."""
        for each in figures:
            self._log.publish(each, self._key)

    def deliver(self) -> None:
        """Send what waits for the shops side. Raises `Unreachable` when it is away; the messages stay."""
        outbox.deliver(self._database, TO_SHOPS, self._send)

    def _send(self, message: str) -> None:
        self._shops.post_bytes("/bridge/deposited", message.encode(), dict[str, bool])

    def fold_journal(self) -> None:
        """Fold SQLite's journal into the database: until then it holds recent changes in their order."""
        self._database.fold_journal()


def _activate(connection: sqlite3.Connection, keyset: SigningKeyset, period: str) -> None:
    connection.execute("UPDATE keyset SET active = 0 WHERE unit = ? AND id <> ?", (keyset.unit, keyset.id))
    connection.execute(
        "INSERT INTO keyset (id, unit, period, final_expiry, active) VALUES (?, ?, ?, ?, 1)"
        " ON CONFLICT (id) DO UPDATE SET active = 1",
        (keyset.id, keyset.unit, period, keyset.final_expiry),
    )

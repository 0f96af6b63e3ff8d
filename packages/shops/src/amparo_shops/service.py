"""What the shops side does: accredit, book deposits, take claims, settle, publish figures.

Every step is one transaction and safe to repeat: deposits by their number, claims by theirs, runs by their name.
"""

import hashlib
import secrets
import sqlite3

import msgspec

from amparo_common.bridge import Accreditation, SettlementFigures, ShopDeposited
from amparo_common.clock import Clock, to_text
from amparo_common.ids import ShopId, random_id
from amparo_common.money import Unit
from amparo_service.database import Database
from amparo_shops import ledger, store
from amparo_shops.bank_file import Party, Payment, check_account, check_name, check_run_name, write_bank_file
from amparo_shops.errors import (
    AmountNotPositive,
    ClaimDiffers,
    ClaimTooHigh,
    DepositDiffers,
    DepositRefused,
    NothingToSettle,
    NotThisShop,
    SettlementDiffers,
    ShopsError,
    ShopUnknown,
)
from amparo_shops.ledger import Posting
from amparo_shops.store import Claim, Settlement, Shop


class NewShop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shop to accredit: name and account as the bank knows them, the units of the goods it sells."""

    name: str
    account: str
    units: list[str]


class Accredited(msgspec.Struct, frozen=True):
    """An accredited shop's reference and its access code, shown once."""

    shop: ShopId
    access: str


class Standing(msgspec.Struct, frozen=True):
    """What a shop sees of itself in one unit, in minor units."""

    unit: Unit
    deposited: int
    to_settle: int
    asked: int
    settled: int


class Shops:
    """The shops side's decisions."""

    def __init__(self, database: Database, *, clock: Clock, debtor: Party, currency: str) -> None:
        self._database = database
        self._clock = clock
        self._debtor = debtor
        self._currency = currency

    def accredit(self, new: NewShop) -> Accredited:
        """Accredit a shop. Raises `BadName`, `BadAccount`."""
        name, account = check_name(new.name), check_account(new.account)
        access = secrets.token_urlsafe(24)
        shop = Shop(ShopId(random_id()), name, account, [Unit(unit) for unit in new.units])
        with self._database.transaction() as connection:
            store.record_shop(connection, shop, _hash(access))
        return Accredited(shop=shop.id, access=access)

    def accreditation(self, shop: str, unit: str) -> Accreditation:
        """Whether a shop is settled in a unit. Raises `ShopUnknown`."""
        with self._database.reading() as connection:
            found = store.find_shop(connection, shop)
        return Accreditation(shop=found.id, unit=Unit(unit), accredited=unit in found.units)

    def shop_of(self, access: str) -> Shop:
        """The shop whose access code this is. Raises `NotThisShop`."""
        with self._database.reading() as connection:
            found = store.shop_of_access(connection, _hash(access))
        if found is None:
            raise NotThisShop("The access code is not valid.")
        return found

    def record_deposit(self, message: ShopDeposited) -> None:
        """The mint says a shop handed in aid. Booked once, and the first answer about a deposit's number is final: what was
        booked stays accepted, what was refused stays so. Raises `ShopUnknown`, `AmountNotPositive`, `DepositRefused`, and
        `DepositDiffers` when this number was booked with another amount, unit or shop."""
        with self._database.transaction() as connection:
            refusal = _book(connection, message)
            if refusal is not None:
                store.refuse_deposit(connection, message.deposit)
        if refusal is not None:
            raise refusal

    def standing(self, shop: ShopId, unit: Unit) -> Standing:
        """A shop's totals in a unit."""
        with self._database.reading() as connection:
            return _standing(connection, shop, unit)

    def claim(self, shop: ShopId, unit: Unit, amount: int, *, claim: str) -> Standing:
        """A shop asks to be paid `amount`; `claim` is its own number for it, so repeating changes nothing.
        Raises `ClaimTooHigh`, `ClaimDiffers` when the number stands for another amount, unit or shop."""
        with self._database.transaction() as connection:
            known = store.find_claim(connection, claim)
            if known is None:
                standing = _standing(connection, shop, unit)
                if not 0 < amount <= standing.to_settle - standing.asked:
                    raise ClaimTooHigh("The claim is higher than what was deposited and not yet asked for.")
                connection.execute(
                    "INSERT INTO claim (id, shop, unit, amount) VALUES (?, ?, ?, ?)", (claim, shop, unit, amount)
                )
            elif known != Claim(claim, shop, unit, amount):
                raise ClaimDiffers("A claim was repeated with other content.")
            return _standing(connection, shop, unit)

    def settle(self, run: str, unit: Unit) -> Settlement:
        """Make the settlement run `run`: the bank file and the ledger entries for all open claims of a unit. The same run
        again gives the same file. Raises `BadRunName`, `NothingToSettle`, `BankFileInvalid`, `SettlementDiffers` when the
        name stands for a run of another unit."""
        check_run_name(run)
        with self._database.transaction() as connection:
            if not store.has_settlement(connection, run):
                self._record_settlement(connection, run, unit)
            found = store.find_settlement(connection, run)
        if found.unit != unit:
            raise SettlementDiffers("This run was made in another unit.")
        return found

    def _record_settlement(self, connection: sqlite3.Connection, run: str, unit: Unit) -> None:
        now = self._clock.now()
        claims = store.open_claims(connection, unit)
        if not claims:
            raise NothingToSettle("There is no open claim.")
        by_shop: dict[ShopId, int] = {}
        for claim in claims:
            by_shop[claim.shop] = by_shop.get(claim.shop, 0) + claim.amount
        sums = sorted(by_shop.items())
        total = sum(by_shop.values())
        file = write_bank_file(
            message=run,
            created=to_text(now),
            day=now.date().isoformat(),
            debtor=self._debtor,
            currency=self._currency,
            payments=[
                Payment(reference=f"{run}-{number}", creditor=_party(connection, shop), amount=amount)
                for number, (shop, amount) in enumerate(sums, start=1)
            ],
        )
        connection.execute(
            "INSERT INTO settlement (run, unit, total, file) VALUES (?, ?, ?, ?)", (run, unit, total, file)
        )
        connection.executemany("UPDATE claim SET run = ? WHERE id = ?", [(run, claim.id) for claim in claims])
        postings = [Posting(f"payable:{shop}", amount) for shop, amount in sums] + [Posting(f"bank:{unit}", -total)]
        ledger.record_entry(connection, f"run {run}", postings, unit=unit, day=now.date().isoformat())

    def confirm(self, run: str) -> Settlement:
        """The bank says the run is paid. Raises `SettlementUnknown`."""
        day = self._clock.now().date().isoformat()
        with self._database.transaction() as connection:
            found = store.find_settlement(connection, run)
            connection.execute("UPDATE settlement SET confirmed = 1 WHERE run = ?", (run,))
            postings = [Posting(f"bank:{found.unit}", found.total), Posting(f"aid:{found.unit}", -found.total)]
            ledger.record_entry(connection, f"paid {run}", postings, unit=found.unit, day=day)
            return store.find_settlement(connection, run)

    def find_run(self, run: str) -> Settlement:
        """A settlement run. Raises `SettlementUnknown`."""
        with self._database.reading() as connection:
            return store.find_settlement(connection, run)

    def figures(self, period: str) -> list[SettlementFigures]:
        """The totals of every unit, ready for the public log. Raises `LedgerUnbalanced`."""
        with self._database.reading() as connection:
            balances = ledger.trial_balance(connection)
            return [_figures(connection, period, Unit(unit), accounts) for unit, accounts in balances.items()]

    def trial_balance(self) -> dict[str, dict[str, int]]:
        """Every account by unit. Raises `LedgerUnbalanced`."""
        with self._database.reading() as connection:
            return ledger.trial_balance(connection)


def _figures(connection: sqlite3.Connection, period: str, unit: Unit, accounts: dict[str, int]) -> SettlementFigures:
    (settled,) = connection.execute(
        "SELECT coalesce(sum(total), 0) FROM settlement WHERE unit = ? AND confirmed = 1", (unit,)
    ).fetchone()
    (deposited,) = connection.execute(
        "SELECT coalesce(sum(posting.amount), 0) FROM posting JOIN entry ON entry.number = posting.entry"
        " WHERE entry.unit = ? AND entry.reference LIKE 'deposit %' AND posting.amount > 0",
        (unit,),
    ).fetchone()
    owed = sum(-amount for account, amount in accounts.items() if account.startswith(("payable:", "bank:")))
    shops = sum(account.startswith("payable:") for account in accounts)
    return SettlementFigures(
        period=period, unit=unit, shops=shops, deposited=int(deposited), settled=int(settled), payable=owed
    )


def _standing(connection: sqlite3.Connection, shop: ShopId, unit: Unit) -> Standing:
    to_settle = -ledger.balance(connection, f"payable:{shop}", unit)
    (settled,) = connection.execute(
        "SELECT coalesce(sum(claim.amount), 0) FROM claim JOIN settlement ON settlement.run = claim.run"
        " WHERE claim.shop = ? AND claim.unit = ?",
        (shop, unit),
    ).fetchone()
    asked = store.open_total(connection, shop, unit)
    return Standing(
        unit=unit, deposited=to_settle + int(settled), to_settle=to_settle, asked=asked, settled=int(settled)
    )


def _party(connection: sqlite3.Connection, shop: ShopId) -> Party:
    found = store.find_shop(connection, shop)
    return Party(name=found.name, account=found.account)


def _hash(access: str) -> bytes:
    # The access code has 192 random bits, so a plain hash is enough; it is not a password.
    return hashlib.sha256(access.encode()).digest()


def _book(connection: sqlite3.Connection, message: ShopDeposited) -> ShopsError | None:
    """Book a deposit, or why it is refused. What was booked before is asked first: a shop may have gone since. Raises
    `DepositDiffers`, which says nothing about the deposit that was booked."""
    reference = f"deposit {message.deposit}"
    # In the order of their accounts, as the ledger gives them back.
    postings = [Posting(f"aid:{message.unit}", message.amount), Posting(f"payable:{message.shop}", -message.amount)]
    booked = ledger.find_entry(connection, reference)
    if booked is not None:
        if booked != (message.unit, postings):
            raise DepositDiffers("A deposit was repeated with other content.")
        return None
    if store.was_refused(connection, message.deposit):
        return DepositRefused("This deposit was refused before.")
    if message.amount <= 0:
        return AmountNotPositive("A deposit is not of a positive amount.")
    try:
        store.find_shop(connection, message.shop)
    except ShopUnknown as error:
        return error
    # The day is left out: the ledger need not know when a shop deposited, only that it did.
    ledger.record_entry(connection, reference, postings, unit=message.unit, day="")
    return None

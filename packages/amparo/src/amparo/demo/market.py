"""The town's shops and what people buy in them: with a connection, without one, and with printed vouchers.

Each till is its own purse in a file of the shops; which purchase happens where, when and for how much follows from the seed
and the household alone, so that the totals are the same in whatever order things happen.
"""

import threading
import time
from collections.abc import Callable

import msgspec

from amparo.demo.people import People, in_parallel
from amparo.demo.story import Stage, moment
from amparo.errors import DepositsMissing
from amparo.town import InventedShop, generator, make_shops
from amparo_cashu.nut00_blind import split_amount
from amparo_cashu.nut00_token import Token, read_token
from amparo_cashu.schemes import scheme_of
from amparo_cashu.wire import CheckStateAnswer, CheckStateRequest
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_till import till as till_module
from amparo_till.errors import OfflineLimit, TakenBefore
from amparo_till.till import Till

FIRST_DAY, LAST_DAY = 12, 29
DEPOSIT_DAYS = (16, 20, 24, 28)
LOCK_DAYS = 30
# Of every keyset (decision 0004), in minor units.
DENOMINATIONS = [1 << power for power in range(14)]
DELIVERY_SECONDS = 60.0
ONLINE, OFFLINE, PAPER = "online", "offline", "paper"

SCHEMA = (
    till_module.SCHEMA + ";\n"
    "CREATE TABLE stall (number INTEGER PRIMARY KEY, name TEXT NOT NULL, shop TEXT NOT NULL, access TEXT NOT NULL,"
    " units TEXT NOT NULL)"
)


class Stall(msgspec.Struct, frozen=True):
    """A shop of the demo: its number in the town, its public reference, its access code."""

    number: int
    name: str
    shop: str
    access: str
    units: list[str]


class Purchase(msgspec.Struct, frozen=True):
    """One thing somebody buys."""

    number: int
    home: str
    unit: str
    amount: int
    shop: int
    day: int
    mode: str
    state: str
    code: str | None


_PURCHASE = "SELECT number, home, unit, amount, shop, day, mode, state, code FROM purchase"


class Market:
    """All shops of the town, each with its till."""

    def __init__(self, stage: Stage, people: People) -> None:
        folder = stage.folder.root / "tills"
        folder.mkdir(exist_ok=True, mode=0o700)
        self._stage = stage
        self._people = people
        self._installation = stage.installation
        self._mint = Client(stage.installation.services.url("mint"), patience=30)
        self.database = Database(folder / "tills.sqlite", [SCHEMA])
        # A till does one thing at a time. Owner of a till: whoever holds its lock.
        self._locks: dict[int, threading.Lock] = {}

    # --- accreditation ----------------------------------------------------------------------------------------------------

    def open(self) -> list[Stall]:
        """Accredit the town's shops that are not accredited yet."""
        finance = self._installation.finance()
        for number, shop in enumerate(make_shops(self._stage.options.seed)):
            with self.database.reading() as connection:
                known = connection.execute("SELECT 1 FROM stall WHERE number = ?", (number,)).fetchone()
            if known is None:
                self._accredit(finance, number, shop)
            self._stage.progress(number + 1, 20)
        return self.stalls()

    def _accredit(self, finance: Client, number: int, shop: InventedShop) -> None:
        # A crash between the two leaves an accredited shop that nobody uses; the next run accredits another.
        new = finance.post("/shops", shop, dict[str, str])
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO stall (number, name, shop, access, units) VALUES (?, ?, ?, ?, ?)",
                (number, shop.name, new["shop"], new["access"], " ".join(shop.units)),
            )

    def stalls(self) -> list[Stall]:
        """The accredited shops."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT number, name, shop, access, units FROM stall ORDER BY number").fetchall()
        return [Stall(row[0], row[1], row[2], row[3], row[4].split()) for row in rows]

    def till(self, stall: Stall) -> Till:
        """A shop's till."""
        self._locks.setdefault(stall.number, threading.Lock())
        return Till(
            self.database,
            stall.shop,
            access=stall.access,
            mint=self._mint,
            shops_url=self._installation.services.url("shops"),
            log=self._people.log,
            clock=self._stage.clock,
        )

    # --- what people buy ----------------------------------------------------------------------------------------------------

    def plan(self, units: list[str]) -> int:
        """Write down what every household will buy. The same plan for the same seed; safe to repeat."""
        stalls = self.stalls()
        rows: list[tuple[object, ...]] = []
        for ref, phone in self._people.rows("SELECT ref, phone FROM home WHERE claimed = 1 ORDER BY ref"):
            for unit in units:
                dice = generator(self._stage.options.seed, "purchases", ref, unit)
                shops = [stall.number for stall in stalls if unit in stall.units]
                amounts = self._wallet_amounts if phone else self._voucher_amounts
                for amount in amounts(ref, unit, dice.random() * 0.45 + 0.5, dice.randint(1, 2)):
                    offline = phone and dice.random() < 0.25
                    mode = OFFLINE if offline else ONLINE if phone else PAPER
                    day = dice.randint(FIRST_DAY, LAST_DAY)
                    rows.append((len(rows) + 1, ref, unit, amount, dice.choice(shops), day, mode))
        with self._people.database.transaction() as connection:
            connection.executemany(
                "INSERT INTO purchase (number, home, unit, amount, shop, day, mode) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (number) DO NOTHING",
                rows,
            )
        return len(rows)

    def _wallet_amounts(self, ref: str, unit: str, share: float, count: int) -> list[int]:
        """Prices as shops have them: whole tenths, together a share of what was received."""
        (received,) = self._people.rows(
            "SELECT coalesce(sum(amount), 0) FROM quote WHERE wallet = ? AND unit = ?", ref, unit
        )[0]
        each = int(received * share) // count // 10 * 10
        dice = generator(self._stage.options.seed, "prices", ref, unit)
        prices = [max(10, int(each * dice.uniform(0.6, 1.0)) // 10 * 10) for _ in range(count)]
        return prices if each >= 50 else ([received // 10 * 10] if received >= 10 else [])

    def _voucher_amounts(self, ref: str, unit: str, share: float, count: int) -> list[int]:
        """Vouchers are handed over whole: sums that any coins of paper make."""
        ((total,),) = self._people.rows(
            "SELECT coalesce(sum(amount), 0) FROM voucher WHERE home = ? AND unit = ?", ref, unit
        )
        amounts = split_amount(total, DENOMINATIONS)[::-1]
        spend = amounts[: max(1, round(len(amounts) * share))] if amounts else []
        baskets = [spend[at::count] for at in range(count)]
        return [sum(basket) for basket in baskets if basket]

    def purchases(self, day: int) -> list[Purchase]:
        """The purchases of a day that are not done yet."""
        rows = self._people.rows(f"{_PURCHASE} WHERE day = ? AND state <> 'done' ORDER BY number", day)
        return [Purchase(*row) for row in rows]

    def finished(self) -> list[tuple[Purchase, int]]:
        """The purchases that are done, with their place in the order in which they happened."""
        rows = self._people.rows(f"{_PURCHASE} WHERE state = 'done' ORDER BY place")
        return [(Purchase(*row), place) for place, row in enumerate(rows)]

    # --- buying ------------------------------------------------------------------------------------------------------------

    def set_aside(self, day: int) -> None:
        """While they have a connection, people lock coins to the shop where they will pay without one that day."""
        planned = [p for p in self.purchases(day) if p.mode == OFFLINE and p.state == "planned"]
        stalls = {stall.number: self.till(stall) for stall in self.stalls()}
        until = int(moment(day).timestamp()) + LOCK_DAYS * 86_400

        def lock(purchase: Purchase) -> None:
            wallet = self._people.wallet(purchase.home)
            label = f"purchase {purchase.number}"
            wallet.purse.recover()
            if not wallet.purse.coins(purchase.unit, state="held", label=label):
                key = stalls[purchase.shop].lock_key
                wallet.set_aside(purchase.amount, purchase.unit, shop_key=key, until=until, label=label)
            self._mark(purchase, "held", None)

        self._by_home(planned, lock)

    def buy(self, day: int) -> None:
        """Everybody's purchases of a day."""
        stalls = {stall.number: stall for stall in self.stalls()}

        def one(purchase: Purchase) -> None:
            code = purchase.code if purchase.code is not None else self._take_out(purchase)
            stall = stalls[purchase.shop]
            till = self.till(stall)
            with self._locks[stall.number]:
                self._hand_over(purchase, code, till)
            self._mark(purchase, "done", code)

        self._by_home(self.purchases(day), one)

    def _by_home(self, purchases: list[Purchase], do: Callable[[Purchase], None]) -> None:
        """Purchases of different households at once, those of one household one after the other."""
        homes: dict[str, list[Purchase]] = {}
        for purchase in purchases:
            homes.setdefault(purchase.home, []).append(purchase)

        def all_of(home: list[Purchase]) -> None:
            for purchase in home:
                do(purchase)

        in_parallel(list(homes.values()), all_of, self._stage)

    def _take_out(self, purchase: Purchase) -> str:
        """The code that pays, written down in the same commit that takes the coins out."""
        if purchase.mode == PAPER:
            return self._take_vouchers(purchase)
        wallet = self._people.wallet(purchase.home)
        wallet.purse.recover()
        if purchase.mode == ONLINE:
            wallet.purse.make_exact(purchase.amount, purchase.unit)
        with self._people.database.transaction():
            if purchase.mode == ONLINE:
                code = wallet.pay_code(purchase.amount, purchase.unit)
            else:
                code = wallet.pay_held_code(purchase.unit, label=f"purchase {purchase.number}")
            self._mark(purchase, "coded", code)
        return code

    def _take_vouchers(self, purchase: Purchase) -> str:
        with self._people.database.transaction() as connection:
            rows = connection.execute(
                "SELECT code, amount FROM voucher WHERE home = ? AND unit = ? AND purchase IS NULL ORDER BY amount DESC, code",
                (purchase.home, purchase.unit),
            ).fetchall()
            chosen = _making(rows, purchase.amount)
            connection.executemany(
                "UPDATE voucher SET purchase = ? WHERE code = ?", [(purchase.number, code) for code in chosen]
            )
            code = " ".join(chosen)
            self._mark(purchase, "coded", code)
        return code

    def read(self, purchase: Purchase, code: str) -> Token:
        """What a till reads from a code, or from the vouchers laid on the counter."""
        keysets = [body.keyset for _, body in self._people.log.view().keysets]
        tokens = [read_token(each, keysets=keysets) for each in code.split(" ")]
        proofs = [proof for token in tokens for proof in token.proofs]
        return Token(mint=tokens[0].mint, unit=purchase.unit, proofs=proofs)

    def _hand_over(self, purchase: Purchase, code: str, till: Till) -> None:
        token = self.read(purchase, code)
        request = till.request(purchase.amount, purchase.unit)
        till.purse.recover()
        if purchase.mode == OFFLINE:
            try:
                till.accept_offline(token, request)
            except TakenBefore:
                return  # taken just before a crash
            except OfflineLimit:
                till.deposit(purchase.unit)
                till.accept_offline(token, request)
        elif purchase.code is None or not self._is_spent(token):
            till.accept_online(token, request)

    def _is_spent(self, token: Token) -> bool:
        """Whether a code that was shown before a crash had reached the till."""
        points = [scheme_of(proof.id).point(proof.secret) for proof in token.proofs]
        found = self._mint.post("/v1/checkstate", CheckStateRequest(Ys=points), CheckStateAnswer)
        return all(state.state == "SPENT" for state in found.states)

    def _mark(self, purchase: Purchase, state: str, code: str | None) -> None:
        with self._people.database.transaction() as connection:
            place = None
            if state == "done":
                (place,) = connection.execute("SELECT coalesce(max(place), 0) + 1 FROM purchase").fetchone()
            connection.execute(
                "UPDATE purchase SET state = ?, code = coalesce(?, code), place = ? WHERE number = ?",
                (state, code, place, purchase.number),
            )

    # --- deposits and settlement ------------------------------------------------------------------------------------------------

    def deposit(self) -> int:
        """Every shop hands in what it has. Returns what was lost to codes that were spent before (nothing)."""
        lost = 0
        stalls = self.stalls()
        for number, stall in enumerate(stalls, start=1):
            till = self.till(stall)
            for unit in stall.units:
                lost += till.deposit(unit).lost
            self._stage.progress(number, len(stalls))
        return lost

    def wait_for_deposits(self) -> None:
        """Wait until the shops side has heard of every deposit from the mint. Raises `DepositsMissing`."""
        sold = {
            (shop, unit): amount
            for shop, unit, amount in self._people.rows(
                "SELECT shop, unit, sum(amount) FROM purchase WHERE state = 'done' GROUP BY shop, unit"
            )
        }
        deadline = time.monotonic() + DELIVERY_SECONDS
        for stall in self.stalls():
            till = self.till(stall)
            for unit in stall.units:
                while till.standing(unit).deposited != sold.get((stall.number, unit), 0):
                    if time.monotonic() > deadline:
                        raise DepositsMissing("A shop's deposits are not what it sold.")
                    time.sleep(0.1)

    def ask_settlement(self, label: str) -> None:
        """Every shop asks to be paid all that it deposited. Safe to repeat."""
        for stall in self.stalls():
            till = self.till(stall)
            for unit in stall.units:
                standing = till.standing(unit)
                due = standing.to_settle - standing.asked
                if due > 0:
                    till.ask_settlement(unit, due, claim=f"{label} {unit}")


def _making(rows: list[tuple[str, int]], amount: int) -> list[str]:
    """The codes of the vouchers that make an amount exactly, the largest first (they are powers of two)."""
    chosen = []
    for code, worth in rows:
        if worth <= amount:
            chosen.append(code)
            amount -= worth
    return chosen

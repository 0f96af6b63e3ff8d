"""One purse: what it holds and what it does with the mint. Every change is in the journal before it is sent (`journal.py`).

Keys come from the log, and which keyset counts today too (`keys.py`). Every secret comes from the purse's seed (NUT-13), and the
seed from a code that can be printed (`recovery.py`); with the code `restore.py` brings the coins back.

What is kept apart in time: aid of a claiming window is handed over after its moment only (`pay_from` of `claim`), no coin is
exchanged beside a claim (`quiet_until`), and no claim follows an exchange at once (`claim_from`). Each of these raises a
`Resting` error that says when; with `hurry` the holder goes on at once and pays with privacy.
"""

import secrets
from collections.abc import Callable, Sequence

from amparo_cashu.errors import (
    AlreadySpent,
    KeysetExpired,
    KeysetUnknown,
)
from amparo_cashu.nut00_blind import split_amount
from amparo_cashu.nut00_token import without_dleq
from amparo_cashu.nut10_secret import read_lock, sign_lock
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.outputs import LockTo, OutputPlan, messages
from amparo_cashu.wire import (
    ClaimQuote,
    MeltQuote,
    MeltRequest,
    MintQuote,
    MintQuoteRequest,
    MintRequest,
    Proof,
    SwapRequest,
)
from amparo_common.bridge import KeysetAnnounced
from amparo_common.clock import Clock, SystemClock
from amparo_common.secret import Secret
from amparo_log.follow import LogFollower
from amparo_purse import recovery, store
from amparo_purse.access import Access, Admitted, LogIn
from amparo_purse.calendar import End, is_closed, next_end
from amparo_purse.coins import exact_choice, stock_coins, target_coins
from amparo_purse.errors import (
    AidRests,
    CodeFalse,
    ExchangeRests,
    LockOutlivesCoins,
    NoExactCoins,
    NoRecoveryCode,
    NotEnough,
    PurseInUse,
    RestoreUnfinished,
)
from amparo_purse.journal import CLAIM, DEPOSIT, SWAP, Journal, request_row
from amparo_purse.keys import Keys
from amparo_purse.store import JournalRow
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError

MOST_AT_ONCE = 100
# A request is bounded, and there must be room for the change: larger sums are made of few coins.
_MOST_SPREAD = 70
Part = tuple[int, LockTo | None]
# Between an exchange and the next claim, in seconds: nobody does both in one sitting.
APART = (3_600, 3 * 3_600)


class Purse:
    """The coins of one holder in a database that may hold several purses."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        mint: Client,
        log: LogFollower,
        clock: Clock | None = None,
        login: LogIn | None = None,
    ) -> None:
        """`login` logs this device in where the mint wants that (`access.py`)."""
        self.database = database
        self.name = name
        self._clock = clock or SystemClock()
        bare = Keys(mint=mint, log=log, now=self.now)
        self._access = Access(database, name, mint=mint, keys=bare, login=login)
        self.mint = self.admitted(mint)
        self.keys = Keys(mint=self.mint, log=log, now=self.now)
        entropy = Secret(secrets.token_bytes(recovery.ENTROPY_BYTES))
        seed = recovery.seed_of(entropy)
        with database.transaction() as connection:
            found = store.open_purse(connection, name, seed=seed.reveal(), entropy=entropy.reveal())
        self._seed = Secret(found)
        self._journal = Journal(
            database,
            name,
            mint=self.mint,
            seed=lambda: self._seed,
            keyset=self.keys.keyset,
            receive=self._received_in_place,
            claim_from=lambda: self.now() + secrets.SystemRandom().randint(*APART),
        )

    def admitted(self, connection: Client) -> Client:
        """A connection to the mint that shows the access tokens which the mint wants."""
        return Admitted(connection, self._access)

    # --- the recovery code -----------------------------------------------------------------------------------------------

    def recovery_code(self) -> str:
        """The code that gives this purse back. Raises `NoRecoveryCode` for a purse from before there were codes."""
        return recovery.write_code(Secret(self._recovery()[0]))

    def is_code_tested(self) -> bool:
        """Whether the code was read back from paper once. Raises `NoRecoveryCode`."""
        return self._recovery()[1]

    def test_code(self, typed: str) -> None:
        """Somebody reads the code back from paper; from then on it counts as kept. Raises `CodeFalse`, `NoRecoveryCode`."""
        entropy, _ = self._recovery()
        if recovery.read_code(typed).reveal() != entropy:
            raise CodeFalse("This is the code of another purse.", todo="Write down the code that is shown now.")
        with self.database.transaction() as connection:
            store.mark_tested(connection, self.name)

    def adopt_seed(self, entropy: Secret) -> None:
        """Make an unused purse the one that a code leads to; call it in the transaction that begins the restoring, and
        `read_seed` after it. Raises `PurseInUse`."""
        seed = recovery.seed_of(entropy)
        if self.is_own(seed):
            return
        with self.database.transaction() as connection:
            if store.is_used(connection, self.name):
                raise PurseInUse("This purse was used already.")
            store.change_seed(connection, self.name, seed=seed.reveal(), entropy=entropy.reveal())

    def read_seed(self) -> None:
        """Take the seed as it is on the disk."""
        with self.database.reading() as connection:
            self._seed = Secret(store.read_seed(connection, self.name))

    def is_own(self, seed: Secret) -> bool:
        """Whether this purse makes its coins from a seed."""
        return seed.reveal() == self._seed.reveal()

    def derived_key(self, purpose: str) -> Secret:
        """A private key (32 bytes) for a purpose, which the recovery code gives back."""
        return recovery.derived_key(self._seed, purpose)

    def _recovery(self) -> tuple[bytes, bool]:
        with self.database.reading() as connection:
            found = store.recovery(connection, self.name)
        if found is None:
            raise NoRecoveryCode("This purse has no recovery code.")
        return found

    def now(self) -> int:
        """This moment in unix time."""
        return int(self._clock.now().timestamp())

    # --- what it holds ---------------------------------------------------------------------------------------------------

    def coins(self, unit: str, *, state: str = "ready", label: str = "") -> list[Proof]:
        """The coins of a unit, largest first."""
        with self.database.reading() as connection:
            return store.coins(connection, self.name, unit, state, label)

    def balance(self, unit: str, *, state: str = "ready", label: str = "") -> int:
        """The sum of coins, in minor units: of the ready ones, that is what can be paid."""
        with self.database.reading() as connection:
            return store.total(connection, self.name, unit, state, label)

    def resting(self, unit: str) -> list[tuple[int, int]]:
        """What is there and not to be paid yet: moments (unix time) with the sums (minor units) that rest until then, the
        earliest first."""
        with self.database.reading() as connection:
            rests = store.resting(connection, self.name, self.now())
            held = store.coins(connection, self.name, unit, "ready")
        sums: dict[int, int] = {}
        for coin in held:
            if coin.secret in rests:
                sums[rests[coin.secret]] = sums.get(rests[coin.secret], 0) + coin.amount
        return sorted(sums.items())

    def quiet_until(self) -> int:
        """Until when (unix time) coins of this purse are not exchanged, because it claimed; in the past when they may be."""
        with self.database.reading() as connection:
            return store.quiet_until(connection, self.name)

    def claim_from(self) -> int:
        """From when on (unix time) this purse claims, because it exchanged coins; in the past when it may."""
        with self.database.reading() as connection:
            return store.rest(connection, self.name, store.EXCHANGED) or 0

    def check_quiet(self, *, hurry: bool) -> None:
        """Raises `ExchangeRests` while coins are not to be exchanged, unless there is a hurry."""
        until = 0 if hurry else self.quiet_until()
        if until > self.now():
            raise ExchangeRests(until)

    def _spendable(self, unit: str, amount: int, *, hurry: bool) -> list[Proof]:
        """The coins to pay `amount` from, largest first: in a hurry all, else those that do not rest. Raises `AidRests` when
        only the resting ones make it enough."""
        held = self.coins(unit)
        with self.database.reading() as connection:
            rests = {} if hurry else store.resting(connection, self.name, self.now())
        free = [coin for coin in held if coin.secret not in rests]
        missing = amount - sum(coin.amount for coin in free)
        if missing <= 0 or sum(coin.amount for coin in held) < amount:
            return free
        for until, rested in self.resting(unit):
            missing -= rested
            if missing <= 0:
                raise AidRests(until)
        return free

    def next_end(self, unit: str) -> End | None:
        """When coins of a unit end next, and from when to warn; None while none of them ends. Works offline."""
        return next_end([(coin.id, coin.amount) for coin in self.coins(unit)], self.keys.log())

    # --- with the mint ----------------------------------------------------------------------------------------------------

    def quote(self, amount: int, unit: str, *, pubkey: str) -> MintQuote:
        """Ask for a quote for aid, bound to `pubkey`."""
        return self.mint.post(
            "/v1/mint/quote/benefit", MintQuoteRequest(unit=unit, amount=amount, pubkey=pubkey), MintQuote
        )

    def find_quote(self, quote: str) -> ClaimQuote:
        """A quote as it stands at the mint."""
        return self.mint.get(f"/v1/mint/quote/benefit/{quote}", ClaimQuote)

    def claim(
        self,
        quote: str,
        amount: int,
        unit: str,
        *,
        quote_key: Secret,
        spread: bool = False,
        stock: bool = False,
        pay_from: int = 0,
        quiet_until: int = store.JUST_CLAIMED,
    ) -> None:
        """Take the coins of a paid quote: the fewest, with `spread` those that pay exactly without a connection, with `stock`
        those for paper. The sum is the quote's, so that neither tells the mint anything. The coins are handed over from
        `pay_from` on, and nothing of this purse is exchanged before `quiet_until` (unix time). A claim that was refused is tried
        again with the same outputs: new ones each time would leave so many numbers unused that a restoring would stop before it
        finds the coins."""
        keyset = self.keys.today(unit)
        amounts = sorted(self._amounts(keyset, amount, spread=spread, stock=stock))
        with self.database.reading() as connection:
            plan = store.refused(connection, self.name, quote)
        if plan is None or (plan.keyset, plan.amounts) != (keyset.keyset, amounts):
            plan = self._plan(keyset, [(each, None) for each in amounts])
        outputs = messages(plan, self._seed)
        request = MintRequest(quote=quote, outputs=outputs, signature=sign_claim(quote, outputs, quote_key.reveal()))
        label = store.write_rest(pay_from, quiet_until)
        states = ["ready"] * len(outputs)
        self._journal.carry_out(request_row(CLAIM, request, plan=plan, unit=unit, states=states, label=label))
        self._access.top_up()

    def receive(self, proofs: Sequence[Proof], unit: str) -> None:
        """Exchange coins received from somebody else for own ones: from then on only this purse can spend them."""
        self.check_quiet(hurry=False)
        self._journal.carry_out(self._received(proofs, unit))

    def _received(self, proofs: Sequence[Proof], unit: str) -> JournalRow:
        keyset = self.keys.today(unit)
        amounts = self._amounts(keyset, sum(proof.amount for proof in proofs))
        return self._swap_row(proofs, self._plan(keyset, [(each, None) for each in amounts]), unit=unit, spends=())

    def _received_in_place(self, proofs: Sequence[Proof], old: JournalRow) -> JournalRow | None:
        if old.plan is not None and self.keys.today(old.unit).keyset == old.plan.keyset:
            return None
        return self._received(proofs, old.unit)

    def exchange(
        self,
        coins: Sequence[Proof],
        amounts: Sequence[int],
        unit: str,
        *,
        through: Client | None = None,
        hurry: bool = False,
        given: bool = False,
    ) -> None:
        """Swap coins of this purse (signed, if they were locked) for new ones of these amounts, which have the same sum; coins
        that were handed over only if they are to be brought back (`given`). Raises `ExchangeRests`, `CoinsBusy`."""
        self.check_quiet(hurry=hurry)
        plan = self._plan(self.keys.today(unit), [(each, None) for each in amounts])
        connection = None if through is None else self.admitted(through)
        self._journal.carry_out(self._swap_row(coins, plan, unit=unit), through=connection, given=given)

    def make_exact(self, amount: int, unit: str, *, hurry: bool = False) -> None:
        """Change coins, so that `amount` can be paid exactly. Does nothing when it can be already. Raises `NotEnough`,
        `AidRests`, `ExchangeRests`."""
        held = self._spendable(unit, amount, hurry=hurry)
        if _exact(held, amount) is not None:
            return
        self.check_quiet(hurry=hurry)
        spend = _at_least(held, amount)
        keyset = self.keys.today(unit)
        rest = sum(coin.amount for coin in spend) - amount
        parts = [*self._amounts(keyset, amount), *self._amounts(keyset, rest)]
        self._journal.carry_out(self._swap_row(spend, self._plan(keyset, [(each, None) for each in parts]), unit=unit))

    def lock(
        self, amount: int, unit: str, *, lock: LockTo, label: str, spread: bool = False, hurry: bool = False
    ) -> None:
        """Set `amount` aside, locked to a shop's key, to be paid offline under `label`: in few coins, or with `spread` in
        coins that make parts of it exactly. Raises `NotEnough`, `AidRests`, `ExchangeRests`, `LockOutlivesCoins`."""
        spend = _at_least(self._spendable(unit, amount, hurry=hurry), amount)
        self.check_quiet(hurry=hurry)
        keyset = self.keys.today(unit)
        if is_closed(keyset, lock.locktime):
            raise LockOutlivesCoins("The lock lasts longer than the coins.")
        rest = sum(coin.amount for coin in spend) - amount
        parts: list[Part] = [(each, lock) for each in self._amounts(keyset, amount, spread=spread)]
        parts += [(each, None) for each in self._amounts(keyset, rest)]
        self._journal.carry_out(self._swap_row(spend, self._plan(keyset, parts), unit=unit, label=label))

    def take_back(self, unit: str, *, refund_key: Callable[[str], Secret], now: int, hurry: bool = False) -> int:
        """Bring back what was locked to shops and not handed in there, once its time has passed (`now` in unix time);
        returns the sum. `refund_key` gives the key for a label. One request for each label: together they would show the
        mint that several payments are one purse's. Safe to repeat. Raises `ExchangeRests`."""
        with self.database.reading() as connection:
            locked = [
                (coin, label)
                for state in ("held", "given")
                for coin, label in store.labelled(connection, self.name, unit, state)
                if _is_late(coin, now)
            ]
        back = 0
        for label in dict.fromkeys(label for _, label in locked):
            coins = [coin for coin, each in locked if each == label]
            for at in range(0, len(coins), MOST_AT_ONCE):
                part = [sign_lock(coin, refund_key(label).reveal()) for coin in coins[at : at + MOST_AT_ONCE]]
                back += self._bring_back(part, unit, hurry=hurry)
        return back

    def take_back_given(self, secret_texts: Sequence[str], unit: str, *, hurry: bool = False) -> int:
        """Bring back coins of one code that was handed over and, as the payer says, not taken; returns the sum, 0 when it
        was taken after all. Locked ones are set aside again instead: until their time they are the shop's. Raises
        `ExchangeRests`."""
        with self.database.reading() as connection:
            given = [
                coin for coin, _ in store.labelled(connection, self.name, unit, "given") if coin.secret in secret_texts
            ]
        locked = [coin.secret for coin in given if read_lock(coin.secret) is not None]
        with self.database.transaction() as connection:
            store.set_state(connection, self.name, locked, "held")
        plain = [coin for coin in given if coin.secret not in locked]
        return self._bring_back(plain, unit, hurry=hurry) if plain else 0

    def _bring_back(self, coins: Sequence[Proof], unit: str, *, hurry: bool) -> int:
        """Exchange coins of one payment; those that the shop has handed in meanwhile are forgotten."""
        total = sum(coin.amount for coin in coins)
        try:
            self.check_quiet(hurry=hurry)
            self.exchange(coins, self._amounts(self.keys.today(unit), total), unit, hurry=hurry, given=True)
        except RemoteError as error:
            if error.remote_code != str(AlreadySpent.number):
                raise
            self.forget([coin.secret for coin in coins])
            return 0
        return total

    def redeem(self, quote: MeltQuote, proofs: Sequence[Proof]) -> str:
        """Hand coins in for a deposit. Returns how it stands: PAID (held coins of this purse have left it), PENDING (they
        stay in the journal, `recover` asks again) or UNPAID (given back)."""
        request = MeltRequest(quote=quote.quote, inputs=[without_dleq(proof) for proof in proofs])
        row = request_row(DEPOSIT, request, plan=None, unit=quote.unit, spends=[proof.secret for proof in proofs])
        return self._journal.carry_out(row)

    def recover(self, *, claims: bool | None = None) -> int:
        """Finish what a crash interrupted (only claims, or all but claims, if that is said: they are not sent in one
        sitting); returns how many requests are out of the journal now. Raises the error of a request of which nothing is
        known, once all others are done."""
        return self._journal.recover(claims=claims)

    def has_interrupted_claim(self) -> bool:
        """Whether a claim was sent whose answer has not come. Works offline."""
        with self.database.reading() as connection:
            return any(row.path == CLAIM for row in store.journal(connection, self.name))

    # --- handing over -------------------------------------------------------------------------------------------------------

    def pay(self, amount: int, unit: str, *, hurry: bool = False) -> list[Proof]:
        """Coins of exactly `amount`, marked as given. Works offline. Raises `NotEnough`, `NoExactCoins`, `AidRests`."""
        return self._give(self._spendable(unit, amount, hurry=hurry), amount)

    def pay_held(self, unit: str, *, label: str, amount: int | None = None) -> list[Proof]:
        """The coins set aside under `label`, all or exactly `amount` of them, marked as given. Works offline. Raises
        `NotEnough`, `NoExactCoins`."""
        held = self.coins(unit, state="held", label=label)
        return self._give(held, sum(coin.amount for coin in held) if amount is None else amount)

    def _give(self, held: list[Proof], amount: int) -> list[Proof]:
        chosen = _exact(held, amount)
        if chosen is None:
            raise (
                NotEnough("The balance is too low.")
                if sum(c.amount for c in held) < amount
                else NoExactCoins("These coins do not make the amount.")
            )
        self.mark_given([coin.secret for coin in chosen])
        return chosen

    def mark_given(self, secret_texts: list[str]) -> None:
        """These coins were handed over. Raises `CoinsBusy` when one is not free any more."""
        with self.database.transaction() as connection:
            store.give(connection, self.name, secret_texts)

    def keep(self, proofs: Sequence[Proof], unit: str, *, label: str) -> None:
        """Keep received coins as they are (locked to this device's key), to hand them in later."""
        with self.database.transaction() as connection:
            for proof in proofs:
                store.add_coin(connection, self.name, proof, unit=unit, state="held", label=label)

    def is_ended(self, keyset: str, refusal: RemoteError) -> bool:
        """Whether the mint refused because a keyset is over for good: it says so, or it has destroyed one that the log says
        is closed."""
        destroyed = refusal.remote_code == str(KeysetUnknown.number) and is_closed(self.keys.keyset(keyset), self.now())
        return destroyed or refusal.remote_code == str(KeysetExpired.number)

    def end(self, secret_texts: Sequence[str]) -> None:
        """The keyset of these coins is over: they are kept, and cannot be paid."""
        with self.database.transaction() as connection:
            store.end(connection, self.name, secret_texts)

    def forget(self, secret_texts: Sequence[str]) -> None:
        """Drop coins: they were spent, or taken by whom they were given to. Nothing of them stays in the file."""
        with self.database.transaction() as connection:
            store.drop(connection, self.name, secret_texts)

    # --- outputs --------------------------------------------------------------------------------------------------------------

    def _amounts(self, keyset: KeysetAnnounced, amount: int, *, spread: bool = False, stock: bool = False) -> list[int]:
        denominations = [int(each) for each in keyset.keys]
        wide = stock_coins(amount, denominations) if stock else target_coins(amount, denominations) if spread else []
        return wide if 0 < len(wide) <= _MOST_SPREAD else split_amount(amount, denominations)

    def _plan(self, keyset: KeysetAnnounced, parts: Sequence[Part]) -> OutputPlan:
        """Outputs (locked or not), ascending, as the specification advises. Raises `RestoreUnfinished`."""
        ordered = sorted(parts, key=lambda part: part[0])
        with self.database.transaction() as connection:
            restoring = store.restoring(connection, self.name)
            if restoring is not None and not restoring.searched and self.is_own(Secret(restoring.seed)):
                raise RestoreUnfinished("This purse is being restored.")
            counter = store.next_counter(connection, self.name, keyset.keyset, len(ordered))
        return OutputPlan(
            keyset=keyset.keyset,
            counter=counter,
            amounts=[part[0] for part in ordered],
            locks=[part[1] for part in ordered],
        )

    def _swap_row(
        self,
        proofs: Sequence[Proof],
        plan: OutputPlan,
        *,
        unit: str,
        spends: Sequence[str] | None = None,
        label: str = "",
    ) -> JournalRow:
        request = SwapRequest(inputs=[without_dleq(proof) for proof in proofs], outputs=messages(plan, self._seed))
        own = [proof.secret for proof in proofs] if spends is None else spends
        states = ["ready" if each is None else "held" for each in plan.locks]
        return request_row(SWAP, request, plan=plan, unit=unit, spends=own, states=states, label=label)


def _is_late(coin: Proof, now: int) -> bool:
    lock = read_lock(coin.secret)
    return lock is not None and lock.locktime is not None and lock.locktime < now


def _at_least(coins: list[Proof], amount: int) -> list[Proof]:
    """Coins worth at least `amount`: the largest first, so that few are sent. Raises `NotEnough`."""
    chosen: list[Proof] = []
    total = 0
    for coin in coins:
        if total >= amount or len(chosen) == MOST_AT_ONCE:
            break
        chosen.append(coin)
        total += coin.amount
    if total < amount:
        raise NotEnough("The balance is too low.")
    return chosen


def _exact(coins: list[Proof], amount: int) -> list[Proof] | None:
    chosen = exact_choice([coin.amount for coin in coins], amount)
    return None if chosen is None else [coins[place] for place in chosen]

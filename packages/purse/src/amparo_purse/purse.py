"""One purse: what it holds and what it does with the mint. Every request is in the journal before it is sent.

Crash rule: the journal row, the counter and the inputs' state are one commit before the request; the new coins, the spent
inputs and the row's end are one commit after the answer. In between, `recover` sends the same bytes again, and the mint
answers the same. Keys come from the log: a keyset that is not there is refused, whatever the mint says.
"""

import secrets
import sqlite3
from collections.abc import Sequence

import msgspec

from amparo_cashu.curve import read_point
from amparo_cashu.errors import KeysetNotInLog, UnitUnknown
from amparo_cashu.nut00_blind import split_amount
from amparo_cashu.nut00_token import without_dleq
from amparo_cashu.nut12_dleq import check_proof
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.outputs import LockTo, OutputPlan, finish, messages
from amparo_cashu.wire import (
    KeysetsAnswer,
    MeltQuote,
    MeltRequest,
    MintQuote,
    MintQuoteRequest,
    MintRequest,
    Proof,
    Signatures,
    SwapRequest,
)
from amparo_common import canonical
from amparo_common.secret import Secret
from amparo_log.follow import LogFollower
from amparo_purse import store
from amparo_purse.errors import NoExactCoins, NotEnough
from amparo_purse.store import JournalRow
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError

MOST_AT_ONCE = 100


class Purse:
    """The coins of one holder in a database that may hold several purses."""

    def __init__(self, database: Database, name: str, *, mint: Client, log: LogFollower) -> None:
        self._database = database
        self._name = name
        self._mint = mint
        self._log = log
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO purse (name, seed) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
                (name, secrets.token_bytes(64)),
            )
            (seed,) = connection.execute("SELECT seed FROM purse WHERE name = ?", (name,)).fetchone()
        self._seed = Secret(seed)

    # --- what it holds ---------------------------------------------------------------------------------------------------

    def coins(self, unit: str, *, state: str = "ready", label: str = "") -> list[Proof]:
        """The coins of a unit, largest first."""
        with self._database.reading() as connection:
            return store.coins(connection, self._name, unit, state, label)

    def balance(self, unit: str) -> int:
        """What can be paid, in minor units."""
        return sum(coin.amount for coin in self.coins(unit))

    # --- keys ----------------------------------------------------------------------------------------------------------------

    def keys_of(self, keyset: str) -> dict[str, str]:
        """The public keys of a keyset, from the log. Raises `KeysetNotInLog`."""
        found = self._log.view().keyset(keyset) or self._log.refresh().keyset(keyset)
        if found is None:
            raise KeysetNotInLog("A keyset is not in the public log.")
        return found.keys

    def active_keyset(self, unit: str) -> str:
        """The keyset the mint signs a unit with, when the log has it. Raises `KeysetNotInLog`, `UnitUnknown`."""
        for keyset in self._mint.get("/v1/keysets", KeysetsAnswer).keysets:
            if keyset.active and keyset.unit == unit:
                self.keys_of(keyset.id)
                return keyset.id
        raise UnitUnknown("The mint has no active keyset of this unit.")

    def check_genuine(self, proof: Proof) -> None:
        """Raises unless a received coin was made with a key in the log. Works without a connection once the log is known."""
        keys = self.keys_of(proof.id)
        if str(proof.amount) not in keys:
            raise KeysetNotInLog("A coin has an amount that its keyset does not have.")
        check_proof(proof, read_point(keys[str(proof.amount)]))

    # --- with the mint ----------------------------------------------------------------------------------------------------

    def quote(self, amount: int, unit: str, *, pubkey: str) -> MintQuote:
        """Ask for a quote for aid, bound to `pubkey`."""
        return self._mint.post(
            "/v1/mint/quote/benefit", MintQuoteRequest(unit=unit, amount=amount, pubkey=pubkey), MintQuote
        )

    def is_issued(self, quote: str) -> bool:
        """Whether the coins of a quote were taken already."""
        found = self._mint.get(f"/v1/mint/quote/benefit/{quote}", MintQuote)
        return found.amount_issued >= found.amount_paid > 0

    def claim(self, quote: str, amount: int, unit: str, *, quote_key: Secret) -> None:
        """Take the coins of a paid quote."""
        plan = self._plan(unit, amount, locks=None)
        outputs = messages(plan, self._seed)
        request = MintRequest(quote=quote, outputs=outputs, signature=sign_claim(quote, outputs, quote_key.reveal()))
        self._carry_out("/v1/mint/benefit", request, plan=plan, unit=unit, spends=[], states=["ready"] * len(outputs))

    def receive(self, proofs: Sequence[Proof], unit: str) -> None:
        """Exchange coins received from somebody else for own ones: from then on only this purse can spend them."""
        plan = self._plan(unit, sum(proof.amount for proof in proofs), locks=None)
        self._swap(proofs, plan, unit=unit, spends=[], states=["ready"] * len(plan.amounts))

    def make_exact(self, amount: int, unit: str) -> None:
        """Change coins, so that `amount` can be paid exactly. Does nothing when it can be already. Raises `NotEnough`."""
        held = self.coins(unit)
        if _exact(held, amount) is not None:
            return
        spend = _at_least(held, amount)
        rest = sum(coin.amount for coin in spend) - amount
        plan = self._plan(unit, amount, locks=None, change=rest)
        self._swap(spend, plan, unit=unit, spends=[c.secret for c in spend], states=["ready"] * len(plan.amounts))

    def lock(self, amount: int, unit: str, *, lock: LockTo, label: str) -> None:
        """Set `amount` aside, locked to a shop's key, to be paid offline under `label`. Raises `NotEnough`."""
        spend = _at_least(self.coins(unit), amount)
        rest = sum(coin.amount for coin in spend) - amount
        plan = self._plan(unit, amount, locks=lock, change=rest)
        states = ["ready" if each is None else "held" for each in plan.locks]
        self._swap(spend, plan, unit=unit, spends=[c.secret for c in spend], states=states, label=label)

    def redeem(self, quote: MeltQuote, proofs: Sequence[Proof]) -> None:
        """Hand coins in for a deposit. Held coins of this purse leave it."""
        request = MeltRequest(quote=quote.quote, inputs=[without_dleq(proof) for proof in proofs])
        self._carry_out(
            "/v1/melt/settle", request, plan=None, unit=quote.unit, spends=[p.secret for p in proofs], states=[]
        )

    # --- handing over -------------------------------------------------------------------------------------------------------

    def pay(self, amount: int, unit: str) -> list[Proof]:
        """Coins of exactly `amount`, marked as given. Works offline. Raises `NotEnough`, `NoExactCoins`."""
        held = self.coins(unit)
        chosen = _exact(held, amount)
        if chosen is None:
            raise (
                NotEnough("The balance is too low.")
                if sum(c.amount for c in held) < amount
                else NoExactCoins("These coins do not make the amount.")
            )
        self.mark_given([coin.secret for coin in chosen])
        return chosen

    def pay_held(self, unit: str, *, label: str) -> list[Proof]:
        """The coins set aside under `label`, marked as given. Works offline."""
        chosen = self.coins(unit, state="held", label=label)
        self.mark_given([coin.secret for coin in chosen])
        return chosen

    def mark_given(self, secret_texts: list[str]) -> None:
        """These coins were handed over."""
        with self._database.transaction() as connection:
            store.set_state(connection, self._name, secret_texts, "given")

    def keep(self, proofs: Sequence[Proof], unit: str, *, label: str) -> None:
        """Keep received coins as they are (locked to this device's key), to hand them in later."""
        with self._database.transaction() as connection:
            for proof in proofs:
                store.add_coin(connection, self._name, proof, unit=unit, state="held", label=label)

    def forget(self, secret_texts: list[str]) -> None:
        """Drop coins that can never be spent."""
        with self._database.transaction() as connection:
            store.drop(connection, self._name, secret_texts)

    # --- the journal ----------------------------------------------------------------------------------------------------------

    def recover(self) -> int:
        """Finish what a crash interrupted; returns how many requests were finished."""
        with self._database.reading() as connection:
            rows = store.journal(connection, self._name)
        for row in rows:
            self._finish(row)
        return len(rows)

    def _plan(self, unit: str, amount: int, *, locks: LockTo | None, change: int = 0) -> OutputPlan:
        """Outputs for `amount` (locked or not) and for the change, ascending, as the specification advises."""
        keyset = self.active_keyset(unit)
        denominations = [int(each) for each in self.keys_of(keyset)]
        parts = [(each, locks) for each in split_amount(amount, denominations)]
        parts += [(each, None) for each in split_amount(change, denominations)]
        parts.sort(key=lambda part: part[0])
        with self._database.transaction() as connection:
            counter = store.next_counter(connection, self._name, keyset, len(parts))
        return OutputPlan(
            keyset=keyset, counter=counter, amounts=[part[0] for part in parts], locks=[part[1] for part in parts]
        )

    def _swap(
        self,
        proofs: Sequence[Proof],
        plan: OutputPlan,
        *,
        unit: str,
        spends: list[str],
        states: list[str],
        label: str = "",
    ) -> None:
        request = SwapRequest(inputs=[without_dleq(proof) for proof in proofs], outputs=messages(plan, self._seed))
        self._carry_out("/v1/swap", request, plan=plan, unit=unit, spends=spends, states=states, label=label)

    def _carry_out(
        self,
        path: str,
        request: msgspec.Struct,
        *,
        plan: OutputPlan | None,
        unit: str,
        spends: list[str],
        states: list[str],
        label: str = "",
    ) -> None:
        row = JournalRow(0, path, canonical.encode_trusted(request), plan, unit, spends, states, label)
        with self._database.transaction() as connection:
            number = store.write_journal(connection, self._name, row)
            before = _states(connection, self._name, spends)
            store.set_state(connection, self._name, spends, "busy")
        try:
            self._finish(msgspec.structs.replace(row, number=number))
        except RemoteError as error:
            if error.status >= 500:
                raise  # nobody knows whether it was done: the journal keeps it, and `recover` asks again
            # The mint refused: nothing was spent by this request, so the inputs are as before.
            with self._database.transaction() as connection:
                for secret, state in before.items():
                    store.set_state(connection, self._name, [secret], state)
                store.strike(connection, number)
            raise

    def _finish(self, row: JournalRow) -> None:
        if row.plan is None:
            self._mint.post_bytes(row.path, row.body, MeltQuote)
            proofs: list[Proof] = []
        else:
            answer = self._mint.post_bytes(row.path, row.body, Signatures)
            proofs = finish(row.plan, self._seed, answer.signatures, self.keys_of(row.plan.keyset))
        with self._database.transaction() as connection:
            for proof, state in zip(proofs, row.states, strict=True):
                label = row.label if state == "held" else ""
                store.add_coin(connection, self._name, proof, unit=row.unit, state=state, label=label)
            store.drop(connection, self._name, row.spends)
            store.strike(connection, row.number)


def _states(connection: sqlite3.Connection, purse: str, spends: list[str]) -> dict[str, str]:
    found = {}
    for secret in spends:
        row = connection.execute("SELECT state FROM coin WHERE purse = ? AND secret = ?", (purse, secret)).fetchone()
        if row is not None:
            found[secret] = row[0]
    return found


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
    """Coins that make `amount` exactly, or None. Largest first is right for powers of two: if any
    choice makes the amount, this one does."""
    chosen: list[Proof] = []
    rest = amount
    for coin in coins:
        if coin.amount <= rest:
            chosen.append(coin)
            rest -= coin.amount
    if rest == 0:
        return chosen
    return None

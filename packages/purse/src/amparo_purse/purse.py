"""One purse: what it holds and what it does with the mint. Every request is in the journal before it is sent.

Crash rule: the journal row and the inputs' state are one commit before the request (the counter is committed before it: a
number may go unused, never twice); the new coins, the spent inputs and the row's end are one commit after the answer. In
between, `recover` sends the same bytes again, and the mint answers the same. Only a refusal in the mint's own form gives the
inputs back; after any other answer nobody knows, and the row stays. Keys come from the log: a keyset that is not there, or
there for another unit, is refused, whatever the mint says.
"""

import secrets
from collections.abc import Callable, Sequence

import msgspec

from amparo_cashu.curve import read_point
from amparo_cashu.errors import KeysetInactive, KeysetNotInLog, UnitsDiffer, UnitUnknown
from amparo_cashu.nut00_blind import split_amount
from amparo_cashu.nut00_token import without_dleq
from amparo_cashu.nut02_keyset import check_keyset
from amparo_cashu.nut10_secret import read_lock, sign_lock
from amparo_cashu.nut12_dleq import check_proof
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.outputs import LockTo, OutputPlan, finish, messages
from amparo_cashu.wire import (
    Keyset,
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
from amparo_common.bridge import KeysetAnnounced
from amparo_common.secret import Secret
from amparo_log.follow import LogFollower
from amparo_purse import store
from amparo_purse.errors import NoExactCoins, NotEnough
from amparo_purse.store import JournalRow
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError

MOST_AT_ONCE = 100
_SWAP = "/v1/swap"


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

    def keyset(self, keyset: str) -> KeysetAnnounced:
        """A keyset as the log has it; its id commits to its keys. Raises `KeysetNotInLog`, `KeysetUnknown`."""
        found = self._log.view().keyset(keyset) or self._log.refresh().keyset(keyset)
        if found is None:
            raise KeysetNotInLog("A keyset is not in the public log.")
        check_keyset(Keyset(id=found.keyset, unit=found.unit, keys=found.keys, final_expiry=found.final_expiry))
        return found

    def active_keyset(self, unit: str) -> str:
        """The keyset the mint signs a unit with, when the log has it. Raises `KeysetNotInLog`, `UnitUnknown`."""
        for keyset in self._mint.get("/v1/keysets", KeysetsAnswer).keysets:
            if keyset.active and keyset.unit == unit:
                if self.keyset(keyset.id).unit != unit:
                    raise KeysetNotInLog("The mint's keyset of this unit is of another unit in the public log.")
                return keyset.id
        raise UnitUnknown("The mint has no active keyset of this unit.")

    def check_known(self, proof: Proof, unit: str) -> None:
        """Raises unless a received coin is of this unit and its keyset has its amount. Whether it is genuine the mint says
        when it is changed; a coin that brings its proof is checked here too. Raises `UnitsDiffer`, `KeysetNotInLog`."""
        if proof.dleq is None:
            self._key_of(proof, unit)
        else:
            self.check_genuine(proof, unit)

    def check_genuine(self, proof: Proof, unit: str) -> None:
        """Raises unless a received coin is of this unit and was made with a key in the log. Works without a connection once
        the log is known."""
        check_proof(proof, read_point(self._key_of(proof, unit)))

    def _key_of(self, proof: Proof, unit: str) -> str:
        keyset = self.keyset(proof.id)
        if keyset.unit != unit:
            raise UnitsDiffer("A coin is of another unit.")
        if str(proof.amount) not in keyset.keys:
            raise KeysetNotInLog("A coin has an amount that its keyset does not have.")
        return keyset.keys[str(proof.amount)]

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

    def take_back(self, unit: str, *, refund_key: Callable[[str], Secret], now: int) -> int:
        """Bring back what was locked to shops and not paid there, once its time has passed (`now` in unix time); returns
        the sum. `refund_key` gives the key for a label. Safe to repeat."""
        with self._database.reading() as connection:
            held = store.held(connection, self._name, unit)
        late = [(coin, label) for coin, label in held if _is_late(coin, now)]
        for at in range(0, len(late), MOST_AT_ONCE):
            part = late[at : at + MOST_AT_ONCE]
            plan = self._plan(unit, sum(coin.amount for coin, _ in part), locks=None)
            signed = [sign_lock(coin, refund_key(label).reveal()) for coin, label in part]
            self._swap(
                signed, plan, unit=unit, spends=[c.secret for c, _ in part], states=["ready"] * len(plan.amounts)
            )
        return sum(coin.amount for coin, _ in late)

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
        """Finish what a crash interrupted; returns how many requests were finished. One that the mint refuses now was not
        done before the crash either: its inputs are given back."""
        with self._database.reading() as connection:
            rows = store.journal(connection, self._name)
        for row in rows:
            try:
                self._finish(row)
            except RemoteError as error:
                if not _is_refusal(error):
                    raise
                self._receive_again(row, error)
                self._undo(row)
        return len(rows)

    def _receive_again(self, row: JournalRow, refusal: RemoteError) -> None:
        """Coins received from somebody else stand in the journal only. When their exchange is refused because the keyset of
        its outputs was closed since, they are exchanged into the keyset of today."""
        if row.path != _SWAP or row.spends or refusal.remote_code != str(KeysetInactive.number):
            return
        try:
            self.receive(msgspec.json.decode(row.body, type=SwapRequest).inputs, row.unit)
        except RemoteError as error:
            if not _is_refusal(error):
                raise

    def _plan(self, unit: str, amount: int, *, locks: LockTo | None, change: int = 0) -> OutputPlan:
        """Outputs for `amount` (locked or not) and for the change, ascending, as the specification advises."""
        keyset = self.active_keyset(unit)
        denominations = [int(each) for each in self.keyset(keyset).keys]
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
        self._carry_out(_SWAP, request, plan=plan, unit=unit, spends=spends, states=states, label=label)

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
            row = msgspec.structs.replace(row, number=store.write_journal(connection, self._name, row))
            store.set_state(connection, self._name, spends, "busy")
        try:
            self._finish(row)
        except RemoteError as error:
            # Otherwise nobody knows whether it was done: the journal keeps it, and `recover` asks again.
            if _is_refusal(error):
                self._undo(row)
            raise

    def _finish(self, row: JournalRow) -> None:
        if row.plan is None:
            self._mint.post_bytes(row.path, row.body, MeltQuote)
            proofs: list[Proof] = []
        else:
            answer = self._mint.post_bytes(row.path, row.body, Signatures)
            proofs = finish(row.plan, self._seed, answer.signatures, self.keyset(row.plan.keyset).keys)
        with self._database.transaction() as connection:
            for proof, state in zip(proofs, row.states, strict=True):
                label = row.label if state == "held" else ""
                store.add_coin(connection, self._name, proof, unit=row.unit, state=state, label=label)
            store.drop(connection, self._name, row.spends)
            store.strike(connection, row.number)

    def _undo(self, row: JournalRow) -> None:
        """The mint refused: nothing was spent by this request, so the inputs are as before."""
        with self._database.transaction() as connection:
            store.release(connection, self._name, row.spends)
            store.strike(connection, row.number)


def _is_late(coin: Proof, now: int) -> bool:
    lock = read_lock(coin.secret)
    return lock is not None and lock.locktime is not None and lock.locktime < now


def _is_refusal(error: RemoteError) -> bool:
    """Whether the mint itself said no: its errors carry a number. A hot spot's page or a proxy's answer says nothing about
    what the mint did with an earlier sending."""
    return 400 <= error.status < 500 and error.remote_code.isdigit()


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

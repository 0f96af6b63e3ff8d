"""The purse's requests that change something: written down before they are sent, finished or undone afterwards.

Crash rule: the journal row and the inputs' state are one commit before the request (the counter is committed before it: a
number may go unused, never twice); the new coins, the spent inputs and the row's end are one commit after the answer. In
between, `recover` sends the same bytes again, and the mint answers the same. Only a refusal in the mint's own form gives the
inputs back, and only when the mint has not signed the request's outputs either (NUT-09): an earlier sending, before a crash or
a moment ago, may have been done and its answer lost. After any other answer nobody knows, and the row stays. A deposit that
waits at the mint (NUT-05, PENDING) stays too, until it is paid or given back.
"""

from collections.abc import Callable, Sequence

import msgspec

from amparo_cashu.errors import KeysetInactive
from amparo_cashu.outputs import OutputPlan, finish, messages
from amparo_cashu.wire import (
    MeltQuote,
    MeltRequest,
    MintRequest,
    Proof,
    RestoreAnswer,
    RestoreRequest,
    Signatures,
    SwapRequest,
)
from amparo_common import canonical
from amparo_common.bridge import KeysetAnnounced
from amparo_common.errors import AmparoError
from amparo_common.secret import Secret
from amparo_purse import store
from amparo_purse.store import JournalRow
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError, Unreachable

CLAIM, SWAP, DEPOSIT = "/v1/mint/benefit", "/v1/swap", "/v1/melt/settle"
PAID, PENDING, UNPAID = "PAID", "PENDING", "UNPAID"
_TOO_SLOW = 408
_ABOUT_ACCESS = 30_000


def is_refusal(error: RemoteError) -> bool:
    """Whether the mint itself said no: its errors carry a number. A hot spot's page or a proxy's answer says nothing about
    what the mint did with an earlier sending, nor does the mint's word that this one did not arrive in time, or that it came
    without an access token (NUT-21 and 22: 30000 and above)."""
    said_no = error.remote_code.isdigit() and int(error.remote_code) < _ABOUT_ACCESS
    return 400 <= error.status < 500 and error.status != _TOO_SLOW and said_no


class Journal:
    """The requests of one purse. `seed` gives the purse's seed, `keyset` a keyset of the public log, `receive` makes the row of
    an exchange of coins received from somebody else into another keyset than a row's (None: there is no other), `claim_from`
    says when a claim may follow an exchange of this moment."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        mint: Client,
        seed: Callable[[], Secret],
        keyset: Callable[[str], KeysetAnnounced],
        receive: Callable[[Sequence[Proof], JournalRow], JournalRow | None],
        claim_from: Callable[[], int],
    ) -> None:
        self._database = database
        self._name = name
        self._mint = mint
        self._seed = seed
        self._keyset = keyset
        self._receive = receive
        self._claim_from = claim_from

    def carry_out(self, row: JournalRow, *, through: Client | None = None, given: bool = False) -> str:
        """Write a request down, send it (over another connection if one is given) and finish it; coins that were handed over
        only if they are `given`. Returns how it stands: PAID, or for a deposit also PENDING (it stays in the journal) or UNPAID
        (given back). Raises `RemoteError`, `Unreachable`, `SignatureNotProved`, `CoinsBusy`."""
        with self._database.transaction() as connection:
            row = msgspec.structs.replace(row, number=store.write_journal(connection, self._name, row))
            store.engage(connection, self._name, row.spends, given=given)
        return self._finish_or_undo(row, through or self._mint, is_new=True)

    def recover(self, *, claims: bool | None = None) -> int:
        """Finish what was interrupted (only claims, or all but claims, if that is said); returns how many requests are out of
        the journal now. One that the mint refuses and has not done is undone. A request of which nothing is known stays and
        does not stop those behind it: its error is raised at the end. Raises `Unreachable` at once."""
        with self._database.reading() as connection:
            rows = [row for row in store.journal(connection, self._name) if claims in (None, row.path == CLAIM)]
        finished, trouble = 0, None
        for row in rows:
            try:
                finished += self._finish_or_undo(row, self._mint) != PENDING
            except Unreachable:
                raise
            except AmparoError as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return finished

    def _finish_or_undo(self, row: JournalRow, mint: Client, *, is_new: bool = False) -> str:
        """Finish a request, or undo one that the mint refuses and has not done; of a new one that is an error. When nobody knows
        whether it was done, the journal keeps it."""
        try:
            return self._finish(row, mint)
        except RemoteError as error:
            if not is_refusal(error):
                raise
            refusal = error
        state = self._state(row, mint)
        if state != UNPAID or (not is_new and self._receive_again(row, refusal)):
            return state
        self._undo(row)
        if is_new:
            raise refusal
        return state

    def _state(self, row: JournalRow, mint: Client) -> str:
        """How a request stands that the mint refused: an earlier sending may have been done. Asked over the connection of that
        sending, because its outputs are shown again."""
        if row.plan is None:
            return self._settle(row, mint)
        return PAID if self._was_done(row, row.plan, mint) else UNPAID

    def _finish(self, row: JournalRow, mint: Client) -> str:
        if row.plan is None:
            return self._settled(row, mint.post_bytes(row.path, row.body, MeltQuote).state)
        answer = mint.post_bytes(row.path, row.body, Signatures)
        self._store(row, finish(row.plan, self._seed(), answer.signatures, self._keyset(row.plan.keyset).keys))
        return PAID

    def _settled(self, row: JournalRow, state: str) -> str:
        if state == PAID:
            self._store(row, [])
        elif state == UNPAID:
            self._undo(row)
        return state

    def _settle(self, row: JournalRow, mint: Client) -> str:
        """A deposit that the mint refused to take again: how it stands there."""
        quote = msgspec.json.decode(row.body, type=MeltRequest).quote
        try:
            found = mint.get(f"/v1/melt/quote/settle/{quote}", MeltQuote)
        except RemoteError as error:
            if not is_refusal(error):
                raise
            return self._settled(row, UNPAID)  # the mint has no such deposit
        return self._settled(row, found.state)

    def _was_done(self, row: JournalRow, plan: OutputPlan, mint: Client) -> bool:
        """Whether the mint did a request long ago and only its answer was lost: then its outputs are signed."""
        outputs = messages(plan, self._seed())
        try:
            answer = mint.post("/v1/restore", RestoreRequest(outputs=outputs), RestoreAnswer)
        except RemoteError as error:
            if not is_refusal(error):
                raise
            return False
        signed = {output.B_: signature for output, signature in zip(answer.outputs, answer.signatures, strict=False)}
        if any(output.B_ not in signed for output in outputs):
            return False
        signatures = [signed[output.B_] for output in outputs]
        self._store(row, finish(plan, self._seed(), signatures, self._keyset(plan.keyset).keys))
        return True

    def _receive_again(self, row: JournalRow, refusal: RemoteError) -> bool:
        """Coins received from somebody else stand in the journal only. When their exchange is refused because the keyset of
        its outputs was closed since, they are exchanged into another one, once; where there is none yet, they wait. Whether it
        was that."""
        if row.path != SWAP or row.spends or refusal.remote_code != str(KeysetInactive.number):
            return False
        renewed = self._receive(msgspec.json.decode(row.body, type=SwapRequest).inputs, row)
        if renewed is None:
            raise refusal
        with self._database.transaction() as connection:
            store.strike(connection, row.number)
            renewed = msgspec.structs.replace(renewed, number=store.write_journal(connection, self._name, renewed))
        self._finish(renewed, self._mint)  # refused again: the next time sees to it
        return True

    def _store(self, row: JournalRow, proofs: Sequence[Proof]) -> None:
        with self._database.transaction() as connection:
            rests = store.rest_of(connection, self._name, row.spends)
            for proof, state in zip(proofs, row.states, strict=True):
                label = row.label if state == "held" else ""
                store.add_coin(connection, self._name, proof, unit=row.unit, state=state, label=label)
            store.drop(connection, self._name, row.spends)
            store.strike(connection, row.number)
            if row.path == CLAIM:
                store.drop_refused(connection, self._name, _quote_of(row))
                pay_from, quiet_until = store.read_rest(row.label)
                store.set_rest(connection, self._name, row.unit, quiet_until)
                if pay_from:
                    store.let_rest(connection, self._name, [proof.secret for proof in proofs], pay_from)
            elif row.path == SWAP:
                if rests:
                    # What is changed in a hurry waits on: the change is no less this holder's than the coin was.
                    store.let_rest(connection, self._name, [proof.secret for proof in proofs], rests)
                store.set_rest(connection, self._name, store.EXCHANGED, self._claim_from())

    def _undo(self, row: JournalRow) -> None:
        """The mint refused: nothing was spent by this request, so the inputs are as before. A claim's outputs are kept for its
        next try."""
        with self._database.transaction() as connection:
            store.release(connection, self._name, row.spends)
            store.strike(connection, row.number)
            if row.path == CLAIM and row.plan is not None:
                store.keep_refused(connection, self._name, _quote_of(row), row.plan)


def _quote_of(row: JournalRow) -> str:
    return msgspec.json.decode(row.body, type=MintRequest).quote


def request_row(
    path: str,
    request: msgspec.Struct,
    *,
    plan: OutputPlan | None,
    unit: str,
    spends: Sequence[str] = (),
    states: Sequence[str] = (),
    label: str = "",
) -> JournalRow:
    """A request as it is written down. `spends` are the inputs' secrets that this purse holds, `states` those that its new
    coins will have; the held ones stand under `label`."""
    return JournalRow(0, path, canonical.encode_trusted(request), plan, unit, list(spends), list(states), label)

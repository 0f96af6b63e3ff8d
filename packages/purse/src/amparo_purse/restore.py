"""Bring a purse's coins back from its recovery code (NUT-09, NUT-13), and show the mint as little as possible on the way.

What a restoring tells: a request for signatures shows outputs, some of them from a claim that the office knows; a question
whether coins are spent shows coins, some of them from purchases that the shops know. A mint that keeps requests must not be
able to put the two together. So every request goes over a connection of its own; the numbers of a keyset are asked in random
pieces of random size, filled up with invented outputs to one size; each question holds one coin among invented ones; each
coin is exchanged alone; first all pieces and then all coins in random order, with pauses (coins asked about between the
pieces would tell by their amounts which pieces came before). What that is worth is measured by
`tests/attacks/test_restore_linking.py`. LIMIT: it needs a crowd. The mint sees the moment of each request, so a purse that is
the only one to be restored that day is known by that; and it knows which outputs it has signed and which coins are spent,
invented ones hide neither: they hide how many there are. With the published filters of spent coins no spent coin is asked
about at all: use them. Network addresses must be hidden by others (proxy, Tor).

Numbers are never used twice: a purse makes no coins from a seed while it is being searched, and afterwards begins behind
everything that was asked for but the last third of the empty end (so that a later search finds what follows). Keysets come
from the log, and ids commit to their keys, so a mint cannot pass another keyset's numbers off as these.

LIMIT: coins locked to a shop are not found: their secret holds the shop's key and a time that no code leads to. Keysets that
are closed are not searched. A code that was handed over and not taken yet is found again, as the payer's own.
"""

import functools
import random
import secrets
from collections.abc import Callable, Sequence

import msgspec

from amparo_cashu.errors import AlreadySpent, SignatureNotProved
from amparo_cashu.nut22_auth import UNIT as ACCESS
from amparo_cashu.outputs import OutputPlan, finish
from amparo_cashu.schemes import Scheme, scheme_of
from amparo_cashu.spent_filter import SpentFilter, filter_item
from amparo_cashu.wire import (
    BlindedMessage,
    BlindSignature,
    CheckStateAnswer,
    CheckStateRequest,
    Proof,
    RestoreAnswer,
    RestoreRequest,
)
from amparo_common.bridge import KeysetAnnounced
from amparo_common.secret import Secret
from amparo_purse import recovery, store
from amparo_purse.calendar import is_closed
from amparo_purse.errors import RestoreUnfinished
from amparo_purse.purse import Purse
from amparo_purse.store import Chunk, Restoring, Searched
from amparo_service.client import Client
from amparo_service.errors import RemoteError

GAP = 300
Step = Callable[[], None]


class Manner(msgspec.Struct, frozen=True):
    """How a restoring asks. `numbers`: least and most of a keyset's numbers in one request; `outputs`: to how many it is
    filled up; `coins`: how many coins are asked about, and exchanged, at once; `points`: to how many a question is filled
    up; `mixed`: everything in random order; `pause`: mean seconds between requests."""

    numbers: tuple[int, int] = (8, 24)
    outputs: int = 32
    coins: int = 1
    points: int = 8
    mixed: bool = True
    pause: float = 2.0


class Progress(msgspec.Struct, frozen=True):
    """How a restoring stands, sums in minor units of all units: signed coins that were found, those of them that are spent;
    `waiting`: requests known to be left; `wait`: seconds to let pass before the next step; `done`: nothing is left."""

    found: int
    spent: int
    waiting: int
    wait: float
    done: bool


class Restorer:
    """Restores one purse step by step; what it has done is on the disk, so another one goes on where it stopped. `connect`
    makes a connection of its own for every request. `filters`: the published filters of spent coins, if they are at hand.
    With `hurry` it also goes on beside a claim, which tells the mint whose coins these are.
    LIMIT: a filter takes one good coin in a million for spent; a restoring with a later edition finds it."""

    def __init__(
        self,
        purse: Purse,
        *,
        connect: Callable[[], Client],
        filters: Sequence[SpentFilter] = (),
        manner: Manner | None = None,
        chance: random.Random | None = None,
        hurry: bool = False,
    ) -> None:
        self._purse = purse
        self._database = purse.database
        self._connect = connect
        self._filters = filters
        self._manner = manner or Manner()
        self._chance = chance or secrets.SystemRandom()
        self._hurry = hurry

    def begin(self, code: str, *, keep_code: bool = False, gap: int = GAP) -> None:
        """Begin to restore from a code; the coins become this purse's own, under its own new code. With `keep_code` an
        unused purse takes the code over instead: then whoever holds the lost phone can follow all that comes. A search
        ends after `gap` numbers in a row that were never signed. Again with the same code changes nothing. Raises
        `CodeFalse`, `PurseInUse`, `RestoreUnfinished` while another code is being restored, `ExchangeRests` beside a
        claim."""
        entropy = recovery.read_code(code)
        self._purse.check_quiet(hurry=self._hurry)
        seed = recovery.seed_of(entropy).reveal()
        with self._database.transaction() as connection:
            known = store.restoring(connection, self._purse.name)
            if known is not None:
                if known.seed != seed:
                    raise RestoreUnfinished("This purse is being restored from another code.")
                return
            if keep_code:
                self._purse.adopt_seed(entropy)
            store.begin_restoring(connection, self._purse.name, seed=seed, gap=gap)
        self._purse.read_seed()

    def step(self) -> Progress:
        """One request, or none when all is done. Raises `RemoteError`, `Unreachable`, `SignatureNotProved`, `ExchangeRests`
        beside a claim; repeating it is safe."""
        with self._database.reading() as connection:
            known = store.restoring(connection, self._purse.name)
        if known is None:
            return Progress(0, 0, 0, 0.0, done=True)
        self._purse.check_quiet(hurry=self._hurry)
        self._search_on(known)
        steps = self._steps(Secret(known.seed))
        if not steps:
            with self._database.transaction() as connection:
                store.end_restoring(connection, self._purse.name)
            return Progress(known.found, known.spent, 0, 0.0, done=True)
        (self._chance.choice(steps) if self._manner.mixed else steps[0])()
        wait = self._chance.expovariate(1 / self._manner.pause) if self._manner.pause else 0.0
        return Progress(known.found, known.spent, len(steps) - 1, wait, done=False)

    # --- what is to be done ----------------------------------------------------------------------------------------------

    def _search_on(self, known: Restoring) -> None:
        """When every piece is answered: the next pieces of all keysets, or the end of the search."""
        with self._database.reading() as connection:
            if known.searched or store.chunks(connection, self._purse.name):
                return
        now = self._purse.now()
        keysets = [
            each.keyset
            for _, each in self._purse.keys.fresh_log().keysets
            # No coin is an access token (NUT-22), and the mint restores none.
            if each.unit != ACCESS
            and not is_closed(each, now)
            and (each.active_from is None or each.active_from <= now)
        ]
        with self._database.transaction() as connection:
            done = {place.keyset: place for place in store.searched(connection, self._purse.name)}
            places = [done.get(each) or Searched(each, 0, self._first_highest(known, each)) for each in keysets]
            ends = [(place, place.highest + 1 + known.gap) for place in places]
            for place, end in ends:
                for numbers in self._pieces(list(range(place.reached, end))):
                    store.add_chunk(connection, self._purse.name, place.keyset, numbers)
                if place.reached < end:
                    store.set_searched(connection, self._purse.name, Searched(place.keyset, end, place.highest))
            if all(place.reached >= end for place, end in ends):
                self._end_search(known, places)

    def _first_highest(self, known: Restoring, keyset: str) -> int:
        """The highest number that counts as signed before anything was asked: in a purse that goes on with the code, all
        that it gave out."""
        if not self._purse.is_own(Secret(known.seed)):
            return -1
        with self._database.reading() as connection:
            return store.counter(connection, self._purse.name, keyset) - 1

    def _end_search(self, known: Restoring, places: Sequence[Searched]) -> None:
        with self._database.transaction() as connection:
            store.mark_searched(connection, self._purse.name)
            if self._purse.is_own(Secret(known.seed)):
                for place in places:
                    # Numbers that the mint was shown are left out, but not so many that the next search stops before.
                    first = place.highest + 1 + known.gap * 2 // 3
                    store.skip_to(connection, self._purse.name, place.keyset, first)

    def _pieces(self, numbers: list[int]) -> list[list[int]]:
        if self._manner.mixed:
            self._chance.shuffle(numbers)
        pieces = []
        while numbers:
            size = self._chance.randint(*self._manner.numbers)
            pieces.append(numbers[:size])
            numbers = numbers[size:]
        return pieces

    def _steps(self, seed: Secret) -> list[Step]:
        """What could be done next."""
        with self._database.reading() as connection:
            chunks = store.chunks(connection, self._purse.name)
            unasked = store.found_coins(connection, self._purse.name, store.UNASKED)
            unspent = store.found_coins(connection, self._purse.name, store.UNSPENT)
        if chunks:
            return [functools.partial(self._ask_signatures, chunk, seed) for chunk in chunks]
        steps: list[Step] = [functools.partial(self._ask_spent, part) for _, part in self._parts(unasked)]
        return steps + [functools.partial(self._exchange, unit, part) for unit, part in self._parts(unspent)]

    def _parts(self, coins: Sequence[tuple[Proof, str]]) -> list[tuple[str, list[Proof]]]:
        size, found = self._manner.coins, []
        for unit in sorted({unit for _, unit in coins}):
            same = [coin for coin, each in coins if each == unit]
            found += [(unit, same[at : at + size]) for at in range(0, len(same), size)]
        return found

    def _mint(self) -> Client:
        return self._purse.admitted(self._connect())

    # --- requests --------------------------------------------------------------------------------------------------------

    def _ask_signatures(self, chunk: Chunk, seed: Secret) -> None:
        keyset = self._purse.keys.keyset(chunk.keyset)
        scheme = scheme_of(keyset.keyset)
        places = {_blinded(scheme, seed, keyset.keyset, number): number for number in chunk.counters}
        asked = self._mixed([*places, *self._invented(scheme, self._manner.outputs - len(places))])
        outputs = [BlindedMessage(amount=0, id=keyset.keyset, B_=point) for point in asked]
        answer = self._mint().post("/v1/restore", RestoreRequest(outputs=outputs), RestoreAnswer)
        signed = _by_number(answer, places)
        coins = [_coin(keyset, number, signature, seed) for number, signature in signed.items()]
        labelled = [(coin, self._label(coin)) for coin in coins]
        with self._database.transaction() as connection:
            new = [
                (coin, label)
                for coin, label in labelled
                if store.add_coin(connection, self._purse.name, coin, unit=keyset.unit, state="found", label=label)
            ]
            spent = [coin for coin, label in new if label == store.SPENT]
            store.drop(connection, self._purse.name, [coin.secret for coin in spent])
            found = sum(coin.amount for coin, _ in new)
            store.count_found(connection, self._purse.name, found=found, spent=sum(coin.amount for coin in spent))
            store.set_searched(connection, self._purse.name, Searched(chunk.keyset, 0, max(signed, default=-1)))
            store.drop_chunk(connection, chunk.number)

    def _label(self, coin: Proof) -> str:
        """What is known of a coin without asking the mint."""
        item = filter_item(coin.id, bytes.fromhex(scheme_of(coin.id).point(coin.secret)))
        has = [each.has(item) for each in self._filters if each.keyset == coin.id]
        return store.SPENT if any(has) else store.UNSPENT if has else store.UNASKED

    def _ask_spent(self, coins: Sequence[Proof]) -> None:
        points = {scheme_of(coin.id).point(coin.secret): coin for coin in coins}
        invented = self._invented(scheme_of(coins[0].id), self._manner.points - len(points))
        asked = self._mixed([*points, *invented])
        states = self._mint().post("/v1/checkstate", CheckStateRequest(Ys=asked), CheckStateAnswer).states
        state_of = {state.Y.lower(): state.state for state in states}
        if not points.keys() <= state_of.keys():
            raise SignatureNotProved("The mint did not answer for every coin.")
        # One that waits in a shop's deposit was paid there: it is not this purse's any more.
        spent = [coin for point, coin in points.items() if state_of[point] != "UNSPENT"]
        with self._database.transaction() as connection:
            store.drop(connection, self._purse.name, [coin.secret for coin in spent])
            store.count_found(connection, self._purse.name, spent=sum(coin.amount for coin in spent))
            for coin in coins:
                store.set_label(connection, self._purse.name, coin.secret, store.UNSPENT)

    def _exchange(self, unit: str, coins: Sequence[Proof]) -> None:
        """Make restored coins this purse's own; then nobody else who holds the code can spend them."""
        secret_texts = [coin.secret for coin in coins]
        try:
            amounts = [coin.amount for coin in coins]
            self._purse.exchange(coins, amounts, unit, through=self._connect(), hurry=self._hurry)
        except RemoteError as error:
            if self._purse.is_ended(coins[0].id, error):
                self._purse.end(secret_texts)
            elif error.remote_code == str(AlreadySpent.number):
                self._spent_meanwhile(coins)
            else:
                raise

    def _spent_meanwhile(self, coins: Sequence[Proof]) -> None:
        with self._database.transaction() as connection:
            if len(coins) == 1:
                store.drop(connection, self._purse.name, [coins[0].secret])
                store.count_found(connection, self._purse.name, spent=coins[0].amount)
            for coin in coins:
                store.set_label(connection, self._purse.name, coin.secret, store.UNASKED)

    def _mixed(self, points: list[str]) -> list[str]:
        if self._manner.mixed:
            self._chance.shuffle(points)
        return points

    def _invented(self, scheme: Scheme, count: int) -> list[str]:
        """Points that nobody has signed or spent."""
        return [scheme.invented(self._chance.randbytes(31)) for _ in range(count)]


def _blinded(scheme: Scheme, seed: Secret, keyset: str, number: int) -> str:
    blank = scheme.blank(seed, keyset, number)
    return scheme.blind(blank.secret, blank.factor)


def _by_number(answer: RestoreAnswer, places: dict[str, int]) -> dict[int, BlindSignature]:
    """The signatures by their number. Raises `SignatureNotProved` for an answer to something that was not asked."""
    if len(answer.outputs) != len(answer.signatures) or any(output.B_ not in places for output in answer.outputs):
        raise SignatureNotProved("The mint signed an output that it had never been given.")
    return {places[output.B_]: each for output, each in zip(answer.outputs, answer.signatures, strict=True)}


def _coin(keyset: KeysetAnnounced, number: int, signature: BlindSignature, seed: Secret) -> Proof:
    if str(signature.amount) not in keyset.keys:
        raise SignatureNotProved("The mint signed an amount that its keyset does not have.")
    plan = OutputPlan(keyset=keyset.keyset, counter=number, amounts=[signature.amount], locks=[None])
    return finish(plan, seed, [signature], keyset.keys)[0]

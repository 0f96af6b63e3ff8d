"""What a purse sees of the world: a log in memory, and a mint on paper that keeps its rules or lies as told."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from amparo_cashu.curve import (
    ORDER,
    generator_times,
    hash_to_curve,
    multiply,
    read_point,
    show_point,
)
from amparo_cashu.nut00_blind import blind, unblind
from amparo_cashu.nut02_keyset import keyset_id
from amparo_cashu.nut12_dleq import challenge
from amparo_cashu.wire import (
    BlindedMessage,
    BlindSignature,
    CheckStateRequest,
    ClaimQuote,
    Dleq,
    KeysetInfo,
    KeysetsAnswer,
    MeltQuote,
    MeltQuoteRequest,
    MeltRequest,
    MethodsSetting,
    MintInfo,
    MintQuote,
    MintQuoteRequest,
    MintRequest,
    Nuts,
    Proof,
    RestoreAnswer,
    RestoreRequest,
    Signatures,
    SwapRequest,
)
from amparo_common.bridge import KeyAnnounced, KeysetAnnounced, LogEntry, LogMessage, sign_for_log
from amparo_common.clock import FixedClock, to_text
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.view import LogView
from amparo_purse import store
from amparo_purse.purse import Purse
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import Unreachable

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINT_KEY = SigningKey.generate()
DENOMINATIONS = tuple(1 << exponent for exponent in range(14))


class TownLog(LogFollower):
    """The public log as a device sees it, kept in memory. `away`: there is no connection, only what was seen last."""

    def __init__(self) -> None:
        self._seen, self._published = LogView(), LogView()
        self.away = False
        self._entries: list[LogEntry] = []
        self.publish(KeyAnnounced(purpose="mint", jwk=MINT_KEY.public.jwk), MINT_KEY)

    def refresh(self) -> LogView:
        """Everything that was published."""
        if self.away:
            raise Unreachable("There is no connection.")
        for place in range(self._seen.size, self._published.size):
            self._seen.add(place, self._entries[place])
        return self._seen

    def view(self) -> LogView:
        """What was seen at the last refresh."""
        return self._seen

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Take a message in as the next entry."""
        self._entries.append(LogEntry(at=to_text(NOON), entry=sign_for_log(body, key)))
        self._published.add(self._published.size, self._entries[-1])
        return self._published.size - 1


class Coiner:
    """The keys of one keyset, and what is signed with them."""

    def __init__(self, unit: str = "food", *, final_expiry: int | None = None) -> None:
        self.unit = Unit(unit)
        self.final_expiry = final_expiry
        self.secrets = {amount: secrets.token_bytes(31).rjust(32, b"\0") for amount in DENOMINATIONS}
        self.public = {amount: show_point(generator_times(secret)) for amount, secret in self.secrets.items()}
        self.id = KeysetId(keyset_id(self.public, unit=unit, final_expiry=final_expiry))

    def announcement(self) -> KeysetAnnounced:
        """What the mint puts into the log."""
        keys = {str(amount): key for amount, key in self.public.items()}
        return KeysetAnnounced(keyset=self.id, unit=self.unit, keys=keys, final_expiry=self.final_expiry)

    def sign(self, output: BlindedMessage, *, amount: int | None = None) -> BlindSignature:
        """The signature on an output with its proof (NUT-12), as a mint makes them."""
        secret, key = self.secrets[amount or output.amount], read_point(self.public[amount or output.amount])
        signed = multiply(read_point(output.B_), secret)
        nonce = secrets.token_bytes(31).rjust(32, b"\0")
        e = challenge(generator_times(nonce), multiply(read_point(output.B_), nonce), key, signed)
        s = (int.from_bytes(nonce, "big") + int.from_bytes(e, "big") * int.from_bytes(secret, "big")) % ORDER
        dleq = Dleq(e=e.hex(), s=s.to_bytes(32, "big").hex())
        return BlindSignature(amount=output.amount, id=self.id, C_=show_point(signed), dleq=dleq)

    def coin(self, amount: int, *, secret: str | None = None) -> Proof:
        """A genuine coin, as a payer hands it over."""
        text, factor = secret or secrets.token_hex(32), secrets.token_bytes(31).rjust(32, b"\0")
        output = BlindedMessage(amount=amount, id=self.id, B_=show_point(blind(text, factor)))
        signature = self.sign(output)
        assert signature.dleq is not None
        point = unblind(read_point(signature.C_), factor, read_point(self.public[amount]))
        dleq = Dleq(e=signature.dleq.e, s=signature.dleq.s, r=factor.hex())
        return Proof(amount=amount, id=self.id, secret=text, C=show_point(point), dleq=dleq)


Lie = Callable[[str, Any], Any]


class PaperMint(httpx2.BaseTransport):
    """A mint without a disk: signs, remembers what is spent, what it signed and what it answered, and answers the same request
    the same. `lie` may change an answer (given the path and the honest one); `away` gives none; `intercept` lets something
    on the way answer in the mint's place; `asked` lists the paths that were asked; `slow`: deposits wait (PENDING) until
    `settle`; `ended`: keysets whose coins it takes no more; `window_ends`, `crowd`, `crowd_needed`: what it says with a quote."""

    def __init__(self, *coiners: Coiner) -> None:
        self.coiners = {coiner.id: coiner for coiner in coiners}
        self.active = {coiner.unit: coiner.id for coiner in coiners}
        self.spent: set[str] = set()
        self.pending: dict[str, set[str]] = {}
        self.signed: dict[str, BlindSignature] = {}
        self.served: dict[bytes, Any] = {}
        self.quotes: dict[str, MintQuote] = {}
        self.deposits: dict[str, MeltQuote] = {}
        self.ended: set[str] = set()
        self.asked: list[str] = []
        self.away = self.slow = False
        self.window_ends = self.crowd = self.crowd_needed = 0
        self.lie: Lie = lambda _path, honest: honest
        self._between: dict[str, tuple[httpx2.Response, bool]] = {}

    def intercept(self, path: str, answer: httpx2.Response, *, served: bool = True) -> None:
        """From now on a request to `path` gets this answer; the mint carries it out before that, or never sees it."""
        self._between[path] = (answer, served)

    def refuse(self, path: str, code: int, detail: str = "no") -> None:
        """From now on a request to `path` is refused, and not carried out."""
        self.intercept(path, httpx2.Response(400, json={"detail": detail, "code": code}), served=False)

    def honest(self) -> None:
        """No lies any more, and nothing in between."""
        self.lie = lambda _path, honest: honest
        self._between.clear()

    def settle(self, *, paid: bool) -> None:
        """The deposits that wait are paid, or given back."""
        for quote, points in self.pending.items():
            state = "PAID" if paid else "UNPAID"
            self.deposits[quote] = msgspec.structs.replace(self.deposits[quote], state=state)
            if paid:
                self.spent |= points
            else:
                self.served = {asked: answer for asked, answer in self.served.items() if answer != quote}
        self.pending.clear()

    @property
    def outstanding(self) -> int:
        """What was claimed here and not deposited; waiting deposits count as not deposited."""
        deposited = sum(each.amount for each in self.deposits.values() if each.state == "PAID")
        return sum(each.amount_issued for each in self.quotes.values()) - deposited

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request."""
        path, body = request.url.path, request.read()
        if self.away:
            raise httpx2.ConnectError("away")
        self.asked.append(path)
        between, served = self._between.get(path, (None, True))
        if between is not None and not served:
            return between
        found = self.served.get(path.encode() + body) or self._answer(path, body)
        if between is not None:
            return between
        found = self.lie(path, self.deposits[found] if isinstance(found, str) else found)
        if isinstance(found, httpx2.Response):
            return found
        if isinstance(found, tuple):
            return httpx2.Response(400, json={"detail": found[1], "code": found[0]})
        return httpx2.Response(200, content=msgspec.json.encode(found))

    def _answer(self, path: str, body: bytes) -> Any:
        decode = msgspec.json.decode
        match path.removeprefix("/v1/").split("/"):
            case ["keysets"]:
                active = self.active.values()
                infos = [KeysetInfo(each.id, each.unit, active=each.id in active) for each in self.coiners.values()]
                return KeysetsAnswer(infos)
            case ["checkstate"]:
                return {"states": [self._state(y) for y in decode(body, type=CheckStateRequest).Ys]}
            case ["info"]:
                return MintInfo(Nuts(mint=MethodsSetting([]), melt=MethodsSetting([])))
            case ["restore"]:
                asked = decode(body, type=RestoreRequest).outputs
                known = [(each, self.signed[each.B_]) for each in asked if each.B_ in self.signed]
                known = [(each, signature) for each, signature in known if signature.id == each.id]
                return RestoreAnswer([each for each, _ in known], [signature for _, signature in known])
            case ["mint", "quote", "benefit"]:
                return self._quote(decode(body, type=MintQuoteRequest))
            case ["mint", "quote", "benefit", quote]:
                return self._shown(quote)
            case ["mint", "benefit"]:
                return self._issue(path, body, decode(body, type=MintRequest))
            case ["swap"]:
                swap = decode(body, type=SwapRequest)
                return self._spend(path, body, swap.inputs, swap.outputs)
            case ["melt", "quote", "settle"]:
                deposit = decode(body, type=MeltQuoteRequest)
                name = f"d{len(self.deposits)}"
                unpaid = MeltQuote(
                    name, deposit.request, deposit.amount or 0, deposit.unit, "settle", "UNPAID", 2**53 - 1
                )
                return self.deposits.setdefault(name, unpaid)
            case ["melt", "quote", "settle", quote]:
                return self.deposits.get(quote, (20007, "There is no such quote."))
            case ["melt", "settle"]:
                return self._deposit(path, body, decode(body, type=MeltRequest))
        raise AssertionError(path)

    def _shown(self, name: str) -> ClaimQuote | tuple[int, str]:
        quote = self.quotes.get(name)
        if quote is None:
            return 20007, "There is no such quote."
        return ClaimQuote(
            **msgspec.structs.asdict(quote),
            crowd=self.crowd,
            crowd_needed=self.crowd_needed,
            window_ends=self.window_ends,
        )

    def _state(self, point: str) -> dict[str, str]:
        waits = any(point in points for points in self.pending.values())
        return {"Y": point, "state": "SPENT" if point in self.spent else "PENDING" if waits else "UNSPENT"}

    def pay(self, quote: str) -> None:
        """The office says that a quote is paid."""
        known = self.quotes[quote]
        self.quotes[quote] = msgspec.structs.replace(known, amount_paid=known.amount)

    def _quote(self, asked: MintQuoteRequest) -> MintQuote:
        name, amount = f"q{len(self.quotes)}", asked.amount or 0
        quote = MintQuote(name, name, asked.unit, "benefit", amount, 0, 0, 0, pubkey=asked.pubkey)
        return self.quotes.setdefault(name, quote)

    def _issue(self, path: str, body: bytes, asked: MintRequest) -> Any:
        quote = self.quotes[asked.quote]
        if quote.amount_paid == 0:
            return 20001, "The quote is not paid yet."
        if quote.amount_issued:
            return 20002, "The quote was already issued."
        answer = self._sign(asked.outputs)
        if not isinstance(answer, tuple):
            self.quotes[asked.quote] = msgspec.structs.replace(quote, amount_issued=quote.amount)
            self.served[path.encode() + body] = answer
        return answer

    def _sign(self, outputs: list[BlindedMessage]) -> Any:
        if any(each.id not in self.active.values() for each in outputs):
            return 12002, "The keyset of an output no longer signs."
        if any(each.B_ in self.signed for each in outputs):
            return 11003, "An output was already signed."
        signatures = [self.coiners[KeysetId(each.id)].sign(each) for each in outputs]
        self.signed |= {each.B_: signature for each, signature in zip(outputs, signatures, strict=True)}
        return Signatures(signatures)

    def _refused(self, inputs: list[Proof]) -> tuple[int, str] | None:
        assert all(each.dleq is None for each in inputs)
        states = {self._state(_point(each))["state"] for each in inputs}
        if "SPENT" in states:
            return 11001, "A token was already spent."
        if "PENDING" in states:
            return 11002, "A token is in a deposit that is not finished."
        return (12003, "A keyset is over.") if any(each.id in self.ended for each in inputs) else None

    def _spend(self, path: str, body: bytes, inputs: list[Proof], outputs: list[BlindedMessage]) -> Any:
        assert sum(each.amount for each in inputs) == sum(each.amount for each in outputs)
        answer = self._refused(inputs) or self._sign(outputs)
        if not isinstance(answer, tuple):
            self.spent |= {_point(each) for each in inputs}
            self.served[path.encode() + body] = answer
        return answer

    def _deposit(self, path: str, body: bytes, melt: MeltRequest) -> Any:
        if melt.quote not in self.deposits:
            return 20007, "There is no such quote."
        if self.deposits[melt.quote].state != "UNPAID":
            return 20005, "The deposit was made already."
        refused = self._refused(melt.inputs)
        if refused is not None:
            return refused
        assert sum(each.amount for each in melt.inputs) == self.deposits[melt.quote].amount
        points = {_point(each) for each in melt.inputs}
        if self.slow:
            self.pending[melt.quote] = points
        else:
            self.spent |= points
        state = "PENDING" if self.slow else "PAID"
        self.deposits[melt.quote] = msgspec.structs.replace(self.deposits[melt.quote], state=state)
        # The quote's name stands for it as it is when it is asked for again.
        self.served[path.encode() + body] = melt.quote
        return melt.quote


def _point(proof: Proof) -> str:
    return show_point(hash_to_curve(proof.secret.encode()))


class PowerCut(BaseException):
    """A device dies here. Not an `Exception`: nothing may catch it."""


class Fate:
    """When a device dies: at its `countdown`-th step. A step is the moment before and after a commit, before a request
    leaves, and after the other side has carried it out (its answer is lost then)."""

    def __init__(self) -> None:
        self.countdown: int | None = None

    def step(self) -> None:
        """One step nearer."""
        if self.countdown is not None:
            self.countdown -= 1
            if self.countdown <= 0:
                self.countdown = None
                raise PowerCut


class MortalWire(httpx2.BaseTransport):
    """A device's network."""

    def __init__(self, inner: httpx2.BaseTransport, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, unless the device dies before or after it."""
        self._fate.step()
        response = self._inner.handle_request(request)
        self._fate.step()
        return response


class MortalDatabase(Database):
    """A device's database. What was not committed when the device dies is gone."""

    fate = Fate()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        """A transaction, unless the device dies before it; it may also die just after."""
        self.fate.step()
        with super().transaction() as connection:
            yield connection
        self.fate.step()


class Pocket:
    """A device with purses, its log and its mint (shared with another device, if one is given). `reopen` is a restart on the
    same file."""

    def __init__(self, path: Path, *, beside: "Pocket | None" = None) -> None:
        self.path = path
        self.fate = Fate()
        self.clock = FixedClock(NOON)
        if beside is None:
            self.log = TownLog()
            self.food, self.rent = Coiner("food"), Coiner("rent")
            for coiner in (self.food, self.rent):
                self.log.publish(coiner.announcement(), MINT_KEY)
            self.mint = PaperMint(self.food, self.rent)
        else:
            self.log, self.food, self.rent, self.mint = beside.log, beside.food, beside.rent, beside.mint
        self.open()

    def open(self) -> None:
        """Start the device."""
        self.database = MortalDatabase(self.path, [store.SCHEMA])
        self.database.fate = self.fate
        self.client = self.connect()
        self.purse = self.named("mine")

    def connect(self) -> Client:
        """A connection to the mint."""
        return Client("http://mint", transport=MortalWire(self.mint, self.fate), patience=0)

    def named(self, name: str) -> Purse:
        """A purse of this device."""
        return Purse(self.database, name, mint=self.client, log=self.log, clock=self.clock)

    def close(self) -> None:
        """Stop the device."""
        self.database.close()

    def reopen(self) -> None:
        """Stop and start."""
        self.close()
        self.open()

    def attempt(self, work: Callable[[], Any], *, dies_at: int | None) -> bool:
        """Do something; the device may die at a step of it, and is then started again and recovers. Whether it lived."""
        self.fate.countdown = dies_at
        try:
            work()
        except PowerCut:
            self.fate.countdown = None
            self.reopen()
            self.purse.recover()
            return False
        finally:
            self.fate.countdown = None
        return True

    def claim(self, amount: int, *, spread: bool = False) -> None:
        """Take aid from a quote that the office paid."""
        quote, key = self.paid_quote(amount)
        self.purse.claim(quote, amount, "food", quote_key=key, spread=spread)

    def paid_quote(self, amount: int) -> tuple[str, Secret]:
        """A quote that the office paid, and its key."""
        key = secrets.token_bytes(31).rjust(32, b"\1")
        quote = self.purse.quote(amount, "food", pubkey=show_point(generator_times(key)))
        self.mint.pay(quote.quote)
        return quote.quote, Secret(key)

    def value(self) -> int:
        """What this device's coins of all states are worth at the mint. Those that it would pay with are good."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT DISTINCT secret, amount, state FROM coin").fetchall()
        points = [(show_point(hash_to_curve(secret.encode())), amount, state) for secret, amount, state in rows]
        assert not [state for point, _, state in points if point in self.mint.spent and state in {"ready", "held"}]
        return sum(amount for point, amount, _ in points if point not in self.mint.spent)

    def fill(self, *amounts: int, unit: str = "food", purse: Purse | None = None) -> None:
        """Put coins of exactly these amounts into a purse."""
        coiner = self.food if unit == "food" else self.rent
        for amount in amounts:
            (purse or self.purse).receive([coiner.coin(amount)], unit)

    def close_keyset(self, *, ends: int | None = None) -> Coiner:
        """The mint rotates: the keyset of food signs no more, and there is another one (with an end in unix time)."""
        today = Coiner("food", final_expiry=ends)
        self.mint.coiners[today.id] = today
        self.mint.active[today.unit] = today.id
        self.log.publish(today.announcement(), MINT_KEY)
        return today

    def states(self) -> dict[str, int]:
        """The sum of coins in each state, over all purses of the device."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT iif(state LIKE 'busy%', 'busy', state) AS shown, sum(amount) FROM coin GROUP BY shown"
            ).fetchall()
        return dict(rows)

    def journal(self) -> int:
        """How many requests wait for their answer."""
        with self.database.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        return int(count)


@pytest.fixture
def pocket(tmp_path: Path) -> Iterator[Pocket]:
    """A device with an empty purse."""
    made = Pocket(tmp_path / "purse.sqlite")
    yield made
    made.close()


@pytest.fixture(scope="session")
def new_pocket(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Pocket]:
    """Makes devices, for tests that need a fresh one for every example. Whoever makes one closes it."""
    return lambda: Pocket(tmp_path_factory.mktemp("pocket") / "purse.sqlite")

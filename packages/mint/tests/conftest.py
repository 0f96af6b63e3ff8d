"""A town for the mint's tests: a mint on a real file behind its real HTTP edge, a log, a shops side, a wallet."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from starlette.testclient import TestClient

from amparo_cashu.curve import generator_times, hash_to_curve, read_point, show_point
from amparo_cashu.nut00_blind import blind, split_amount, unblind
from amparo_cashu.nut00_token import without_dleq
from amparo_cashu.nut12_dleq import check_proof, check_signature
from amparo_cashu.nut13_secrets import BlankSecret, derive
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.wire import BlindedMessage, BlindSignature, Dleq, Proof, Signatures
from amparo_common.bridge import (
    Accreditation,
    AidApproved,
    KeyAnnounced,
    LogEntry,
    LogMessage,
    QuotePaid,
    seal,
    sign_for_log,
)
from amparo_common.clock import FixedClock, to_text
from amparo_common.ids import KeysetId, QuoteId, ShopId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.view import LogView
from amparo_mint.http import MintServer, protocol_error
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.store import SCHEMA, GroupWriter, TokenHasher
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.http import make_app
from amparo_service.keys import secret_bytes

T = TypeVar("T")

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FOOD = Unit("food")
OFFICE_KEY = SigningKey.generate()
MINT_KEY = SigningKey.generate()
SHOP = ShopId("5" * 32)


class TownLog(LogFollower):
    """The public log as the mint sees it, kept in memory: every entry is checked as each reader checks it, and
    seen at once. Nothing is sent anywhere."""

    def __init__(self) -> None:
        self._view = LogView()

    def refresh(self) -> LogView:
        """All that was published."""
        return self._view

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Take a message in as the next entry."""
        place = self._view.size
        self._view.add(place, LogEntry(at=to_text(NOON), entry=sign_for_log(body, key)))
        return place


class TownShops(Client):
    """The shops side as the mint sees it: it knows one shop, keeps every deposit message, and can be away."""

    def __init__(self) -> None:
        self.away = False
        self.deposits: list[str] = []

    def post(self, path: str, body: Any, into: type[T]) -> T:
        """Whether a shop is accredited: only `SHOP` is known, and only for food."""
        assert path == "/bridge/accreditation"
        if body.shop != SHOP:
            raise RemoteError("There is no such shop.", remote_code="shops.unknown_shop", status=404)
        answer = Accreditation(shop=SHOP, unit=body.unit, accredited=body.unit == FOOD)
        return msgspec.convert(msgspec.to_builtins(answer), into)

    def post_bytes(self, path: str, data: bytes, into: type[T]) -> T:
        """Keep a deposit message."""
        assert path == "/bridge/deposited"
        if self.away:
            raise Unreachable("The shops side gives no answer.")
        self.deposits.append(data.decode())
        return msgspec.convert({"booked": True}, into)


class Blank(msgspec.Struct, frozen=True):
    """A token in the making: its secret and blinding factor, and the output that the mint is asked to sign."""

    secret: str
    factor: bytes
    output: BlindedMessage


class Town:
    """A mint in a folder, with everything around it. `reopen` is a restart on the same files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(NOON)
        self.log = TownLog()
        self.shops = TownShops()
        self.log.publish(KeyAnnounced(purpose="office", jwk=OFFICE_KEY.public.jwk), OFFICE_KEY)
        self.open()
        self.operation.introduce()

    def open(self) -> None:
        """Start the mint on the folder's files."""
        self.database = Database(self.folder / "mint.sqlite", [SCHEMA])
        self.operation = Operation(self.folder, self.database, key=MINT_KEY, log=self.log, shops=self.shops)
        self.hasher = TokenHasher(secret_bytes(self.folder, "hash-key"))
        self.mint = Mint(self.hasher, clock=self.clock, bridge_key=MINT_KEY)
        self.writer = GroupWriter(self.database)
        server = MintServer(self.mint, self.writer, self.hasher, self.operation, practice=True)
        server.use_keysets()
        self.app = make_app(server.routes(), show=protocol_error)
        self.http = TestClient(self.app, raise_server_exceptions=False)

    def close(self) -> None:
        """Stop the mint."""
        self.writer.close()
        self.database.close()

    def reopen(self) -> None:
        """Stop and start: a new mint object on the same database and keys."""
        self.close()
        self.open()

    # --- as the operator and the office -----------------------------------------------------------

    def operate(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A request with the operator's token."""
        headers = {"authorization": "Bearer " + self.operation.operator_token().decode()}
        response = self.http.post(path, json=body, headers=headers)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def new_keyset(self, period: str, *, unit: Unit = FOOD, final_expiry: int | None = None) -> KeysetId:
        """Announce a keyset and make it the unit's active one."""
        body = {"unit": unit, "period": period, "final_expiry": final_expiry}
        return KeysetId(self.operate("/operate/keysets", body)["keyset"])

    def approve(self, total: int, *, unit: Unit = FOOD) -> None:
        """Two people of the office approve a payment in the log."""
        body = AidApproved(programme="aid", cycle="2026-11", root="0" * 64, total=total, unit=unit, approvals=2)
        self.log.publish(body, OFFICE_KEY)

    def payment(self, quote: str, amount: int, *, unit: Unit = FOOD, key: SigningKey = OFFICE_KEY) -> str:
        """The office's message that a quote is paid."""
        return seal(QuotePaid(quote=QuoteId(quote), amount=amount, unit=unit), key)

    def pay(self, quote: str, amount: int, *, unit: Unit = FOOD) -> None:
        """Approve a payment and tell the mint that a quote is paid."""
        self.approve(amount, unit=unit)
        response = self.http.post("/bridge/quote-paid", content=self.payment(quote, amount, unit=unit))
        assert response.json() == {"paid": True}, response.text

    # --- looking in -------------------------------------------------------------------------------

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Rows of the mint's database, read by a connection of its own."""
        connection = sqlite3.connect(self.folder / "mint.sqlite")
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """A job of the mint in a transaction of its own, without the writer."""
        with self.database.transaction() as connection:
            return job(connection)

    def figures(self) -> dict[str, tuple[int, int, int, int]]:
        """The mint's figures by keyset: issued, moved, redeemed, outstanding (with what expired)."""
        return {
            each.keyset: (each.issued, each.moved, each.redeemed, each.outstanding + each.expired)
            for each in self.run(self.mint.figures("2026-11"))
        }


class Wallet:
    """A wallet that knows what the specification says and nothing else; it checks every signature's proof."""

    _numbers = itertools.count()

    def __init__(self, town: Town) -> None:
        self.town = town
        self._seed = Secret(f"wallet {next(self._numbers)}".encode())
        self._next = 0
        self._key = derive(self._seed, "01" + "0" * 64, 0).factor
        self.pubkey = show_point(generator_times(self._key))

    def keys(self, keyset: str) -> dict[int, str]:
        """A keyset's public keys as the mint publishes them."""
        (found,) = self.town.http.get(f"/v1/keys/{keyset}").json()["keysets"]
        return {int(amount): key for amount, key in found["keys"].items()}

    def blanks(self, keyset: str, amounts: Sequence[int], *, secrets: Sequence[str] = ()) -> list[Blank]:
        """Outputs for these amounts, with fresh secrets or the given ones."""
        made = []
        for place, amount in enumerate(amounts):
            fresh = derive(self._seed, "01" + "1" * 64, self._next)
            self._next += 1
            blank = BlankSecret(secret=secrets[place] if secrets else fresh.secret, factor=fresh.factor)
            output = BlindedMessage(amount=amount, id=keyset, B_=show_point(blind(blank.secret, blank.factor)))
            made.append(Blank(secret=blank.secret, factor=blank.factor, output=output))
        return made

    def split(self, keyset: str, amount: int) -> list[Blank]:
        """Outputs that make up an amount."""
        return self.blanks(keyset, split_amount(amount, list(self.keys(keyset))))

    def quote(self, amount: int, *, unit: Unit = FOOD) -> str:
        """Ask for aid; the quote's id."""
        body = {"unit": unit, "amount": amount, "pubkey": self.pubkey}
        response = self.town.http.post("/v1/mint/quote/benefit", json=body)
        assert response.status_code == 200, response.text
        return str(response.json()["quote"])

    def claim_body(self, quote: str, blanks: Sequence[Blank]) -> bytes:
        """The request that claims a quote, signed with the wallet's key."""
        outputs = [blank.output for blank in blanks]
        body = {"quote": quote, "outputs": outputs, "signature": sign_claim(quote, outputs, self._key)}
        return msgspec.json.encode(body)

    def swap_body(self, proofs: Sequence[Proof], blanks: Sequence[Blank]) -> bytes:
        """A swap request."""
        return msgspec.json.encode({"inputs": strip(proofs), "outputs": [blank.output for blank in blanks]})

    def finish(self, answer: bytes, blanks: Sequence[Blank]) -> list[Proof]:
        """The tokens in an answer: each signature is checked against the published key and unblinded."""
        signatures = msgspec.json.decode(answer, type=Signatures).signatures
        return [self._finish_one(*pair) for pair in zip(signatures, blanks, strict=True)]

    def _finish_one(self, signature: BlindSignature, blank: Blank) -> Proof:
        key = read_point(self.keys(signature.id)[signature.amount])
        signed = read_point(signature.C_)
        check_signature(signature.dleq, key=key, blinded=read_point(blank.output.B_), signed=signed)
        assert signature.dleq is not None
        proof = Proof(
            amount=signature.amount,
            id=signature.id,
            secret=blank.secret,
            C=show_point(unblind(signed, blank.factor, key)),
            dleq=Dleq(e=signature.dleq.e, s=signature.dleq.s, r=blank.factor.hex()),
        )
        check_proof(proof, key)
        return proof

    def receive(self, keyset: str, amount: int, *, unit: Unit = FOOD) -> list[Proof]:
        """Aid of an amount, from quote to tokens."""
        quote = self.quote(amount, unit=unit)
        self.town.pay(quote, amount, unit=unit)
        blanks = self.split(keyset, amount)
        response = self.town.http.post("/v1/mint/benefit", content=self.claim_body(quote, blanks))
        assert response.status_code == 200, response.text
        return self.finish(response.content, blanks)

    def swap(self, proofs: Sequence[Proof], blanks: Sequence[Blank]) -> list[Proof]:
        """Exchange tokens for the blanks."""
        response = self.town.http.post("/v1/swap", content=self.swap_body(proofs, blanks))
        assert response.status_code == 200, response.text
        return self.finish(response.content, blanks)

    def deposit_quote(self, amount: int, *, shop: str = SHOP, unit: Unit = FOOD) -> str:
        """A quote for a shop's deposit."""
        body = {"request": shop, "unit": unit, "amount": amount}
        response = self.town.http.post("/v1/melt/quote/settle", json=body)
        assert response.status_code == 200, response.text
        return str(response.json()["quote"])

    def deposit_body(self, quote: str, proofs: Sequence[Proof]) -> bytes:
        """The request that hands tokens in for a deposit."""
        return msgspec.json.encode({"quote": quote, "inputs": strip(proofs)})

    def state(self, proofs: Sequence[Proof]) -> list[str]:
        """Whether these tokens are spent."""
        points = [show_point(hash_to_curve(proof.secret.encode())) for proof in proofs]
        response = self.town.http.post("/v1/checkstate", json={"Ys": points})
        assert [state["Y"] for state in response.json()["states"]] == points
        return [state["state"] for state in response.json()["states"]]


def strip(proofs: Sequence[Proof]) -> list[Proof]:
    """The tokens as they may go to the mint: without the blinding factor."""
    return [without_dleq(proof) for proof in proofs]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town with one active keyset for food, of the period 2026-11."""
    made = Town(tmp_path)
    made.new_keyset("2026-11")
    yield made
    made.close()


@pytest.fixture
def keyset(town: Town) -> str:
    """The id of the town's active keyset for food."""
    return str(town.http.get("/v1/keysets").json()["keysets"][0]["id"])


@pytest.fixture
def wallet(town: Town) -> Wallet:
    """A wallet in the town."""
    return Wallet(town)


@pytest.fixture(scope="session")
def new_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Town]:
    """Makes towns, for tests that need a fresh one for every example. Whoever makes one closes it."""
    return lambda: Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="session")
def new_wallet() -> type[Wallet]:
    """Makes wallets."""
    return Wallet

"""A town for the mint's tests: a mint on a real file behind its real HTTP edge, a log, a shops side, a wallet."""

import asyncio
import contextlib
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
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
    QuotePaid,
    ShopDeposited,
    open_sealed,
    seal,
)
from amparo_common.clock import FixedClock
from amparo_common.errors import BadSignature
from amparo_common.ids import KeysetId, QuoteId, ShopId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_log.memory import MemoryLog
from amparo_mint.assemble import choose_store
from amparo_mint.http import MintServer
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.store import TokenHasher
from amparo_service.client import Client
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.keys import secret_bytes
from amparo_signer.local import LocalSigner
from amparo_signer.service import open_service

T = TypeVar("T")

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FOOD = Unit("food")
RENT = Unit("rent")
OFFICE_KEY = SigningKey.generate()
MINT_KEY = SigningKey.generate()
SHOP = ShopId("5" * 32)


def refused(response: Any, number: int, code: str, *, status: int = 400) -> None:
    """The answer is the specification's error with this number and our code, in words, and nothing else."""
    body = response.json()
    assert (response.status_code, body.get("code"), body.get("error")) == (status, number, code), response.text
    assert set(body) == {"detail", "code", "error"}
    assert len(body["detail"].split()) >= 5


class TownShops(Client):
    """The shops side as the mint sees it: it knows one shop and keeps every deposit message. It can be away, refuse deposits
    (`refusal`: the code), say nothing clear about some (`unclear`: their quotes), hang (until `hangs` is set; about an
    accreditation: `thinks`), and be `broken` in a way that nobody thought of."""

    def __init__(self) -> None:
        self.away = False
        self.refusal = ""
        self.refusal_status = 400
        self.unclear: set[str] = set()
        self.hangs: threading.Event | None = None
        self.thinks: threading.Event | None = None
        self.broken = False
        self.faults = 0
        self.asked = 0
        self.deposits: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    def post(self, path: str, body: Any, into: type[T]) -> T:
        """Whether a shop is accredited: only `SHOP` is known, and only for food."""
        assert path == "/bridge/accreditation"
        if body.shop != SHOP:
            raise RemoteError("There is no such shop.", remote_code="shops.unknown_shop", status=404)
        if self.thinks is not None:
            self.asked += 1
            self.thinks.wait(30)
        answer = Accreditation(shop=SHOP, unit=body.unit, accredited=body.unit == FOOD)
        return msgspec.convert(msgspec.to_builtins(answer), into)

    def post_bytes(self, path: str, data: bytes, into: type[T]) -> T:
        """Keep a deposit message."""
        assert path == "/bridge/deposited"
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        if self.hangs is not None:
            self.hangs.wait(30)
        self._at_once -= 1
        if self.broken:
            self.faults += 1
            raise RuntimeError("María Pérez")
        if self.away:
            raise Unreachable("The shops side gives no answer.")
        try:
            unclear = open_sealed(data.decode(), MINT_KEY.public, ShopDeposited).deposit in self.unclear
        except BadSignature:
            unclear = True
        if unclear:
            raise RemoteError("The seal is not valid.", remote_code="common.bad_signature", status=403)
        if self.refusal:
            raise RemoteError("The shops side refuses.", remote_code=self.refusal, status=self.refusal_status)
        self.deposits.append(data.decode())
        return msgspec.convert({"booked": True}, into)


class Blank(msgspec.Struct, frozen=True):
    """A token in the making: its secret and blinding factor, and the output that the mint is asked to sign."""

    secret: str
    factor: bytes
    output: BlindedMessage


class Town:
    """A mint in a folder, with everything around it, on SQLite or on PostgreSQL. `reopen` is a restart on the same files."""

    def __init__(self, folder: Path, *, database: str = "sqlite") -> None:
        self.folder = folder
        self.database = database
        self.clock = FixedClock(NOON)
        self.log = MemoryLog(FixedClock(NOON))
        self.shops = TownShops()
        self.log.publish(KeyAnnounced(purpose="office", jwk=OFFICE_KEY.public.jwk), OFFICE_KEY)
        self.signer = LocalSigner(open_service(folder / "signer"))
        self.open()

    def open(self) -> None:
        """Start the mint on the folder's files: its event loop runs in a thread of its own."""
        self.store = choose_store(self.database, self.folder)
        self.operation = Operation(self.folder, self.store, self.signer, key=MINT_KEY, log=self.log, shops=self.shops)
        self.hasher = TokenHasher(secret_bytes(self.folder, "hash-key"))
        self.mint = Mint(self.store, SigningDesk(self.signer), self.hasher, clock=self.clock)
        self.server = MintServer(self.mint, self.store, self.hasher, self.operation, clock=self.clock, practice=True)
        self.http = TestClient(self.server.app(), raise_server_exceptions=False)
        self.http.__enter__()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Something asynchronous of the mint, in the mint's own event loop."""
        assert self.http.portal is not None
        found: T = self.http.portal.call(work)
        return found

    def close_roughly(self) -> None:
        """Stop as after a crash: nothing is finished, and nothing is told to the shops side any more."""
        away, self.shops.away = self.shops.away, True
        self.http.__exit__(None, None, None)
        self.shops.away = away

    def eventually(self, holds: Callable[[], bool]) -> None:
        """Waits for what the mint does by itself within a second or so. Fails after 20."""
        for _ in range(400):
            if holds():
                return
            time.sleep(0.05)
        pytest.fail("It did not happen.")

    def reopen(self) -> None:
        """Stop and start: a new mint object on the same database and keys."""
        self.http.__exit__(None, None, None)
        self.open()

    def close(self) -> None:
        """Stop the mint and its signer."""
        self.http.__exit__(None, None, None)
        self.signer.close()

    # --- as the operator and the office -----------------------------------------------------------

    def as_operator(self) -> dict[str, str]:
        """The header that shows the operator's token."""
        return {"authorization": "Bearer " + self.operation.operator_token().decode()}

    def operate(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A request with the operator's token."""
        response = self.http.post(path, json=body, headers=self.as_operator())
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def new_keyset(self, period: str, *, unit: Unit = FOOD, final_expiry: int | None = None) -> KeysetId:
        """Announce a keyset and make it the unit's active one."""
        body = {"unit": unit, "period": period, "final_expiry": final_expiry}
        return KeysetId(self.operate("/operate/keysets", body)["keyset"])

    def approve(self, total: int, *, unit: Unit = FOOD) -> None:
        """Two people of the office approve one more payment in the log."""
        root = f"{len(self.log.said):064x}"  # a payment of its own: the log takes the same message once
        body = AidApproved(programme="aid", cycle="2026-11", root=root, total=total, unit=unit, approvals=2)
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

    def hashes(self, kind: str) -> list[bytes]:
        """What the mint keeps of tokens: `spent` or `issued`, of all open keysets, in the order of the file (SQLite) or of the
        hashes."""
        found: list[bytes] = []
        for row in self.run(self.store.keysets):
            if row.state != "closed":
                question = f"SELECT hash FROM {kind}_{row.number}"
                if self.database != "sqlite":
                    question = f"SELECT unnest(hashes) AS hash FROM {kind}_{row.number}"
                    for place in ("fresh", "aside"):
                        question += f" UNION ALL SELECT hash FROM {place}_{kind}_{row.number}"
                    question += " ORDER BY hash"
                found += [bytes(each[0]) for each in self.rows(question)]
        return found

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Rows of the mint's database, by a connection of its own. A change is kept too."""
        if self.database != "sqlite":
            return asyncio.run(_ask_postgres(self.database, question))
        with contextlib.closing(sqlite3.connect(self.folder / "mint.sqlite", isolation_level=None)) as connection:
            return connection.execute(question).fetchall()

    def figures(self) -> dict[str, tuple[int, int, int, int]]:
        """The mint's figures by keyset: issued, moved, redeemed, outstanding (with what expired)."""
        return {
            each.keyset: (each.issued, each.moved, each.redeemed, each.outstanding + each.expired)
            for each in self.run(lambda: self.mint.figures("2026-11"))
        }


async def _ask_postgres(address: str, question: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(address)
    try:
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
        return [tuple(row) for row in await connection.fetch(question)]
    finally:
        await connection.close()


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
        body = {"quote": quote, "outputs": outputs, "signature": self.sign(quote, outputs)}
        return msgspec.json.encode(body)

    def sign(self, quote: str, outputs: Sequence[BlindedMessage]) -> str:
        """The wallet's signature over a claim."""
        return sign_claim(quote, outputs, self._key)

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


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """A town with one active keyset for food, of the period 2026-11; each test runs on both kinds of database."""
    database = request.getfixturevalue("new_database")() if request.param == "postgres" else "sqlite"
    made = Town(tmp_path, database=database)
    made.new_keyset("2026-11")
    yield made
    made.close()


@pytest.fixture
def sqlite_town(tmp_path: Path) -> Iterator[Town]:
    """The same on SQLite alone, for tests that look into the file."""
    made = Town(tmp_path)
    made.new_keyset("2026-11")
    yield made
    made.close()


@pytest.fixture
def postgres_town(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Town]:
    """The same on PostgreSQL alone."""
    made = Town(tmp_path, database=new_database())
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
def new_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Town]:
    """Makes towns, for tests that need a fresh one for every example. Whoever makes one closes it."""
    return lambda *, database="sqlite": Town(tmp_path_factory.mktemp("town"), database=database)


@pytest.fixture(scope="session")
def new_wallet() -> type[Wallet]:
    """Makes wallets."""
    return Wallet

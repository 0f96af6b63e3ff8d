"""Fuzz targets of what the mint is asked, and of what its neighbours tell it: addresses, websockets, locks, access, log, signer."""

import asyncio
import base64
import contextlib
import gzip
import json
from collections.abc import Iterator
from typing import Any, cast

import httpx2
import msgspec
from tests.hostile.fuzz_seeds import ROOT, beginning, text_of
from tests.hostile.fuzz_world import KEY, MELT_QUOTE, MINT_QUOTES, NOON, PERIOD, POINT, SHOP, world

from amparo_cashu import base64url
from amparo_cashu.nut10_secret import check_locks, read_condition, sign_lock, write_lock
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.nut22_auth import auth_of, read_auth, write_auth
from amparo_cashu.nut29_batch import sign_batch
from amparo_cashu.outputs import OutputPlan, finish, messages
from amparo_cashu.wire import (
    AuthMintRequest,
    BatchMintRequest,
    CheckStateAnswer,
    CheckStateRequest,
    MeltQuoteRequest,
    MeltRequest,
    MintQuoteRequest,
    MintQuotesCheck,
    MintRequest,
    Proof,
    ProofState,
    RestoreRequest,
    Signatures,
    SwapRequest,
)
from amparo_common.bridge import QuotePaid, seal
from amparo_common.errors import AmparoError
from amparo_common.ids import QuoteId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import b64url, read_unverified
from amparo_log.follow import LogFollower
from amparo_log.note import Checkpoint, NoteSigner, NoteVerifier, open_checkpoint
from amparo_log.tiles import pack_entries, unpack_entries
from amparo_mint.blind_auth import MINT_PATH
from amparo_mint.errors import MintBusy
from amparo_mint.http import protocol_error
from amparo_mint.sockets import SOCKET_PATH
from amparo_rules.receipt import ReceiptBundle
from amparo_rules.sumtree import BatchProof
from amparo_service.client import Client
from amparo_signer.protocol import ExchangeJob, ToSign, ToVerify
from amparo_signer.wire import AskExchange, AskKeysets, frame, read_answer, read_question
from amparo_wallet.receipts import Evidence, check_evidence, gather_evidence

NOW = int(NOON.timestamp())
SEED = Secret(b"\4" * 64)
NOTES = NoteSigner("log.example", b"\3" * 32)
MOST_LINES = 200


# --- the mint's addresses ------------------------------------------------------------------------------------------------


def route(data: bytes) -> None:
    """The first byte says which of the mint's addresses, the others are the body or the end of the path."""
    if data:
        places = list(world().routes)
        place = places[data[0] % len(places)]
        argument = data[1:].decode("latin-1").replace("/", "") if place[1].endswith("/*") else ""
        with contextlib.suppress(AmparoError):
            world().ask(place, argument, data[1:])


def good_bodies() -> dict[tuple[str, str], bytes]:
    """A body for each address that takes one; each would be accepted."""
    here = world()
    outputs, more, quotes = here.outputs(), here.outputs([2, 4]), list(MINT_QUOTES)
    payment = QuotePaid(quote=QuoteId(quotes[0]), amount=3, unit=Unit("food"))
    made: dict[str, Any] = {
        "/v1/swap": SwapRequest(here.tokens(), outputs),
        "/v1/mint/benefit": MintRequest(quotes[0], outputs, sign_claim(quotes[0], outputs, KEY)),
        "/v1/mint/benefit/batch": BatchMintRequest(quotes, more, signatures=sign_batch(quotes, more, [KEY, KEY])),
        "/v1/melt/settle": MeltRequest(MELT_QUOTE, here.tokens()),
        "/v1/restore": RestoreRequest(outputs),
        "/v1/checkstate": CheckStateRequest([POINT]),
        "/v1/mint/quote/benefit": MintQuoteRequest("food", 3, POINT),
        "/v1/melt/quote/settle": MeltQuoteRequest(SHOP, "food", 3),
        "/v1/mint/quote/benefit/check": MintQuotesCheck(quotes),
        MINT_PATH: AuthMintRequest(here.outputs([1], keyset=here.access_keyset.id)),
        "/operate/keysets": {"unit": "food", "period": PERIOD, "final_expiry": None},
        "/operate/figures": {"period": PERIOD},
        "/operate/backup": {"path": "backup"},
        "/operate/keysets/close": {"keyset": here.old_keyset.id},
    }
    bodies = {("POST", path): msgspec.json.encode(body) for path, body in made.items()}
    return bodies | {("POST", "/bridge/quote-paid"): seal(payment, here.office).encode()}


def route_seeds() -> Iterator[bytes]:
    """Every address with what it takes, and swaps of locked tokens."""
    here = world()
    bodies = good_bodies()
    arguments = {"/v1/mint/quote/benefit/*": MINT_QUOTES[0], "/v1/melt/quote/settle/*": MELT_QUOTE}
    for number, place in enumerate(here.routes):
        argument = arguments.get(place[1], here.access_keyset.id if "auth" in place[1] else here.keyset.id)
        yield bytes([number]) + (bodies.get(place) or (argument.encode() if place[1].endswith("/*") else b""))
    locked = [
        msgspec.structs.replace(each, secret=write_lock(f"{each.amount}", POINT, locktime=NOW, refund=POINT))
        for each in here.tokens()
    ]
    signed = [sign_lock(each, KEY) for each in locked]
    swap = list(here.routes).index(("POST", "/v1/swap"))
    yield bytes([swap]) + msgspec.json.encode(SwapRequest(signed, here.outputs()))


def socket(data: bytes) -> None:
    """Frames of a websocket, one a line; the first byte says whether they are binary."""
    if data:
        kind = "bytes" if data[0] % 2 else "text"
        frames = [line if data[0] % 2 else line.decode(errors="replace") for line in data[1:].split(b"\n")]
        world().runner.run(_converse([{"type": "websocket.receive", kind: each} for each in frames[:MOST_LINES]]))


async def _converse(messages: list[dict[str, Any]]) -> None:
    waiting = iter([{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect"}])
    closed: list[int] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return next(waiting)

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            closed.append(message["code"])

    await world().sockets({"type": "websocket", "path": SOCKET_PATH, "headers": []}, receive, send)
    assert closed in ([], [1008]), closed


def socket_seeds() -> Iterator[bytes]:
    """Subscribing to each kind, and ending it."""
    frames = [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "subscribe",
            "params": {"kind": kind, "subId": kind, "filters": [filter_]},
        }
        for number, (kind, filter_) in enumerate(
            [("proof_state", POINT), ("benefit_mint_quote", MINT_QUOTES[0]), ("settle_melt_quote", MELT_QUOTE)]
        )
    ]
    ended = {"jsonrpc": "2.0", "id": 9, "method": "unsubscribe", "params": {"subId": "proof_state"}}
    for head in (b"\0", b"\1"):
        yield head + b"\n".join(msgspec.json.encode(each) for each in [*frames, ended])


# --- locks, access, the log, the signer ---------------------------------------------------------------------------------------


def condition(data: bytes) -> None:
    """A spending condition, and a witness for one; the first byte says where it is cut."""
    text = text_of(data[1:])
    cut = data[0] if data else 0
    with contextlib.suppress(AmparoError):
        read_condition(text)
    proofs = [Proof(amount=1, id="00", secret=text[:cut], C=POINT, witness=text[cut:])]
    with contextlib.suppress(AmparoError):
        check_locks(proofs, world().outputs(), now=NOW)


def condition_seeds() -> Iterator[bytes]:
    """Secrets and witnesses of the vectors."""
    for text in beginning("[", "nut11_p2pk", "nut28_p2bk"):
        yield b"\0" + text.encode()
        yield bytes([min(255, len(text))]) + text.encode() + b'{"signatures":["' + b"00" * 64 + b'"]}'
    yield from (b"\0" + text.encode() for text in beginning("{", "nut11_p2pk", "nut28_p2bk"))


def locks(data: bytes) -> None:
    """The locks of a whole request, SIG_ALL too."""
    for now in (0, NOW):
        with contextlib.suppress(AmparoError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            asked = msgspec.json.decode(data, type=MeltRequest)
            check_locks(asked.inputs, asked.outputs, asked.quote or None, now=now)


def locks_seeds() -> Iterator[bytes]:
    """The swaps and deposits of the vectors, both in the form of a deposit."""
    found = msgspec.json.decode((ROOT / "vectors" / "cashu" / "nut11_p2pk.json").read_bytes())
    for each in found["vectors"]:
        yield msgspec.json.encode({"quote": ""} | each.get("request", {"inputs": [each.get("proof")]}))


def access(data: bytes) -> None:
    """An access token, also behind its encoding, and a log-in token."""
    for text in (text_of(data), "authA" + base64.urlsafe_b64encode(data).decode()):
        with contextlib.suppress(AmparoError):
            assert read_auth(write_auth(read_auth(text))).secret
    with contextlib.suppress(AmparoError):
        world().login.check(data.decode("latin-1"))


def access_seeds() -> Iterator[bytes]:
    """Both, whole, and the insides."""
    proof = msgspec.structs.replace(world().tokens()[0], id=world().access_keyset.id)
    text = write_auth(auth_of(proof))
    yield text.encode()
    yield base64url.decode(text.removeprefix("authA"))
    yield world().logged_in().encode()


def log(data: bytes) -> None:
    """A checkpoint of a log, one that is signed, the key of a log, and a bundle of entries."""
    text = data.decode(errors="replace")
    for read in (
        lambda: open_checkpoint(text, NoteVerifier(NOTES.vkey)),
        lambda: open_checkpoint(NOTES.sign(text + "\n"), NoteVerifier(NOTES.vkey)),
        lambda: NoteVerifier(text),
        lambda: unpack_entries(data),
    ):
        with contextlib.suppress(AmparoError):
            read()


def log_seeds() -> Iterator[bytes]:
    """One of each."""
    body = Checkpoint(NOTES.name, 7, bytes(32)).text()
    yield from (NOTES.sign(body).encode(), body.encode(), NOTES.vkey.encode(), pack_entries([b"one", b"two"]))


def signer(data: bytes) -> None:
    """The body of a frame to the signer, and of one from it; what is asked to be judged and signed is."""
    with contextlib.suppress(AmparoError):
        read_answer(data)
    with contextlib.suppress(AmparoError):
        question = read_question(data)
        if isinstance(question, AskExchange):
            world().signer.exchange(question.keysets, question.jobs)


def signer_seeds() -> Iterator[bytes]:
    """A token to judge and an output to sign, and another question."""
    token_, output = world().tokens()[0], world().outputs()[0]
    judged = ToVerify(0, token_.amount, token_.secret.encode(), bytes.fromhex(token_.C))
    job = ExchangeJob([judged], [ToSign(0, output.amount, bytes.fromhex(output.B_))])
    for message in (AskExchange([world().keyset.id], [job]), AskKeysets()):
        yield frame(message)[4:]


# --- what others answer or hand over -----------------------------------------------------------------------------------------


def answer(data: bytes) -> None:
    """A mint's answer to a wallet that asked for signatures; the first byte says in which packing it comes, and as what."""
    if data:
        status, headers = ((200, {}), (400, {}), (200, {"content-encoding": "gzip"}))[data[0] % 3]
        said = httpx2.MockTransport(lambda _request: httpx2.Response(status, headers=headers, content=data[1:]))
        client = Client("http://mint.example", patience=0, transport=said)
        with contextlib.suppress(AmparoError):
            client.get("/", CheckStateAnswer)
        with contextlib.suppress(AmparoError):
            finish(_plan(), SEED, client.get("/", Signatures).signatures, world().keyset.keys)


def _plan() -> OutputPlan:
    return OutputPlan(world().keyset.id, 0, [1, 2], [None, None])


def answer_seeds() -> Iterator[bytes]:
    """The right signatures, plain and packed, states, and a refusal."""
    here, quote, outputs = world(), MINT_QUOTES[0], messages(_plan(), SEED)
    claim = msgspec.json.encode(MintRequest(quote, outputs, sign_claim(quote, outputs, KEY)))
    signed = here.ask(("POST", "/v1/mint/benefit"), "", claim).body
    assert finish(_plan(), SEED, msgspec.json.decode(signed, type=Signatures).signatures, here.keyset.keys)
    yield b"\0" + signed
    yield b"\2" + gzip.compress(signed)
    yield b"\0" + msgspec.json.encode(CheckStateAnswer([ProofState(POINT, "SPENT")]))
    yield b"\1" + protocol_error(MintBusy("")).body


def receipt(data: bytes) -> None:
    """A receipt with its proofs, as a wallet saves it; and the inside of one."""
    with contextlib.suppress(AmparoError, msgspec.MsgspecError, UnicodeDecodeError):
        check_evidence(msgspec.json.decode(data, type=Evidence), NOTES.vkey)
    bundle = ReceiptBundle(f"e30.{b64url(data)}.e30", BatchProof(0, 1, []))
    with contextlib.suppress(AmparoError):
        gather_evidence(bundle, cast(LogFollower, world().log))


def receipt_seeds() -> Iterator[bytes]:
    """The example of the format page, its checkpoint signed anew, and its inside."""
    page = (ROOT / "docs" / "formats" / "evidence.md").read_text()
    found = json.loads(page.partition("```json Evidence\n")[2].partition("```")[0])
    yield json.dumps(found).encode()
    text = found["checkpoint"].partition("\n\n")[0].split("\n")
    found["checkpoint"] = NOTES.sign("\n".join([NOTES.name, *text[1:], ""]))
    yield json.dumps(found).encode()
    yield read_unverified(found["bundle"]["receipt"])

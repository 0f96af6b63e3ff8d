"""The mint and its description (docs/formats/mint-openapi.yaml) name the same addresses, fields, limits and refusals."""

import inspect
import re
from typing import Any

import msgspec
import pytest
from tests.hostile.description import described, operations, resolved, schema
from tests.hostile.fuzz_world import SHOP, world

from amparo_cashu import nut17_socket, wire
from amparo_cashu.nut10_secret import LONGEST_SECRET, LONGEST_WITNESS, MOST_SIGNATURES
from amparo_common.money import MOST_MINOR_UNITS
from amparo_mint import asgi, http, service, sockets
from amparo_mint.batches import Batches
from amparo_mint.catalogue import MOST_INPUTS
from amparo_mint.errors import MintBusy
from amparo_mint.operate import UNIT
from amparo_mint.sockets import SOCKET_PATH, SocketSettings
from amparo_service import serve
from amparo_signer.keyset import LONGEST_TEXT

# Schema -> the struct that the mint reads or writes.
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "ClaimQuote": wire.ClaimQuote,
    "AuthMintRequest": wire.AuthMintRequest,
    "BackupTo": http.BackupTo,
    "BatchMintRequest": wire.BatchMintRequest,
    "CheckStateAnswer": wire.CheckStateAnswer,
    "CheckStateRequest": wire.CheckStateRequest,
    "Dleq": wire.Dleq,
    "FiguresFor": http.FiguresFor,
    "Info": wire.MintInfo,
    "Input": wire.Proof,
    "Keys": wire.KeysAnswer,
    "Keyset": wire.Keyset,
    "KeysetAsked": http.KeysetAsked,
    "KeysetToClose": http.KeysetToClose,
    "Keysets": wire.KeysetsAnswer,
    "MeltQuote": wire.MeltQuote,
    "MeltQuoteRequest": wire.MeltQuoteRequest,
    "MeltRequest": wire.MeltRequest,
    "MintQuote": wire.MintQuote,
    "MintQuoteRequest": wire.MintQuoteRequest,
    "MintQuotesCheck": wire.MintQuotesCheck,
    "MintRequest": wire.MintRequest,
    "Output": wire.BlindedMessage,
    "RestoreAnswer": wire.RestoreAnswer,
    "RestoreRequest": wire.RestoreRequest,
    "Signature": wire.BlindSignature,
    "Signatures": wire.Signatures,
    "SwapRequest": wire.SwapRequest,
}
# Fields of a struct that the mint never reads or writes: what only wallets tell each other, and what it says nothing of.
SILENT = {
    "Dleq": {"r"},
    "Info": {"pubkey", "description_long", "contact", "motd", "icon_url", "urls", "time", "tos_url"},
    "Input": {"dleq", "p2pk_e"},
}


def test_the_description_and_the_mint_name_the_same_addresses() -> None:
    ours = {(re.sub(r"\*", "{}", path), method) for method, path in world().routes} | {(SOCKET_PATH, "GET")}
    theirs = {(re.sub(r"\{\w+\}", "{}", path), method) for path, method in operations()}
    assert ours == theirs


@pytest.mark.parametrize("name", list(STRUCTS))
def test_a_schema_has_the_fields_of_what_the_mint_reads_or_writes(name: str) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(STRUCTS[name])}
    found, silent = schema(name), SILENT.get(name, set())
    assert set(found["properties"]) == set(fields) - silent
    needed = {each for each, field in fields.items() if field.required}
    assert needed <= set(found["required"]) <= set(found["properties"])


def test_every_schema_of_an_object_is_compared_with_a_struct() -> None:
    objects = {name for name in described()["components"]["schemas"] if "properties" in schema(name)}
    assert objects - set(STRUCTS) == {"Refusal", "Ready"}


def test_the_limits_of_bodies_are_those_of_the_code() -> None:
    parts: dict[str, dict[str, Any]] = {name: schema(name) for name in described()["components"]["schemas"]}
    assert {
        "inputs": parts["Inputs"]["maxItems"],
        "outputs": parts["Outputs"]["maxItems"],
        "quotes": parts["MintQuotesCheck"]["properties"]["quotes"]["maxItems"],
        "quotes claimed": parts["BatchMintRequest"]["properties"]["quotes"]["maxItems"],
        "signatures of a claim": parts["BatchMintRequest"]["properties"]["signatures"]["maxItems"],
        "amounts of a claim": parts["BatchMintRequest"]["properties"]["quote_amounts"]["maxItems"],
        "points": parts["CheckStateRequest"]["properties"]["Ys"]["maxItems"],
        "restored": parts["RestoreRequest"]["properties"]["outputs"]["maxItems"],
        "secret": parts["Secret"]["maxLength"],
        "amount": parts["Amount"]["maximum"],
        "unit": parts["Unit"]["pattern"],
    } == {
        "inputs": MOST_INPUTS,
        "outputs": MOST_INPUTS,
        "quotes": MOST_INPUTS,
        "quotes claimed": MOST_INPUTS,
        "signatures of a claim": MOST_INPUTS,
        "amounts of a claim": MOST_INPUTS,
        "points": service.MOST_LOOKED_UP,
        "restored": service.MOST_RESTORED,
        "secret": LONGEST_SECRET,
        "amount": MOST_MINOR_UNITS,
        "unit": f"^{UNIT.pattern}$",
    }
    assert UNIT.pattern.endswith(f"{{1,{LONGEST_TEXT}}}")
    # A limit in words only: a witness of any length is taken where no condition asks for one.
    witness = parts["Input"]["properties"]["witness"]
    assert "maxLength" not in witness
    assert f"at most {LONGEST_WITNESS:,} characters; at most {MOST_SIGNATURES}" in witness["description"]
    assert re.fullmatch(parts["MeltQuoteRequest"]["properties"]["request"]["pattern"], SHOP)


def test_the_limits_of_the_whole_are_those_of_the_code() -> None:
    settings = SocketSettings()
    kinds = {name: kind.most for name, kind in sockets.kinds_of(world().mint, world().store).items()}
    waiting = inspect.signature(Batches).parameters["most_waiting"].default
    assert described()["x-limits"] == {
        "body_bytes": asgi.MOST_BODY_BYTES,
        "body_seconds": asgi.BODY_SECONDS,
        "head_bytes": serve.MOST_HEAD_BYTES,
        "head_seconds": serve.HEAD_SECONDS,
        "requests_at_once": asgi.MOST_AT_ONCE,
        "requests_waiting": waiting,
        "requests_in_one_connection": serve.MOST_WAITING,
        "retry_after_seconds": int(dict(http.protocol_error(MintBusy("")).headers)[b"retry-after"]),
        "websocket": {
            "connections": settings.connections,
            "frame_bytes": nut17_socket.LONGEST_FRAME,
            "name_characters": nut17_socket.LONGEST_NAME,
            "filters_in_all": settings.filters_in_all,
            "subscriptions": settings.subscriptions,
            "frames_in_a_second": int(settings.frames / settings.look_seconds),
            "faults": settings.faults,
            **kinds,
        },
    }
    assert serve.MOST_FRAME_BYTES == nut17_socket.LONGEST_FRAME


@pytest.mark.parametrize(("path", "method"), operations())
def test_every_address_says_how_it_refuses(path: str, method: str) -> None:
    answers = resolved(described()["paths"][path][method.lower()]["responses"])
    assert {"400", "408", "413", "503"} <= set(answers) or method == "GET"
    later = answers["503"]
    assert "Retry-After" in later.get("headers", {}) or path == "/ready"
    for status, answer in answers.items():
        if status >= "400" and path != "/ready":
            assert answer["content"]["application/json"]["schema"] == resolved(schema("Refusal"))

"""The messages between a wallet or till and a mint, as the specification writes them (NUT-00 to 07, 09, 17, 19 to 23, 29).

Shapes only: lengths and numbers of parts are bounded by whoever reads them. A struct ignores fields that it does not know.
"""

from typing import Literal

import msgspec


class Dleq(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """NUT-12: proof that a signature was made with the published key. `r` only between wallets, never to the mint."""

    e: str
    s: str
    r: str | None = None


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """NUT-00: a token. `C` is the unblinded signature. `p2pk_e` (NUT-28) only between wallets, never to the mint."""

    amount: int
    id: str
    secret: str
    C: str
    dleq: Dleq | None = None
    witness: str | None = None
    p2pk_e: str | None = None


class BlindedMessage(msgspec.Struct, frozen=True, gc=False):
    """NUT-00: an output to be signed."""

    amount: int
    id: str
    B_: str


class BlindSignature(msgspec.Struct, frozen=True):
    """NUT-00: the mint's signature on an output, with its proof (NUT-12)."""

    amount: int
    id: str
    C_: str
    dleq: Dleq | None = None


class KeysetInfo(msgspec.Struct, frozen=True):
    """NUT-02: a keyset without its keys."""

    id: str
    unit: str
    active: bool
    input_fee_ppk: int | None = 0
    final_expiry: int | None = None


class KeysetsAnswer(msgspec.Struct, frozen=True):
    """GET /v1/keysets."""

    keysets: list[KeysetInfo]


class Keyset(msgspec.Struct, frozen=True):
    """NUT-01: a keyset with its keys: amount as text -> public key in hex."""

    id: str
    unit: str
    keys: dict[str, str]
    active: bool = True
    input_fee_ppk: int | None = 0
    final_expiry: int | None = None


class KeysAnswer(msgspec.Struct, frozen=True):
    """GET /v1/keys."""

    keysets: list[Keyset]


class SwapRequest(msgspec.Struct, frozen=True):
    """POST /v1/swap (NUT-03)."""

    inputs: list[Proof]
    outputs: list[BlindedMessage]


class Signatures(msgspec.Struct, frozen=True):
    """The mint's signatures, in the order of the outputs."""

    signatures: list[BlindSignature]


class MintQuoteRequest(msgspec.Struct, frozen=True):
    """POST /v1/mint/quote/{method} (NUT-04, NUT-20): `pubkey` is required for aid."""

    unit: str
    amount: int | None = None
    pubkey: str | None = None


class MintQuote(msgspec.Struct, frozen=True):
    """A mint quote: how much is paid and how much was issued on it."""

    quote: str
    request: str
    unit: str
    method: str
    amount: int
    amount_paid: int
    amount_issued: int
    updated_at: int
    expiry: int | None = None
    pubkey: str | None = None


class ClaimQuote(MintQuote, frozen=True):
    """A mint quote as this project's mint shows it (a mint that says nothing of these: 0): how many people of its unit were
    paid for, how many must be before the first of them is issued aid, and until when (unix time) the unit's aid is claimed,
    before which wallets do not pay."""

    crowd: int = 0
    crowd_needed: int = 0
    window_ends: int = 0


class MintRequest(msgspec.Struct, frozen=True):
    """POST /v1/mint/{method}: outputs for a paid quote, signed with the quote's key (NUT-20)."""

    quote: str
    outputs: list[BlindedMessage]
    signature: str | None = None


class MeltQuoteRequest(msgspec.Struct, frozen=True):
    """POST /v1/melt/quote/settle: `request` is the shop's public account reference."""

    request: str
    unit: str
    amount: int | None = None


class MeltQuote(msgspec.Struct, frozen=True):
    """A melt quote (NUT-05)."""

    quote: str
    request: str
    amount: int
    unit: str
    method: str
    state: Literal["UNPAID", "PENDING", "PAID"]
    expiry: int
    fee_reserve: int = 0


class MeltRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """POST /v1/melt/{method} (NUT-05): tokens for a quote. `prefer_async` asks for an answer before the payment is settled.
    `outputs` are the blank ones of NUT-08: a SIG_ALL signature covers them (NUT-11), whether or not a mint gives change."""

    quote: str
    inputs: list[Proof]
    prefer_async: bool = False
    outputs: list[BlindedMessage] | None = None


class CheckStateRequest(msgspec.Struct, frozen=True):
    """POST /v1/checkstate (NUT-07)."""

    Ys: list[str]


class ProofState(msgspec.Struct, frozen=True):
    """One answer of NUT-07."""

    Y: str
    state: Literal["UNSPENT", "PENDING", "SPENT"]
    witness: str | None = None


class CheckStateAnswer(msgspec.Struct, frozen=True):
    """The states, in the order asked."""

    states: list[ProofState]


class RestoreRequest(msgspec.Struct, frozen=True):
    """POST /v1/restore (NUT-09)."""

    outputs: list[BlindedMessage]


class RestoreAnswer(msgspec.Struct, frozen=True):
    """The outputs that were signed, with their signatures."""

    outputs: list[BlindedMessage]
    signatures: list[BlindSignature]


class MintQuotesCheck(msgspec.Struct, frozen=True):
    """POST /v1/mint/quote/{method}/check (NUT-29). Answered with a plain array of quotes, in the order asked."""

    quotes: list[str]


class BatchMintRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """POST /v1/mint/{method}/batch (NUT-29): outputs for several paid quotes at once, all or none. `signatures[i]` is the
    claim of `quotes[i]` over all outputs, None for a quote without a key. Answered with `Signatures`."""

    quotes: list[str]
    outputs: list[BlindedMessage]
    quote_amounts: list[int] | None = None
    signatures: list[str | None] | None = None


class AuthProof(msgspec.Struct, frozen=True, omit_defaults=True):
    """NUT-22: a blind authentication token. Its amount is 1. `dleq` only between wallets, never to the mint."""

    id: str
    secret: str
    C: str
    dleq: Dleq | None = None


class AuthMintRequest(msgspec.Struct, frozen=True):
    """POST /v1/auth/blind/mint (NUT-22): outputs of the unit `auth`. Answered with `Signatures`."""

    outputs: list[BlindedMessage]


# NUT-06: what a mint says about itself


class Contact(msgspec.Struct, frozen=True):
    """One way to reach whoever runs the mint."""

    method: str
    info: str


class Endpoint(msgspec.Struct, frozen=True):
    """A method and a path, as in NUT-19, 21 and 22. A path that ends in `*` stands for all that begin like it."""

    method: str
    path: str


class MethodSetting(msgspec.Struct, frozen=True, omit_defaults=True):
    """NUT-04, 05: a method and a unit that this mint takes; amounts in minor units."""

    method: str
    unit: str
    method_name: str | None = None
    min_amount: int | None = None
    max_amount: int | None = None
    options: dict[str, bool | int | str] | None = None


class MethodsSetting(msgspec.Struct, frozen=True):
    """NUT-04, 05."""

    methods: list[MethodSetting]
    disabled: bool = False


class Supported(msgspec.Struct, frozen=True):
    """A part of the specification that has no other setting than being on."""

    supported: bool


class SocketMethod(msgspec.Struct, frozen=True):
    """NUT-17: the kinds of subscription (`benefit_mint_quote`, `proof_state`, ...) of one method and unit."""

    method: str
    unit: str
    commands: list[str]


class SocketSetting(msgspec.Struct, frozen=True):
    """NUT-17."""

    supported: list[SocketMethod]


class CacheSetting(msgspec.Struct, frozen=True):
    """NUT-19: answers to these requests may be asked for again for `ttl` seconds; None: without end."""

    ttl: int | None
    cached_endpoints: list[Endpoint]


class ClearAuthSetting(msgspec.Struct, frozen=True):
    """NUT-21: endpoints that need a log-in."""

    openid_discovery: str
    client_id: str
    protected_endpoints: list[Endpoint]


class BlindAuthSetting(msgspec.Struct, frozen=True):
    """NUT-22: endpoints that cost one blind authentication token, and how many tokens one request may ask for."""

    bat_max_mint: int
    protected_endpoints: list[Endpoint]


class BatchSetting(msgspec.Struct, frozen=True, omit_defaults=True):
    """NUT-29."""

    max_batch_size: int | None = None
    methods: list[str] | None = None


_NUMBERS = {
    "mint": "4",
    "melt": "5",
    "state_check": "7",
    "restore": "9",
    "conditions": "10",
    "pay_to_key": "11",
    "signature_proofs": "12",
    "sockets": "17",
    "cache": "19",
    "quote_keys": "20",
    "clear_auth": "21",
    "blind_auth": "22",
    "batch": "29",
}


class Nuts(msgspec.Struct, frozen=True, omit_defaults=True, rename=_NUMBERS):
    """What a mint supports, by the number of the specification; None: not supported."""

    mint: MethodsSetting
    melt: MethodsSetting
    state_check: Supported | None = None
    restore: Supported | None = None
    conditions: Supported | None = None
    pay_to_key: Supported | None = None
    signature_proofs: Supported | None = None
    sockets: SocketSetting | None = None
    cache: CacheSetting | None = None
    quote_keys: Supported | None = None
    clear_auth: ClearAuthSetting | None = None
    blind_auth: BlindAuthSetting | None = None
    batch: BatchSetting | None = None


class MintInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """GET /v1/info (NUT-06). `time` is unix time."""

    nuts: Nuts
    name: str | None = None
    pubkey: str | None = None
    version: str | None = None
    description: str | None = None
    description_long: str | None = None
    contact: list[Contact] | None = None
    motd: str | None = None
    icon_url: str | None = None
    urls: list[str] | None = None
    time: int | None = None
    tos_url: str | None = None


# NUT-17: frames of the websocket /v1/ws (JSON-RPC 2.0); read with `nut17_socket.read_frame`


class SubscribeParams(msgspec.Struct, frozen=True, rename="camel"):
    """What to hear about: ids of quotes, or Ys for `proof_state`. `sub_id` is the wallet's name for it."""

    kind: str
    sub_id: str
    filters: list[str]


class UnsubscribeParams(msgspec.Struct, frozen=True, rename="camel"):
    """Which subscription ends."""

    sub_id: str


class Subscribe(msgspec.Struct, frozen=True, tag_field="method", tag="subscribe"):
    """From a wallet: begin to tell me."""

    id: int
    params: SubscribeParams
    jsonrpc: Literal["2.0"] = "2.0"


class Unsubscribe(msgspec.Struct, frozen=True, tag_field="method", tag="unsubscribe"):
    """From a wallet: stop telling me."""

    id: int
    params: UnsubscribeParams
    jsonrpc: Literal["2.0"] = "2.0"


class SocketResult(msgspec.Struct, frozen=True, rename="camel"):
    """The subscription that was made or ended."""

    sub_id: str
    status: Literal["OK"] = "OK"


class SocketAnswer(msgspec.Struct, frozen=True):
    """From the mint: the request `id` is done."""

    id: int
    result: SocketResult
    jsonrpc: Literal["2.0"] = "2.0"


class SocketFault(msgspec.Struct, frozen=True):
    """A JSON-RPC error: -32700 unreadable, -32600 not a request, -32601 no such method, -32602 wrong parameters."""

    code: int
    message: str


class SocketRefusal(msgspec.Struct, frozen=True):
    """From the mint: the request `id` was refused; None when it could not be read."""

    error: SocketFault
    id: int | str | None = None
    jsonrpc: Literal["2.0"] = "2.0"


class NoticeParams(msgspec.Struct, frozen=True, rename="camel"):
    """What changed: a mint quote, a melt quote or a `ProofState` as JSON, by the kind of the subscription."""

    sub_id: str
    payload: msgspec.Raw


class SocketNotice(msgspec.Struct, frozen=True, tag_field="method", tag="subscribe"):
    """From the mint: how a subscribed thing stands now."""

    params: NoticeParams
    jsonrpc: Literal["2.0"] = "2.0"

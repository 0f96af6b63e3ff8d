"""The messages between a wallet or till and a mint, as the specification writes them (NUT-00 to 05, 07, 09)."""

from typing import Literal

import msgspec


class Dleq(msgspec.Struct, frozen=True, omit_defaults=True):
    """NUT-12: proof that a signature was made with the published key. `r` only between wallets, never to the mint."""

    e: str
    s: str
    r: str | None = None


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """NUT-00: a token. `C` is the unblinded signature."""

    amount: int
    id: str
    secret: str
    C: str
    dleq: Dleq | None = None
    witness: str | None = None


class BlindedMessage(msgspec.Struct, frozen=True):
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


class MeltRequest(msgspec.Struct, frozen=True):
    """POST /v1/melt/{method}: tokens for a quote."""

    quote: str
    inputs: list[Proof]


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

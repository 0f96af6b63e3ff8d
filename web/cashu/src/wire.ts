// The messages between a wallet or till and a mint, as the specification writes them (NUT-00 to 07, 09, 20, 22, 29): types, and
// for what a mint answers a reader that throws `token.malformed`.
//
// Amounts are whole numbers that a double holds; lengths and numbers of parts are bounded by whoever reads. A field that is not
// known is left out. Not here: what only a mint reads, and the frames of NUT-17.
import { flag, listOf, mapOf, oneOf, optional, orElse, shape, text, whole } from "./shapes.ts";

/** NUT-12: proof that a signature was made with the published key. `r` only between wallets, never to the mint. */
export type Dleq = { readonly e: string; readonly s: string; readonly r?: string | undefined };

/** NUT-00: a token. `C` is the unblinded signature. `p2pk_e` (NUT-28) only between wallets, never to the mint. */
export type Proof = {
  readonly amount: number;
  readonly id: string;
  readonly secret: string;
  readonly C: string;
  readonly dleq?: Dleq | undefined;
  readonly witness?: string | undefined;
  readonly p2pk_e?: string | undefined;
};

/** NUT-00: an output to be signed. */
export type BlindedMessage = { readonly amount: number; readonly id: string; readonly B_: string };

/** NUT-00: the mint's signature on an output, with its proof (NUT-12). */
export type BlindSignature = {
  readonly amount: number;
  readonly id: string;
  readonly C_: string;
  readonly dleq?: Dleq | undefined;
};

/** NUT-02: a keyset without its keys. `final_expiry`: unix time. */
export type KeysetInfo = {
  readonly id: string;
  readonly unit: string;
  readonly active: boolean;
  readonly input_fee_ppk?: number | undefined;
  readonly final_expiry?: number | undefined;
};

/** GET /v1/keysets. */
export type KeysetsAnswer = { readonly keysets: readonly KeysetInfo[] };

/** NUT-01: a keyset with its keys: amount as text -> public key in hex. */
export type Keyset = KeysetInfo & { readonly keys: Readonly<Record<string, string>> };

/** GET /v1/keys. */
export type KeysAnswer = { readonly keysets: readonly Keyset[] };

/** POST /v1/swap (NUT-03). Answered with `Signatures`. */
export type SwapRequest = { readonly inputs: readonly Proof[]; readonly outputs: readonly BlindedMessage[] };

/** The mint's signatures, in the order of the outputs. */
export type Signatures = { readonly signatures: readonly BlindSignature[] };

/** POST /v1/mint/quote/{method} (NUT-04, NUT-20): `pubkey` is required for aid. */
export type MintQuoteRequest = {
  readonly unit: string;
  readonly amount?: number | undefined;
  readonly pubkey?: string | undefined;
};

/** A mint quote: how much is paid and how much was issued on it. */
export type MintQuote = {
  readonly quote: string;
  readonly request: string;
  readonly unit: string;
  readonly method: string;
  readonly amount: number;
  readonly amount_paid: number;
  readonly amount_issued: number;
  readonly updated_at: number;
  readonly expiry?: number | undefined;
  readonly pubkey?: string | undefined;
};

/** A mint quote as this project's mint shows it (a mint that says nothing of these: 0): how many people of its unit were paid
 * for, how many must be before the first of them is issued aid, and until when (unix time) the unit's aid is claimed, before
 * which wallets do not pay. */
export type ClaimQuote = MintQuote & { readonly crowd: number; readonly crowd_needed: number; readonly window_ends: number };

/** POST /v1/mint/{method}: outputs for a paid quote, signed with the quote's key (NUT-20). Answered with `Signatures`. */
export type MintRequest = {
  readonly quote: string;
  readonly outputs: readonly BlindedMessage[];
  readonly signature?: string | undefined;
};

/** POST /v1/melt/quote/settle: `request` is the shop's public account reference. */
export type MeltQuoteRequest = { readonly request: string; readonly unit: string; readonly amount?: number | undefined };

/** A melt quote (NUT-05). */
export type MeltQuote = {
  readonly quote: string;
  readonly request: string;
  readonly amount: number;
  readonly unit: string;
  readonly method: string;
  readonly state: "UNPAID" | "PENDING" | "PAID";
  readonly expiry: number;
  readonly fee_reserve: number;
};

/** POST /v1/melt/{method} (NUT-05): tokens for a quote. Answered with `MeltQuote`. `outputs` are the blank ones of NUT-08. */
export type MeltRequest = {
  readonly quote: string;
  readonly inputs: readonly Proof[];
  readonly prefer_async?: boolean | undefined;
  readonly outputs?: readonly BlindedMessage[] | undefined;
};

/** POST /v1/checkstate (NUT-07). */
export type CheckStateRequest = { readonly Ys: readonly string[] };

/** One answer of NUT-07. */
export type ProofState = {
  readonly Y: string;
  readonly state: "UNSPENT" | "PENDING" | "SPENT";
  readonly witness?: string | undefined;
};

/** The states, in the order asked. */
export type CheckStateAnswer = { readonly states: readonly ProofState[] };

/** POST /v1/restore (NUT-09). */
export type RestoreRequest = { readonly outputs: readonly BlindedMessage[] };

/** The outputs that were signed, with their signatures. */
export type RestoreAnswer = { readonly outputs: readonly BlindedMessage[]; readonly signatures: readonly BlindSignature[] };

/** POST /v1/mint/{method}/batch (NUT-29): outputs for several paid quotes at once, all or none. `signatures[i]` is the claim of
 * `quotes[i]` over all outputs, null for a quote without a key. Answered with `Signatures`. */
export type BatchMintRequest = {
  readonly quotes: readonly string[];
  readonly outputs: readonly BlindedMessage[];
  readonly quote_amounts?: readonly number[] | undefined;
  readonly signatures?: readonly (string | null)[] | undefined;
};

/** A mint's refusal (NUT-00): `code` is a number of error_codes.md, which `codeOf` translates. */
export type Refusal = { readonly code: number; readonly detail: string };

const dleq = /* @__PURE__ */ shape<Dleq>({ e: text, s: text, r: optional(text) });

/** A token in JSON, as wallets hand it to each other. Its points and scalars are not judged here. */
export const readProof = /* @__PURE__ */ shape<Proof>({
  amount: whole,
  id: text,
  secret: text,
  C: text,
  dleq: /* @__PURE__ */ optional(dleq),
  witness: /* @__PURE__ */ optional(text),
  p2pk_e: /* @__PURE__ */ optional(text),
});

const message = /* @__PURE__ */ shape<BlindedMessage>({ amount: whole, id: text, B_: text });

const signature = /* @__PURE__ */ shape<BlindSignature>({
  amount: whole,
  id: text,
  C_: text,
  dleq: /* @__PURE__ */ optional(dleq),
});

const keysetInfo = {
  id: text,
  unit: text,
  active: /* @__PURE__ */ orElse(flag, true),
  input_fee_ppk: /* @__PURE__ */ optional(whole),
  final_expiry: /* @__PURE__ */ optional(whole),
};

export const readKeysets = /* @__PURE__ */ shape<KeysetsAnswer>({
  keysets: /* @__PURE__ */ listOf(/* @__PURE__ */ shape<KeysetInfo>({ ...keysetInfo, active: flag })),
});

/** One keyset with its keys, as a mint gives it and as the public log holds it. Whether its id is right: `checkKeyset`. */
export const readKeyset = /* @__PURE__ */ shape<Keyset>({ ...keysetInfo, keys: /* @__PURE__ */ mapOf(text) });

export const readKeys = /* @__PURE__ */ shape<KeysAnswer>({ keysets: /* @__PURE__ */ listOf(readKeyset) });

export const readSignatures = /* @__PURE__ */ shape<Signatures>({ signatures: /* @__PURE__ */ listOf(signature) });

export const readClaimQuote = /* @__PURE__ */ shape<ClaimQuote>({
  quote: text,
  request: text,
  unit: text,
  method: text,
  amount: whole,
  amount_paid: whole,
  amount_issued: whole,
  updated_at: whole,
  expiry: /* @__PURE__ */ optional(whole),
  pubkey: /* @__PURE__ */ optional(text),
  crowd: /* @__PURE__ */ orElse(whole, 0),
  crowd_needed: /* @__PURE__ */ orElse(whole, 0),
  window_ends: /* @__PURE__ */ orElse(whole, 0),
});

export const readMeltQuote = /* @__PURE__ */ shape<MeltQuote>({
  quote: text,
  request: text,
  amount: whole,
  unit: text,
  method: text,
  state: /* @__PURE__ */ oneOf("UNPAID", "PENDING", "PAID"),
  expiry: whole,
  fee_reserve: /* @__PURE__ */ orElse(whole, 0),
});

export const readStates = /* @__PURE__ */ shape<CheckStateAnswer>({
  states: /* @__PURE__ */ listOf(
    /* @__PURE__ */ shape<ProofState>({
      Y: text,
      state: /* @__PURE__ */ oneOf("UNSPENT", "PENDING", "SPENT"),
      witness: /* @__PURE__ */ optional(text),
    }),
  ),
});

export const readRestored = /* @__PURE__ */ shape<RestoreAnswer>({
  outputs: /* @__PURE__ */ listOf(message),
  signatures: /* @__PURE__ */ listOf(signature),
});

/** A refusal whose code some mints write as text. */
export const readRefusal = /* @__PURE__ */ shape<Refusal>({
  code: (value) => whole(typeof value === "string" && /^[0-9]{1,9}$/.test(value) ? Number(value) : value),
  detail: /* @__PURE__ */ orElse(text, ""),
});

// NUT-00 tokens: the forms in which a wallet hands tokens to a shop or another wallet.
//
// Version 4 (`cashuB` and base64url of CBOR) is read and written; version 3 (`cashuA` and base64url of JSON) is only read, for
// wallets of others. Keyset ids may be written short (8 bytes); reading resolves them against known keysets and refuses
// ambiguity. A memo is not kept: no text about people travels with money here. LIMIT: amounts beyond 2^53 are refused.
import * as base64url from "./base64url.ts";
import { fromUtf8, hex, unhex } from "./bytes.ts";
import { readCbor, writeCbor } from "./cbor.ts";
import type { Writable } from "./cbor.ts";
import { malformed } from "./errors.ts";
import { bytes, listOf, optional, orElse, readJson, shape, text, whole } from "./shapes.ts";
import type { Reader } from "./shapes.ts";
import { readProof } from "./wire.ts";
import type { Proof } from "./wire.ts";

export const LONGEST = 100_000;
export const MOST_PROOFS = 200;
const PREFIX = "cashuB";
const PREFIX_3 = "cashuA";
const RAW_PREFIX = "crawB";
// The specification has no unit for a version 3 token without one; wallets take it to be this.
const UNIT_3 = "sat";
const POINT = /^0[23][0-9a-f]{64}$/;
const SCALAR = /^[0-9a-f]{64}$/;

/** Tokens of one mint and one unit, as handed over. */
export type Token = { readonly mint: string; readonly unit: string; readonly proofs: readonly Proof[] };

/** The token as text, DLEQ included where the proofs carry it (a till needs it to verify offline). */
export function writeToken(token: Token): string {
  return PREFIX + base64url.encode(packToken(token));
}

function packToken(token: Token): Uint8Array {
  const groups = new Map<string, Writable[]>();
  for (const proof of token.proofs) {
    groups.set(proof.id, [...(groups.get(proof.id) ?? []), pack(proof)]);
  }
  const sets = [...groups].map(([id, proofs]) => ({ i: unhex(id), p: proofs }));
  return writeCbor({ t: sets, m: withoutSlash(token.mint), u: token.unit });
}

function withoutSlash(address: string): string {
  return address.replace(/\/+$/, "");
}

function pack({ amount, secret, C, dleq, witness, p2pk_e }: Proof): Writable {
  const maybe = (value: string | undefined) => (value === undefined ? undefined : unhex(value));
  const proof = dleq && { e: unhex(dleq.e), s: unhex(dleq.s), r: maybe(dleq.r) };
  return { a: amount, s: secret, c: unhex(C), d: proof, w: witness, pe: maybe(p2pk_e) };
}

/** A token from its text, of version 4 or 3. `keysets` are the known full ids. Throws `token.malformed`. */
export function readToken(text: string, { keysets }: { keysets: readonly string[] }): Token {
  if (text.length > LONGEST) {
    malformed("The token is too long.");
  }
  const clean = text.trim().replace(/^cashu:/, "");
  const data = () => base64url.decode(clean.slice(PREFIX.length));
  if (clean.startsWith(PREFIX)) {
    return unpackToken(data(), keysets);
  }
  return clean.startsWith(PREFIX_3) ? readVersion3(data(), keysets) : malformed("This is not a token of version 4 or 3.");
}

/** A token of version 4 from its bytes (`crawB` and CBOR), as a series of codes or NFC carries it. Throws `token.malformed`. */
export function readRaw(data: Uint8Array, { keysets }: { keysets: readonly string[] }): Token {
  const isRaw = data.length <= LONGEST && [...RAW_PREFIX].every((sign, place) => data[place] === sign.charCodeAt(0));
  return isRaw ? unpackToken(data.subarray(RAW_PREFIX.length), keysets) : malformed("This is not a token of version 4.");
}

/** The token as bytes, with what `writeToken` has. */
export function writeRaw(token: Token): Uint8Array {
  return Uint8Array.from([...Array.from(RAW_PREFIX, (sign) => sign.charCodeAt(0)), ...packToken(token)]);
}

/** A field that is absent or a byte string: null is neither. */
const maybeHex: Reader<string | undefined> = (value) => (value === undefined ? undefined : hexOf(value));

const hexOf: Reader<string> = (value) => hex(bytes(value));

const packedProof = /* @__PURE__ */ shape({
  a: whole,
  s: text,
  c: hexOf,
  d: /* @__PURE__ */ optional(/* @__PURE__ */ shape({ e: hexOf, s: hexOf, r: maybeHex })),
  w: /* @__PURE__ */ optional(text),
  pe: /* @__PURE__ */ optional(hexOf),
});

const packedToken = /* @__PURE__ */ shape({
  t: /* @__PURE__ */ listOf(/* @__PURE__ */ shape({ i: hexOf, p: /* @__PURE__ */ listOf(packedProof) })),
  m: text,
  u: text,
});

function unpackToken(data: Uint8Array, keysets: readonly string[]): Token {
  const content = packedToken(readCbor(data));
  const proofs = content.t.flatMap((group) => {
    const id = fullId(group.i, keysets);
    return group.p.map(({ a, s, c, d, w, pe }) => readProof({ amount: a, id, secret: s, C: c, dleq: d, witness: w, p2pk_e: pe }));
  });
  return tokenOf(content.m, content.u, proofs);
}

const version3 = /* @__PURE__ */ shape({
  token: /* @__PURE__ */ listOf(/* @__PURE__ */ shape({ mint: text, proofs: /* @__PURE__ */ listOf(readProof) })),
  unit: /* @__PURE__ */ orElse(text, UNIT_3),
});

function readVersion3(data: Uint8Array, keysets: readonly string[]): Token {
  const content = readJson(fromUtf8(data), version3);
  const [mint, ...others] = new Set(content.token.map((entry) => withoutSlash(entry.mint)));
  if (mint === undefined || others.length) {
    return malformed("A token holds coins of one mint.");
  }
  const proofs = content.token.flatMap((entry) => entry.proofs);
  return tokenOf(mint, content.unit || UNIT_3, proofs.map((proof) => ({ ...proof, id: fullId(proof.id, keysets) })));
}

function tokenOf(mint: string, unit: string, proofs: readonly Proof[]): Token {
  if (!proofs.length || proofs.length > MOST_PROOFS) {
    malformed(`A token holds 1 to ${MOST_PROOFS} coins.`);
  }
  return proofs.every(isWellFormed) ? { mint, unit, proofs } : malformed("A coin of the token is malformed.");
}

function isWellFormed({ amount, C, dleq, p2pk_e }: Proof): boolean {
  const scalars = dleq ? [dleq.e, dleq.s, dleq.r ?? dleq.s] : [];
  return amount > 0 && [C, p2pk_e ?? C].every((each) => POINT.test(each)) && scalars.every((each) => SCALAR.test(each));
}

function fullId(id: string, keysets: readonly string[]): string {
  const size = hex(unhex(id)) === id ? id.length / 2 : 0;
  if (size === 33) {
    return id;
  }
  const found = size === 8 ? keysets.filter((each) => each.startsWith(id)) : [];
  const [only] = found;
  return only !== undefined && found.length === 1 ? only : malformed("A keyset id does not name exactly one known keyset.");
}

/** The proof as it may go to the mint: neither the blinding factor nor what hides a lock's keys (NUT-28) may reach it. */
export function withoutDleq({ dleq: _dleq, p2pk_e: _hidden, ...plain }: Proof): Proof {
  return plain;
}

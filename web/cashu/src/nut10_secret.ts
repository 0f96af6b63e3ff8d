// NUT-10 and NUT-11: spending conditions in a secret, here "pay to public key" (P2PK), with every tag of NUT-11.
//
// A secret that is not of this form is plain: whoever holds it may spend. A malformed condition, or one of another kind (NUT-14),
// is refused everywhere, at the till and at the mint alike. The owner's keys open a lock at any time; the refund keys also do
// after the lock time; without a refund tag, everybody does then. Keys are told apart by their x-coordinate. SIG_ALL is read by
// `readCondition` and `checkLocks` only: a till or purse signs coins one by one, so `readLock` refuses what it could not redeem.
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "./bytes.ts";
import { readPoint, schnorrSign, schnorrVerifyDigest, showPoint } from "./curve.ts";
import type { Point } from "./curve.ts";
import { fail, isError, malformed, renamed } from "./errors.ts";
import { listOf, orElse, readJson, shape, text } from "./shapes.ts";
import { parseStrictly } from "./strict_json.ts";
import type { Json } from "./strict_json.ts";
import type { BlindedMessage, Proof } from "./wire.ts";

const LONGEST_SECRET = 1_024;
const LONGEST_WITNESS = 4_096;
const MOST_SIGNATURES = 20;
// Checks of one signature against one key, in a whole request.
const MOST_CHECKS = 1_000;
const MOST_BRACKETS = 64;
const MAYBE_CONDITION = /^[ \t\n\r]*\[[ \t\n\r]*"/;
const KNOWN_TAGS = ["sigflag", "pubkeys", "n_sigs", "locktime", "refund", "n_sigs_refund"];
const DIGITS = /^[0-9]+$/;
const SIG_ALL = "SIG_ALL";

/** A P2PK condition: `keys` (compressed, hex) of which `needed` must sign; after `locktime` (unix time; null: never), `refund`
 * keys may sign instead (none: anybody). `sigAll`: the signatures cover the whole request. */
export type Lock = {
  readonly keys: readonly string[];
  readonly needed: number;
  readonly locktime: number | null;
  readonly refund: readonly string[];
  readonly refundNeeded: number;
  readonly sigAll: boolean;
};

/** A lock with the texts it was read from, which must be alike in all inputs of a SIG_ALL request. */
export type Condition = { readonly lock: Lock; readonly data: string; readonly tags: readonly (readonly string[])[] };

/** The secret of a token locked to `key` until `locktime` (unix time), afterwards also open to `refund`. */
export function writeLock(nonce: string, key: string, { locktime, refund }: { locktime: number; refund: string }): string {
  return writeSecret("P2PK", nonce, key, [["locktime", String(locktime)], ["refund", refund]]);
}

/** A secret that carries a condition (NUT-10). Nothing is checked: whoever locks reads it with `readCondition` first. */
export function writeSecret(kind: string, nonce: string, data: string, tags: readonly (readonly string[])[]): string {
  return JSON.stringify([kind, { nonce, data, tags }]);
}

/** The condition in a secret, or null for a plain one. Throws `token.malformed` or `token.bad_point` for a malformed condition
 * and for SIG_ALL. */
export function readLock(secret: string): Lock | null {
  const lock = readCondition(secret)?.lock ?? null;
  return lock?.sigAll ? malformed("The signature flag SIG_ALL is not supported here.") : lock;
}

/** The condition in a secret, SIG_ALL too, or null for a plain one. Throws `token.malformed` or `token.bad_point` for a malformed
 * condition. */
export function readCondition(secret: string): Condition | null {
  if (utf8(secret).length > LONGEST_SECRET) {
    malformed("A secret is too long.");
  }
  if (!MAYBE_CONDITION.test(secret)) {
    return null;
  }
  if (secret.split(/[[{]/).length - 1 > MOST_BRACKETS) {
    malformed("A secret is nested too deeply.");
  }
  const content = parseStrictly(secret);
  if (!Array.isArray(content) || typeof content[0] !== "string" || !isFields(content[1])) {
    return null;
  }
  const [kind, { nonce, data, tags = [] }] = content as [string, { [name: string]: Json }];
  if (kind === "P2PK" && content.length === 2 && typeof nonce === "string" && typeof data === "string") {
    return conditionOf(data, tags);
  }
  return malformed("This spending condition is malformed or not supported.");
}

function isFields(value: Json | undefined): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function conditionOf(data: string, tags: Json): Condition {
  const found = new Map<string, string[]>();
  for (const tag of Array.isArray(tags) ? tags : malformed("The tags of a condition are malformed.")) {
    if (!Array.isArray(tag) || !tag.length || !tag.every((part) => typeof part === "string" && part)) {
      malformed("A tag of a condition is malformed.");
    }
    const [name, ...values] = tag as [string, ...string[]];
    if (KNOWN_TAGS.includes(name) && found.has(name)) {
      malformed("A tag of a condition stands twice.");
    }
    found.set(name, values);
  }
  const keys = [data, ...(found.get("pubkeys") ?? [])];
  const refund = found.get("refund") ?? [];
  if (found.has("refund") && !refund.length) {
    malformed("A condition names a refund without a key.");
  }
  const lock = {
    keys: distinct(keys),
    needed: countOf(found.get("n_sigs"), keys.length),
    locktime: locktimeOf(found.get("locktime")),
    refund: distinct(refund),
    refundNeeded: countOf(found.get("n_sigs_refund"), refund.length),
    sigAll: isSigAll(found.get("sigflag")),
  };
  return { lock, data, tags: tags as string[][] }; // every tag was found to be a list of texts
}

function isSigAll(values: readonly string[] | undefined): boolean {
  const [flag = "SIG_INPUTS"] = values ?? [];
  if (values && (values.length !== 1 || (flag !== "SIG_INPUTS" && flag !== SIG_ALL))) {
    malformed("The signature flag of a condition is unknown.");
  }
  return flag === SIG_ALL;
}

function distinct(keys: readonly string[]): string[] {
  const plain = keys.map((key) => showPoint(readPoint(key.toLowerCase())));
  if (new Set(plain.map((key) => key.slice(2))).size !== plain.length) {
    malformed("A key stands twice in a condition.");
  }
  return plain;
}

function countOf(values: readonly string[] | undefined, keys: number): number {
  const [text = "1"] = values ?? [];
  const count = DIGITS.test(text) ? Number(text) : 0;
  if (values && (values.length !== 1 || count < 1 || count > keys)) {
    malformed("The number of signatures of a condition is impossible.");
  }
  return count;
}

function locktimeOf(values: readonly string[] | undefined): number | null {
  const [text = ""] = values ?? [];
  // NUT-11: an invalid time locks for ever.
  return values?.length === 1 && DIGITS.test(text) && text.length <= 12 ? Number(text) : null;
}

/** Throws `token.lock_not_open` unless the proof's own condition, if it has one, is met at `now` (unix time), `token.malformed`
 * or `token.bad_point` when the condition is malformed or SIG_ALL. */
export function checkLock(proof: Proof, { now }: { now: number }): void {
  const lock = readLock(proof.secret);
  if (lock) {
    checkOpen(lock, utf8(proof.secret), proof.witness, now, new Checks());
  }
}

/** What a request spends: a swap gives its `outputs`; a melt its `quote` and, if it has them, its blank outputs. */
export type Spending = { readonly outputs?: readonly BlindedMessage[] | undefined; readonly quote?: string | undefined };

/** Throws unless the conditions of all inputs of a request are met at `now` (unix time): each on its own, or, as soon as one is
 * SIG_ALL, all together by the witness of the first, over the whole request. `token.malformed`, `token.bad_point` for a malformed
 * condition, `token.lock_not_open` for one that is not met, `token.too_many` when it takes too many checks of signatures. */
export function checkLocks(inputs: readonly Proof[], spending: Spending, { now }: { now: number }): void {
  const conditions = inputs.map((proof) => readCondition(proof.secret));
  const checks = new Checks();
  if (conditions.some((condition) => condition?.lock.sigAll)) {
    checkOpen(alike(conditions).lock, sigAllMessage(inputs, spending), inputs[0]?.witness, now, checks);
    return;
  }
  inputs.forEach((proof, place) => {
    const condition = conditions[place];
    if (condition) {
      checkOpen(condition.lock, utf8(proof.secret), proof.witness, now, checks);
    }
  });
}

function alike(conditions: readonly (Condition | null)[]): Condition {
  const [first] = conditions;
  const textOf = (each: Condition | null) => each && JSON.stringify([each.data, each.tags]);
  if (!first || conditions.some((each) => textOf(each) !== textOf(first))) {
    return fail("token.lock_not_open", "The inputs of a request with SIG_ALL have not the same condition.");
  }
  return first;
}

/** What a SIG_ALL signature covers (NUT-11): secrets and points of the inputs, amounts and points of the outputs, and the quote
 * of a melt, as texts in the order of the request. */
export function sigAllMessage(inputs: readonly Proof[], { outputs = [], quote = "" }: Spending): Uint8Array {
  const parts = [...inputs.map((proof) => proof.secret + proof.C), ...outputs.map((output) => `${output.amount}${output.B_}`)];
  return utf8([...parts, quote].join(""));
}

/** Counts the checks of one request, so that no request costs more than `MOST_CHECKS`. */
class Checks {
  #left = MOST_CHECKS;

  isSigned(digest: Uint8Array, signature: string, key: Point): boolean {
    this.#left -= 1;
    if (this.#left < 0) {
      fail("token.too_many", "The locks of a request take too many signatures.");
    }
    try {
      schnorrVerifyDigest(digest, signature, key);
      return true;
    } catch (error) {
      if (isError(error, "token.lock_not_open")) {
        return false;
      }
      throw error;
    }
  }
}

function checkOpen(lock: Lock, message: Uint8Array, witness: string | undefined, now: number, checks: Checks): void {
  const isLate = lock.locktime !== null && now > lock.locktime;
  if (isLate && !lock.refund.length) {
    return;
  }
  const signatures = readWitness(witness);
  const digest = sha256(message);
  const isOpen = (keys: readonly string[], needed: number) => isEnough(digest, signatures, keys, needed, checks);
  if (!isOpen(lock.keys, lock.needed) && !(isLate && isOpen(lock.refund, lock.refundNeeded))) {
    fail("token.lock_not_open", "A locked token is not signed by its key.");
  }
}

const signaturesOf = /* @__PURE__ */ shape<{ signatures: readonly string[] }>({
  signatures: /* @__PURE__ */ orElse(/* @__PURE__ */ listOf(text), []),
});

function readWitness(witness: string | undefined): readonly string[] {
  if (witness === undefined) {
    return [];
  }
  const { signatures } = renamed("token.lock_not_open", "A witness cannot be read.", () =>
    readJson(witness.length > LONGEST_WITNESS ? "" : witness, signaturesOf),
  );
  return signatures.length > MOST_SIGNATURES ? fail("token.lock_not_open", "A witness has too many signatures.") : signatures;
}

/** Whether `needed` different keys have signed. Keys count, not signatures: one key may make many. */
function isEnough(
  digest: Uint8Array,
  signatures: readonly string[],
  keys: readonly string[],
  needed: number,
  checks: Checks,
): boolean {
  let signed = 0;
  for (const key of keys) {
    const point = readPoint(key);
    signed += signatures.some((each) => checks.isSigned(digest, each, point)) ? 1 : 0;
    if (signed >= needed) {
      return true;
    }
  }
  return false;
}

/** The proof with the witness that opens its lock, signed with the secret key of 32 bytes. */
export function signLock(proof: Proof, secretKey: Uint8Array): Proof {
  return { ...proof, witness: JSON.stringify({ signatures: [schnorrSign(utf8(proof.secret), secretKey)] }) };
}

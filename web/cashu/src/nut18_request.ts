// NUT-18: a payment request: what a payee shows and a payer's wallet reads. Text form A: `creqA` and base64url of CBOR (form B:
// nut26_request.ts). Also the payment that answers it, and the check of one against the other.
//
// Lengths and numbers of parts are bounded: a request comes from a stranger's screen. What a lock asks for is not judged when a
// request is read (kinds that we do not know must be shown, not dropped); `lockSecret` refuses what we cannot lock to.
import * as base64url from "./base64url.ts";
import { fromUtf8, utf8 } from "./bytes.ts";
import { readCbor, writeCbor } from "./cbor.ts";
import { fail, malformed, renamed } from "./errors.ts";
import { readCondition, writeSecret } from "./nut10_secret.ts";
import type { Condition, Lock } from "./nut10_secret.ts";
import { flag, listOf, optional, orElse, readJson, shape, text, whole } from "./shapes.ts";
import { readProof } from "./wire.ts";
import type { Proof } from "./wire.ts";

export const LONGEST = 8_192;
const LONGEST_PAYLOAD = 262_144;
const MOST_PROOFS = 200;
const MOST_PARTS = 32;
const LONGEST_PART = 2_048;
const PREFIX = "creqA";
const EXAMPLE_NONCE = "00".repeat(32);
const DECIMAL = /^[0-9]{1,19}$/;

/** A way to send the tokens: `post` with a URL, or `nostr` with a profile; `tags` as [name, value, ...]. */
export type Transport = { readonly kind: string; readonly target: string; readonly tags: readonly (readonly string[])[] };

/** The condition (NUT-10) that the payee wants the tokens locked with. */
export type LockOption = { readonly kind: string; readonly data: string; readonly tags: readonly (readonly string[])[] };

/** What is asked for. `amount` in minor units of `unit`; no mints: any; no transports: the payment goes back by the way that the
 * request came. */
export type PaymentRequest = {
  readonly transports: readonly Transport[];
  readonly mints: readonly string[];
  readonly id?: string | undefined;
  readonly amount?: number | undefined;
  readonly unit?: string | undefined;
  readonly description?: string | undefined;
  readonly singleUse?: boolean | undefined;
  readonly lock?: LockOption | undefined;
};

/** The tokens that answer a request, as JSON. `id` is the request's. */
export type Payment = {
  readonly mint: string;
  readonly unit: string;
  readonly proofs: readonly Proof[];
  readonly id?: string | undefined;
};

const tagsOf = /* @__PURE__ */ orElse(/* @__PURE__ */ listOf(/* @__PURE__ */ listOf(text)), []);

const packedRequest = /* @__PURE__ */ shape({
  t: /* @__PURE__ */ orElse(/* @__PURE__ */ listOf(/* @__PURE__ */ shape({ t: text, a: text, g: tagsOf })), []),
  i: /* @__PURE__ */ optional(text),
  a: /* @__PURE__ */ optional(whole),
  u: /* @__PURE__ */ optional(text),
  m: /* @__PURE__ */ orElse(/* @__PURE__ */ listOf(text), []),
  d: /* @__PURE__ */ optional(text),
  s: /* @__PURE__ */ optional(flag),
  nut10: /* @__PURE__ */ optional(/* @__PURE__ */ shape({ k: text, d: text, t: tagsOf })),
});

/** The request as text of form A. Throws `token.malformed` when it is out of bounds. */
export function writeRequest(request: PaymentRequest): string {
  checkRequest(request);
  const { transports, id, amount, unit, mints, description, singleUse, lock } = request;
  const filled = <T>(parts: readonly T[]) => (parts.length ? parts : undefined);
  const content = {
    t: filled(transports.map(({ kind, target, tags }) => ({ t: kind, a: target, g: filled(tags) }))),
    i: id,
    a: amount,
    u: unit,
    m: filled(mints),
    d: description,
    s: singleUse,
    nut10: lock && { k: lock.kind, d: lock.data, t: filled(lock.tags) },
  };
  return PREFIX + base64url.encode(writeCbor(content));
}

/** A request from its text of form A. Throws `token.malformed`. */
export function readRequest(text: string): PaymentRequest {
  const clean = text.trim();
  if (clean.length > LONGEST || clean.slice(0, PREFIX.length).toLowerCase() !== PREFIX.toLowerCase()) {
    malformed("This is not a payment request of form A.");
  }
  const { t, i, a, u, m, d, s, nut10 } = packedRequest(readCbor(base64url.decode(clean.slice(PREFIX.length))));
  const request = plainRequest({
    transports: t.map((each) => ({ kind: each.t, target: each.a, tags: each.g })),
    id: i,
    amount: a,
    unit: u,
    mints: m,
    description: d,
    singleUse: s,
    lock: nut10 && { kind: nut10.k, data: nut10.d, tags: nut10.t },
  });
  checkRequest(request);
  return request;
}

/** The request without fields that are undefined, so that equal requests are equal objects. */
export function plainRequest(request: PaymentRequest): PaymentRequest {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as PaymentRequest; // what was there
}

/** Throws `token.malformed` unless the request is within bounds and its amount has a unit. */
export function checkRequest(request: PaymentRequest): void {
  const { amount, unit, transports, mints, lock } = request;
  if (amount !== undefined && (unit === undefined || !Number.isSafeInteger(amount) || amount <= 0)) {
    malformed("The amount of a payment request is malformed or has no unit.");
  }
  const tags = [...transports.flatMap((each) => each.tags), ...(lock?.tags ?? [])];
  const lists: readonly (readonly unknown[])[] = [transports, mints, tags, ...tags];
  if (lists.some((list) => list.length > MOST_PARTS) || tags.some((tag) => !tag.length)) {
    malformed("A payment request has too many parts or an empty tag.");
  }
  const targets = transports.flatMap((each) => [each.kind, each.target]);
  const texts = [request.id, unit, request.description, ...mints, ...tags.flat(), ...targets];
  if ([...texts, lock?.kind, lock?.data].some((each) => each !== undefined && utf8(each).length > LONGEST_PART)) {
    malformed("A part of a payment request is too long.");
  }
}

/** A coin as other wallets write it: some give the amount as decimal text, so that no reader rounds it. */
const sentProof = (value: unknown): Proof => {
  const amount = typeof value === "object" && value !== null && "amount" in value ? value.amount : undefined;
  return readProof(typeof amount === "string" && DECIMAL.test(amount) ? { ...(value as object), amount: Number(amount) } : value);
};

const sentPayment = /* @__PURE__ */ shape<Payment>({
  mint: text,
  unit: text,
  proofs: /* @__PURE__ */ listOf(sentProof),
  id: /* @__PURE__ */ optional(text),
});

/** A payment from its JSON; an amount may be a number or decimal text. Throws `token.malformed`. */
export function readPayment(data: Uint8Array | string): Payment {
  if (data.length > LONGEST_PAYLOAD) {
    malformed("A payment is too long.");
  }
  const payment = readJson(typeof data === "string" ? data : fromUtf8(data), sentPayment);
  const { length } = payment.proofs;
  return length && length <= MOST_PROOFS ? payment : malformed(`A payment holds 1 to ${MOST_PROOFS} coins.`);
}

/** The secret of a token locked as the option says. Throws `token.malformed` or `token.bad_point` when we cannot lock to it: a
 * payer must refuse to pay then, not pay without the lock. */
export function lockSecret(option: LockOption, nonce: string): string {
  const secret = writeSecret(option.kind, nonce, option.data, option.tags);
  conditionIn(secret);
  return secret;
}

function conditionIn(secret: string): Condition {
  return readCondition(secret) ?? malformed("A payment request asks for a lock that is not supported.");
}

/** Throws `token.request_not_met` unless the payment is of a mint and the unit that were asked for, enough, and every token
 * locked as asked: to the same keys, and for nobody else before `lockedUntil` (unix time) unless the request itself gave an
 * earlier lock time. Throws what `lockSecret` throws when the lock that was asked for is malformed. The tokens' signatures and
 * proofs are not checked here. */
export function checkPayment(request: PaymentRequest, payment: Payment, { lockedUntil }: { lockedUntil: number }): void {
  const withoutSlash = (address: string) => address.replace(/\/+$/, "");
  const mints = request.mints.map(withoutSlash);
  const amounts = payment.proofs.map((proof) => proof.amount);
  const meets: readonly (readonly [boolean, string])[] = [
    [!mints.length || mints.includes(withoutSlash(payment.mint)), "The payment is of another mint."],
    [request.id === undefined || payment.id === undefined || payment.id === request.id, "The payment is for another request."],
    [request.unit === undefined || payment.unit === request.unit, "The payment is in another unit."],
    [amounts.every((amount) => amount > 0), "A coin of the payment has no amount."],
    [amounts.reduce((sum, each) => sum + each, 0) >= (request.amount ?? 0), "The payment is less than was asked for."],
  ];
  meets.forEach(([isMet, what]) => isMet || fail("token.request_not_met", what));
  if (request.lock) {
    const asked = conditionIn(lockSecret(request.lock, EXAMPLE_NONCE)).lock;
    payment.proofs.forEach((proof) => checkLocked(proof, asked, lockedUntil));
  }
}

function checkLocked(proof: Proof, asked: Lock, lockedUntil: number): void {
  const wrong = "A coin of the payment has a malformed lock.";
  const found = renamed("token.request_not_met", wrong, () => readCondition(proof.secret))?.lock;
  if (!found || signers(found) !== signers(asked)) {
    return fail("token.request_not_met", "A coin of the payment is not locked as was asked.");
  }
  if (found.locktime !== null && found.locktime < (asked.locktime ?? lockedUntil)) {
    fail("token.request_not_met", "The lock of a coin of the payment ends too soon.");
  }
}

function signers(lock: Lock): string {
  return JSON.stringify([lock.keys.map((key) => key.slice(2)).sort(), lock.needed, lock.sigAll]);
}

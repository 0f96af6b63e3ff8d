// A wallet's outputs: made before a request from a seed and a counter, finished with the mint's answer. Pure.
//
// `finish` refuses what a mint could use to mark somebody: a signature without a valid proof, under another keyset, of another
// amount, or a missing one.
import { hex } from "./bytes.ts";
import { generatorTimes, readPoint, showPoint } from "./curve.ts";
import { fail, malformed } from "./errors.ts";
import { blind, unblind } from "./nut00_blind.ts";
import { writeLock } from "./nut10_secret.ts";
import { checkSignature } from "./nut12_dleq.ts";
import { derive, deriveEphemeral } from "./nut13_secrets.ts";
import { hideKeys } from "./nut28_p2bk.ts";
import type { BlindSignature, BlindedMessage, Proof } from "./wire.ts";

/** Lock outputs to a key until a time (unix); afterwards the refund key may take them back. `hide`: each output to other, hidden
 * keys (NUT-28), so that the mint cannot tell who was paid twice; both sides then sign with `signHidden`. */
export type LockTo = {
  readonly key: string;
  readonly locktime: number;
  readonly refund: string;
  readonly hide?: boolean | undefined;
};

/** What the outputs of one request are made of: enough to make them again after a crash. `counter` is the first output's; `locks`
 * has one entry an amount. Plain JSON, so that it can be stored. */
export type OutputPlan = {
  readonly keyset: string;
  readonly counter: number;
  readonly amounts: readonly number[];
  readonly locks: readonly (LockTo | null)[];
};

type Blank = { readonly amount: number; readonly secret: string; readonly factor: Uint8Array; readonly p2pk_e?: string };

function blanks(plan: OutputPlan, seed: Uint8Array): Blank[] {
  if (plan.locks.length !== plan.amounts.length) {
    malformed("A plan has another number of locks than of amounts.");
  }
  return plan.amounts.map((amount, place) => {
    const blank = blankOf(seed, plan.keyset, plan.counter + place, plan.locks[place] ?? null);
    return { amount, ...blank };
  });
}

function blankOf(seed: Uint8Array, keyset: string, counter: number, lock: LockTo | null): Omit<Blank, "amount"> {
  const { secret, factor } = derive(seed, keyset, counter);
  if (!lock) {
    return { secret, factor };
  }
  if (!lock.hide) {
    return { secret: writeLock(secret, lock.key, lock), factor };
  }
  const ephemeral = deriveEphemeral(seed, keyset, counter);
  const [key, refund] = hideKeys([lock.key, lock.refund], ephemeral) as [string, string]; // as many as went in
  const locked = writeLock(secret, key, { locktime: lock.locktime, refund });
  return { secret: locked, factor, p2pk_e: showPoint(generatorTimes(ephemeral)) };
}

/** The blinded messages of a plan, in its order. */
export function messages(plan: OutputPlan, seed: Uint8Array): BlindedMessage[] {
  const id = plan.keyset;
  return blanks(plan, seed).map(({ amount, secret, factor }) => ({ amount, id, B_: showPoint(blind(secret, factor)) }));
}

/** The tokens, each checked against the published keys (amount as text -> key in hex). Throws `token.signature_not_proved`,
 * `token.bad_point`. */
export function finish(
  plan: OutputPlan,
  seed: Uint8Array,
  signatures: readonly BlindSignature[],
  keys: Readonly<Record<string, string>>,
): Proof[] {
  if (signatures.length !== plan.amounts.length) {
    fail("token.signature_not_proved", "The mint answered with another number of signatures.");
  }
  // One signature a blank was just counted.
  return blanks(plan, seed).map((blank, place) => finishOne(blank, plan.keyset, signatures[place] as BlindSignature, keys));
}

function finishOne(blank: Blank, keyset: string, signature: BlindSignature, keys: Readonly<Record<string, string>>): Proof {
  const { amount, secret, factor } = blank;
  const shown = keys[String(amount)];
  if (signature.amount !== amount || signature.id !== keyset || shown === undefined) {
    return fail("token.signature_not_proved", "The mint signed another amount or with another keyset.");
  }
  const key = readPoint(shown);
  const signed = readPoint(signature.C_);
  checkSignature(signature.dleq, { key, blinded: blind(secret, factor), signed });
  const { e, s } = signature.dleq ?? fail("token.signature_not_proved", "A signature comes without its proof.");
  const proof = { amount, id: keyset, secret, C: showPoint(unblind(signed, factor, key)), dleq: { e, s, r: hex(factor) } };
  return blank.p2pk_e === undefined ? proof : { ...proof, p2pk_e: blank.p2pk_e };
}

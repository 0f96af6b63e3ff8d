// Blinding and checking many outputs without holding up the screen: `@amparo/cashu`'s outputs, a few at a time.

import { type OutputPlan, finish, messages } from "@amparo/cashu/outputs.ts";
import type { BlindSignature, BlindedMessage, Proof } from "@amparo/cashu/wire.ts";
import { fail } from "@amparo/cashu/errors.ts";

const AT_ONCE = 4;

/** The blinded messages of a plan, in its order. */
export async function blinded(plan: OutputPlan, seed: Uint8Array): Promise<BlindedMessage[]> {
  const found: BlindedMessage[] = [];
  for (const [part] of parts(plan)) {
    found.push(...messages(part, seed));
    await breath();
  }
  return found;
}

/** The coins of a plan, each checked against the published keys. Rejects with `token.signature_not_proved`, `token.bad_point`. */
export async function finished(
  plan: OutputPlan,
  seed: Uint8Array,
  signatures: readonly BlindSignature[],
  keys: Readonly<Record<string, string>>,
): Promise<Proof[]> {
  if (signatures.length !== plan.amounts.length) fail("token.signature_not_proved", "The mint answered with another number of signatures.");
  const found: Proof[] = [];
  for (const [part, at] of parts(plan)) {
    found.push(...finish(part, seed, signatures.slice(at, at + AT_ONCE), keys));
    await breath();
  }
  return found;
}

function parts(plan: OutputPlan): [part: OutputPlan, at: number][] {
  const found: [OutputPlan, number][] = [];
  for (let at = 0; at < plan.amounts.length; at += AT_ONCE) {
    const amounts = plan.amounts.slice(at, at + AT_ONCE);
    found.push([{ ...plan, counter: plan.counter + at, amounts, locks: plan.locks.slice(at, at + AT_ONCE) }, at]);
  }
  return found;
}

/** Lets the screen draw. */
async function breath(): Promise<void> {
  await new Promise((go) => setTimeout(go));
}

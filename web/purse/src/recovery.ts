// The code on paper that gives a purse back, and the keys that it gives back with it. A till has none.

import { hex, unhex } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import * as code from "@amparo/cashu/recovery_code.ts";

import type { Purse } from "./purse.ts";
import * as store from "./store.ts";
import type { Draft } from "./vault.ts";

/** The code that gives a purse back. */
export function recoveryCode({ vault }: Purse): string {
  return code.writeCode(unhex(store.heldSeed(vault).entropy));
}

/** Somebody reads the code back from paper; from then on it counts as kept. Rejects with `purse.recovery_code_false`. */
export async function testCode({ vault }: Purse, typed: string): Promise<void> {
  const entropy = hex(code.readCode(typed));
  await vault.change((draft) => {
    const kept = store.heldSeed(draft);
    if (entropy !== kept.entropy) fail("purse.recovery_code_false", "This is the code of another purse.", { other: 1 });
    store.putSeed(draft, { ...kept, tested: true });
  });
}

/** Makes the unused purse of a vault the one whose code has this entropy, and so this seed. Throws `purse.in_use`. */
export function adoptSeed(draft: Draft, entropy: Uint8Array, seed: Uint8Array): void {
  if (store.isOwn(draft, hex(seed))) return;
  if (store.isUsed(draft)) fail("purse.in_use", "This purse was used already.");
  store.putSeed(draft, { seed: hex(seed), entropy: hex(entropy), tested: true });
}

/** A private key (32 bytes) for a purpose, which the recovery code gives back. */
export async function derivedKey({ vault }: Purse, purpose: string): Promise<Uint8Array> {
  return code.derivedKey(unhex(store.heldSeed(vault).seed), purpose);
}

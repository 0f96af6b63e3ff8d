// The Merkle-sum tree over one batch of decisions: a proof shows that one decision is counted, with its amount, in the published total.
// Twin of amparo_rules.sumtree, the checking half: leaf = H(0x00 || H(receipt) || amount), node = H(0x01 || left || left sum || right ||
// right sum), root = H(0x02 || count || top || sum), with H = SHA-256 and numbers as 8 bytes, big-endian.
import { bigEndian, hex, joined, unhex } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { sha256 } from "@noble/hashes/sha2.js";

import { flag, list, struct, text, whole } from "./shape.ts";

/** A sibling on the way up: its hash (hex), its sum, and whether it stands on the left. */
export interface ProofStep {
  readonly hash: string;
  readonly sum: number;
  readonly left: boolean;
}

/** The place of one decision in its batch. */
export interface BatchProof {
  readonly index: number;
  readonly count: number;
  readonly steps: readonly ProofStep[];
}

export const readBatchProof = struct<BatchProof>({
  index: whole,
  count: whole,
  steps: list(struct<ProofStep>({ hash: text, sum: whole, left: flag })),
});

const MOST = 2n ** 63n;
const MOST_STEPS = 64;

/** Fails with `rules.not_in_batch` unless the receipt (its compact JWS as bytes) with this amount is counted in the batch of this root
 * and total; with `rules.receipt_malformed` for a sum that is out of bounds. */
export function checkInBatch(receipt: Uint8Array, amount: number, proof: BatchProof, root: string, total: number): void {
  if (!(0 <= proof.index && proof.index < proof.count) || proof.steps.length > MOST_STEPS) refuse();
  const sides = sidesOf(proof.index, proof.count);
  if (sides.length !== proof.steps.length || proof.steps.some(({ left }, at) => left !== sides[at])) refuse();
  let hashed = sha256(joined(Uint8Array.of(0), sha256(receipt), number(BigInt(amount))));
  let summed = BigInt(amount);
  for (const { hash, sum, left } of proof.steps) {
    const sibling = unhex(hash, "rules.not_in_batch");
    if (sibling.length !== 32) refuse();
    const [one, two] = [joined(sibling, number(BigInt(sum))), joined(hashed, number(summed))];
    hashed = sha256(left ? joined(Uint8Array.of(1), one, two) : joined(Uint8Array.of(1), two, one));
    summed += BigInt(sum);
  }
  const found = hex(sha256(joined(Uint8Array.of(2), number(BigInt(proof.count)), hashed, number(summed))));
  if (summed !== BigInt(total) || found !== root) refuse();
}

function refuse(): never {
  return fail("rules.not_in_batch", "This decision is not in the published batch.");
}

function number(value: bigint): Uint8Array {
  return 0n <= value && value < MOST ? bigEndian(value, 8) : fail("rules.receipt_malformed", "A sum is out of bounds.");
}

/** On which side the siblings of a place stand, from the bottom up (true: left). */
function sidesOf(index: number, count: number): boolean[] {
  const sides: boolean[] = [];
  for (let [at, size] = [index, count]; size > 1; [at, size] = [Math.floor(at / 2), Math.ceil(size / 2)]) {
    const isLast = at % 2 === 0 && at + 1 >= size;
    if (!isLast) sides.push(at % 2 === 1);
  }
  return sides;
}

// NUT-00 from the wallet's side: blind a secret, unblind the signature.
import { utf8 } from "./bytes.ts";
import { add, generatorTimes, hashToCurve, multiply, subtract } from "./curve.ts";
import type { Point } from "./curve.ts";
import { fail } from "./errors.ts";

/** B_ = hashToCurve(secret) + factor * G. */
export function blind(secret: string, factor: Uint8Array): Point {
  return add(hashToCurve(utf8(secret)), generatorTimes(factor));
}

/** C = C_ - factor * K. */
export function unblind(signed: Point, factor: Uint8Array, key: Point): Point {
  return subtract(signed, multiply(key, factor));
}

/** `amount` as the fewest of the denominations (powers of two), ascending. Throws `token.amount_refused` when it cannot be made
 * of them. */
export function splitAmount(amount: number, denominations: readonly number[]): number[] {
  const parts: number[] = [];
  let rest = Number.isSafeInteger(amount) && amount >= 0 ? amount : fail("token.amount_refused", "An amount is no whole number.");
  for (const each of [...denominations].sort((one, two) => two - one)) {
    const count = Math.floor(rest / each);
    parts.push(...Array<number>(count).fill(each));
    rest -= count * each;
  }
  return rest ? fail("token.amount_refused", "The keyset has no coins for this amount.") : parts.reverse();
}

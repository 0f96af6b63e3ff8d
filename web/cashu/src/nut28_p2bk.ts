// NUT-28: pay to blinded key. The keys of a lock (NUT-11) are hidden, each token with other ones, so that a mint that sees them
// spent cannot tell that they were paid to the same receiver.
//
// The payer makes a key of its own for every token (`ephemeral`), hides each key of the lock with what both can derive, and hands
// the public half over with the token (`p2pk_e`). The receiver finds its slots, signs with the key that belongs to the hidden
// one, and takes `p2pk_e` off before the mint sees the token. Slots count from 0 in the order data, pubkeys, refund. Secret keys
// are 32 bytes, points compressed hex.
import { sha256 } from "@noble/hashes/sha2.js";
import { joined, numberOf, utf8 } from "./bytes.ts";
import { ORDER, add, generatorTimes, multiply, readPoint, scalarOf, showPoint, subtract } from "./curve.ts";
import type { Point } from "./curve.ts";
import { fail, isError, malformed, renamed } from "./errors.ts";
import { readLock, signLock } from "./nut10_secret.ts";
import type { Proof } from "./wire.ts";

const MOST_SLOTS = 11;
const DOMAIN = utf8("Cashu_P2BK_v1");

/** The keys of a lock, in the order of its slots, hidden with the secret key `ephemeral`, which must be fresh for every token. A
 * key of 64 digits (x-coordinate alone) is taken as even. Throws `token.bad_point`, and `token.malformed` for too many keys. */
export function hideKeys(keys: readonly string[], ephemeral: Uint8Array): string[] {
  if (keys.length > MOST_SLOTS) {
    malformed(`A hidden lock has at most ${MOST_SLOTS} keys.`);
  }
  return keys.map((key, slot) => {
    const point = readPoint((key.length === 66 ? key : "02" + key).toLowerCase());
    return showPoint(add(point, generatorTimes(factorOf(multiply(point, ephemeral), slot))));
  });
}

/** Which hidden key, and with whose: the public half of the payer's ephemeral key and the receiver's own secret key. */
export type HiddenFor = { readonly ephemeralPoint: string; readonly secretKey: Uint8Array };

/** The secret key of a hidden key, from the receiver's own. Throws `token.lock_not_open` when it was not made for the receiver. */
export function findSecretKey(hidden: string, slot: number, { ephemeralPoint, secretKey }: HiddenFor): Uint8Array {
  const factor = factorOf(multiply(readPoint(ephemeralPoint), secretKey), slot);
  const point = readPoint(hidden.toLowerCase());
  const own = showPoint(generatorTimes(secretKey));
  const notOurs = "A hidden key was not made for this receiver.";
  const plain = renamed("token.lock_not_open", notOurs, () => showPoint(subtract(point, generatorTimes(factor))));
  if (plain.slice(2) !== own.slice(2)) {
    fail("token.lock_not_open", notOurs);
  }
  const base = plain === own ? numberOf(secretKey) : ORDER - numberOf(secretKey);
  return scalarOf(base + numberOf(factor));
}

function factorOf(shared: Point, slot: number): Uint8Array {
  const start = joined(DOMAIN, shared.toBytes().subarray(1), Uint8Array.of(slot));
  for (const end of [new Uint8Array(0), Uint8Array.of(0xff)]) {
    const factor = sha256(joined(start, end));
    const value = numberOf(factor);
    if (0n < value && value < ORDER) {
      return factor;
    }
  }
  return malformed("A key cannot be hidden with this ephemeral key."); // chance 2^-256
}

/** The proof with the witness that opens its hidden lock and without `p2pk_e`, as it may go to the mint. Throws
 * `token.lock_not_open` when no key of the lock was made for the receiver, `token.malformed` when it has no lock that can be
 * opened so. */
export function signHidden(proof: Proof, secretKey: Uint8Array): Proof {
  const { p2pk_e: ephemeralPoint, ...plain } = proof;
  const lock = readLock(proof.secret);
  if (!lock || ephemeralPoint === undefined || lock.keys.length + lock.refund.length > MOST_SLOTS) {
    return malformed("A token has no hidden lock.");
  }
  for (const [slot, key] of [...lock.keys, ...lock.refund].entries()) {
    try {
      return signLock(plain, findSecretKey(key, slot, { ephemeralPoint, secretKey }));
    } catch (error) {
      if (!isError(error, "token.lock_not_open")) {
        throw error;
      }
    }
  }
  return fail("token.lock_not_open", "No key of the hidden lock was made for this receiver.");
}

// NUT-13: a wallet's secrets from one seed and a counter, so that a lost phone can be restored (version 2 keysets).
//
// Keysets of version 1 (ids "00...") are refused: their derivation lets two keysets share their secrets, and this mint has none.
import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, hex, joined, numberOf, unhex, utf8 } from "./bytes.ts";
import { scalarOf } from "./curve.ts";
import { malformed } from "./errors.ts";

const VERSION_2 = /^01[0-9a-f]{64}$/;
/** As long as one block of SHA-256. */
const SEED_BYTES = 64;
const DOMAIN = utf8("Cashu_KDF_HMAC_SHA256");
// Not of the specification, which leaves it to each wallet where an ephemeral key (NUT-28) comes from.
const EPHEMERAL_DOMAIN = utf8("Amparo_P2BK_v1");

/** The secret of a token and the factor it is blinded with. */
export type BlankSecret = { readonly secret: string; readonly factor: Uint8Array };

/** The secret and blinding factor number `counter` of a keyset, from a seed of 64 bytes. Throws `token.malformed`,
 * also for a seed of another length, which only purses from before there were codes had (amparo_cashu takes those). */
export function derive(seed: Uint8Array, keyset: string, counter: number): BlankSecret {
  const start = joined(DOMAIN, place(keyset, counter));
  const of = (kind: number) => hmac(seed, joined(start, Uint8Array.of(kind)));
  return { secret: hex(of(0)), factor: scalarOf(numberOf(of(1))) };
}

/** The secret key that hides the lock of output number `counter` (NUT-28): the same again after a crash. Throws
 * `token.malformed`. */
export function deriveEphemeral(seed: Uint8Array, keyset: string, counter: number): Uint8Array {
  return scalarOf(numberOf(hmac(seed, joined(EPHEMERAL_DOMAIN, place(keyset, counter)))));
}

/** HMAC-SHA256 (RFC 2104) with a key of one block. Throws `token.malformed` for another one. */
function hmac(seed: Uint8Array, message: Uint8Array): Uint8Array {
  if (seed.length !== SEED_BYTES) malformed("A seed has 64 bytes.");
  const padded = (byte: number, rest: Uint8Array) => sha256(joined(seed.map((each) => each ^ byte), rest));
  return padded(0x5c, padded(0x36, message));
}

function place(keyset: string, counter: number): Uint8Array {
  if (!VERSION_2.test(keyset) || !Number.isSafeInteger(counter) || counter < 0) {
    malformed("Secrets are derived for keysets of version 2 only, by a whole number.");
  }
  return joined(unhex(keyset), bigEndian(counter, 8));
}

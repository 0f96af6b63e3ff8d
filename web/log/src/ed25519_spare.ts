// Ed25519 (RFC 8032) for browsers that have none of their own. Loaded only by them: of the library's file only this is taken along.

import { ed25519 } from "@noble/curves/ed25519.js";

/** Whether `signature` is the key's over `message`; false for what is no key or no signature. */
export function verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false; // not a point of the curve
  }
}

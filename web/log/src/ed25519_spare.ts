// Ed25519 (RFC 8032) for browsers that have none of their own. Loaded only by them: of the library's file only this is taken along.

import { verifyAsync } from "@noble/ed25519";

/** Whether `signature` is the key's over `message`; false for what is no key or no signature. Hashes by WebCrypto. */
export async function verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): Promise<boolean> {
  // The library throws at a wrong length; what is no point of the curve, or not written in the one right way, is false.
  return signature.length === 64 && key.length === 32 && verifyAsync(signature, message, key, { zip215: false });
}

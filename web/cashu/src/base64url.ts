// Base64 as Cashu texts use it: the alphabet for URLs, with or without padding. The plain alphabet is read too, because published
// payment requests (NUT-18) are written in it.
import { malformed } from "./errors.ts";

const LETTERS = /^[A-Za-z0-9+/]*$/;

/** `data` in the plain alphabet, with padding. */
export function toBase64(data: Uint8Array): string {
  return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
}

/** `data` without padding. */
export function encode(data: Uint8Array): string {
  return toBase64(data).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The bytes of `text`. Throws `token.malformed`. */
export function decode(text: string): Uint8Array {
  const plain = text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
  if (!LETTERS.test(plain) || plain.length % 4 === 1) {
    malformed("A text is not base64.");
  }
  return Uint8Array.from(atob(plain), (sign) => sign.charCodeAt(0));
}

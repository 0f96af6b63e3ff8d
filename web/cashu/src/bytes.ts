// Bytes as texts and numbers. Malformed input is our error. Hex is our own: the library's would bring 1 KB to the first screen.
import { fail, malformed } from "./errors.ts";

const HALF_PAIR = /\p{Surrogate}/u;
const PAIRS = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const HEX = /^(?:[0-9a-fA-F]{2})*$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Lower-case hex. */
export function hex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += PAIRS[byte] ?? "";
  return text;
}

/** The bytes of digits that are known to be pairs of hex. */
function fromHex(digits: string): Uint8Array {
  const found = new Uint8Array(digits.length / 2);
  for (let at = 0; at < found.length; at++) found[at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return found;
}

/** The bytes of a hex text. Throws `code` (`token.malformed` unless said otherwise). */
export function unhex(text: string, code = "token.malformed"): Uint8Array {
  return HEX.test(text) ? fromHex(text) : fail(code, "A text is not hex.");
}

/** The bytes of a text. Throws `token.malformed` for one that holds half a surrogate pair, which has no bytes. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return HALF_PAIR.test(text) ? malformed("A text is not Unicode.") : encoder.encode(text);
}

/** The text of bytes. Throws `token.malformed` when they are not UTF-8. */
export function fromUtf8(data: Uint8Array): string {
  try {
    return decoder.decode(data);
  } catch {
    return malformed("A text is not UTF-8.");
  }
}

/** Pieces one after the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const found = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    found.set(part, at);
    at += part.length;
  }
  return found;
}

/** A whole number as `size` bytes, big-endian. Throws `token.malformed` when it does not fit. */
export function bigEndian(value: number | bigint, size: number): Uint8Array {
  const digits = value.toString(16).padStart(2 * size, "0");
  return value < 0 || digits.length > 2 * size ? malformed("A number does not fit.") : fromHex(digits);
}

/** Bytes as a whole number, big-endian. */
export function numberOf(data: Uint8Array): bigint {
  return data.length ? BigInt("0x" + hex(data)) : 0n;
}

/** Whether two pieces of public data are the same. */
export function same(one: Uint8Array, two: Uint8Array): boolean {
  return one.length === two.length && one.every((byte, place) => byte === two[place]);
}

// Canonical JSON (RFC 8785 on the values Amparo uses): one value, one byte string. Twin of amparo_common.canonical.
import { hex, same, utf8 } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { sha256 } from "@noble/hashes/sha2.js";

import { textOf } from "./base64.ts";

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

const DEEPEST = 64;
const HALF_A_SIGN = /\p{Surrogate}/u;
const PLAIN_NAME = /^[\x00-\x7f]*$/;

/** `value` as canonical JSON. Fails with `common.not_canonical` for a fraction, a number beyond 2^53-1, half a character, a field
 * name that is not ASCII, or more than 64 levels. */
export function encode(value: Plain): Uint8Array {
  return utf8(write(value, DEEPEST));
}

/** Canonical JSON as a plain value. Fails with `common.not_canonical` unless the bytes are the canonical form of what they say. */
export function decode(data: Uint8Array): Plain {
  const text = textOf(data);
  const plain = text === null ? undefined : parse(text);
  if (plain === undefined) fail("common.not_canonical", "This is not JSON.");
  if (!same(encode(plain), data)) fail("common.not_canonical", "This JSON is not in its canonical form.");
  return plain;
}

/** SHA-256 of the canonical JSON of `value`, 64 hex digits. */
export function digest(value: Plain): string {
  return hex(sha256(encode(value)));
}

function parse(text: string): Plain | undefined {
  try {
    return JSON.parse(text) as Plain;
  } catch {
    return undefined;
  }
}

function write(value: Plain, depth: number): string {
  if (depth === 0) fail("common.not_canonical", "The document is nested too deeply.");
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) fail("common.not_canonical", "A number does not mean the same everywhere.");
    return String(value);
  }
  if (typeof value === "string") {
    if (HALF_A_SIGN.test(value)) fail("common.not_canonical", "A text holds half of a character.");
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map((item) => write(item, depth - 1)).join(",")}]`;
  if (typeof value !== "object") fail("common.not_canonical", "A value has no canonical form.");
  return `{${Object.entries(value)
    .sort(([one], [two]) => (one < two ? -1 : 1))
    .map(([name, item]) => {
      if (!PLAIN_NAME.test(name)) fail("common.not_canonical", "A field name is not plain ASCII text.");
      return `${JSON.stringify(name)}:${write(item, depth - 1)}`;
    })
    .join(",")}}`;
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

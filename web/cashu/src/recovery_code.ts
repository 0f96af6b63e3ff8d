// The recovery code: 56 digits on paper that give a purse back when the phone is lost (form and reasons: packages/purse
// recovery.py).
//
// 14 groups of four digits, of which the last checks the three before it; 13 groups hold 128 bits, the last one three digits of a
// hash over all. Read in the digits of any script. LIMIT: whoever reads the paper has the money, as with cash.
import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, joined, numberOf, utf8 } from "./bytes.ts";
import { ORDER } from "./curve.ts";
import { fail } from "./errors.ts";

export const ENTROPY_BYTES = 16;
const GROUPS = 14;
/** What a QR code of it begins with; everything is in QR's alphanumeric set, so the symbol stays small. */
export const PREFIX = "AMPARO-RECOVERY:";

const FALSE = "purse.recovery_code_false";
// H. M. Damm, Total anti-symmetrische Quasigruppen (2004): a table in which no swap of neighbours keeps the state.
const DAMM = (
  "0317598642 7092154863 4206871359 1750983426 6123045978 " + "3674209581 5869720134 8945362017 9438617205 2581436790"
).split(" ");
// What people and programs put between groups, and the invisible marks around digits in right-to-left text.
const BETWEEN = " -–—·.,;:/\t\n\r\u00a0\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff";
const DIGIT = /^\p{Nd}$/u;

/** The code of 16 bytes: 14 groups of four digits with a space between them. */
export function writeCode(entropy: Uint8Array): string {
  if (entropy.length !== ENTROPY_BYTES) {
    fail(FALSE, `A code is made of ${ENTROPY_BYTES} bytes.`);
  }
  const digits = numberOf(entropy).toString().padStart(39, "0") + hashDigits(entropy);
  return groupsOf(digits, 3).map((part, place) => part + state(part, place)).join(" ");
}

/** The 16 bytes of a code as typed or scanned, in digits of any script. Throws `purse.recovery_code_false` with the value `slip`:
 * "sign" (something that is no digit), "digits" (their number is wrong: the value `digits`), "group" (the first false one: the
 * value `group`, 1 to 14), "later" (a later version), or "together" (every group is right, and they do not belong together). */
export function readCode(text: string): Uint8Array {
  const digits = digitsOf(text);
  if (digits.length !== 4 * GROUPS) {
    fail(FALSE, "The code has another number of digits.", { slip: "digits", digits: digits.length });
  }
  const groups = groupsOf(digits, 4);
  const slip = groups.findIndex((group, place) => state(group, place) !== "0");
  if (slip >= 0) {
    fail(FALSE, "A group has a slip.", { slip: "group", group: slip + 1 });
  }
  const parts = groups.map((group) => group.slice(0, 3));
  const number = BigInt(parts.slice(0, -1).join(""));
  if (number >> BigInt(8 * ENTROPY_BYTES)) {
    fail(FALSE, "This code is of a later version.", { slip: "later" });
  }
  const entropy = bigEndian(number, ENTROPY_BYTES);
  return hashDigits(entropy) === parts.at(-1) ? entropy : fail(FALSE, "The groups do not belong together.", { slip: "together" });
}

/** What the QR code beside a printed code holds. */
export function qrText(code: string): string {
  return PREFIX + code.replaceAll(" ", "");
}

/** The 64 bytes for NUT-13. The entropy is 128 random bits, so nothing slow is needed. */
export async function seedOf(entropy: Uint8Array): Promise<Uint8Array> {
  return hmacSha512(utf8("amparo recovery seed 1"), entropy);
}

/** A private key (32 bytes) for a purpose, from a seed: the same again after a restoring. */
export async function derivedKey(seed: Uint8Array, purpose: string): Promise<Uint8Array> {
  const digest = await hmacSha512(seed, joined(utf8("amparo derived key 1"), utf8(purpose)));
  return bigEndian((numberOf(digest) % (ORDER - 1n)) + 1n, 32);
}

async function hmacSha512(key: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  const known = await crypto.subtle.importKey("raw", key as BufferSource, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", known, message as BufferSource));
}

function groupsOf(digits: string, size: number): string[] {
  return Array.from({ length: Math.ceil(digits.length / size) }, (_, place) => digits.slice(place * size, (place + 1) * size));
}

function digitsOf(text: string): string {
  const clean = text.trim().toUpperCase();
  let found = "";
  for (const sign of clean.startsWith(PREFIX) ? clean.slice(PREFIX.length) : clean) {
    if (DIGIT.test(sign)) {
      found += valueOf(sign);
    } else if (!BETWEEN.includes(sign)) {
      fail(FALSE, "The code has a sign that is no digit.", { slip: "sign" });
    }
  }
  return found;
}

/** The value of a digit: Unicode encodes the ten digits of a script one after the other, and scripts follow each other in tens. */
function valueOf(sign: string): number {
  const code = sign.codePointAt(0) ?? 0;
  let start = code;
  while (DIGIT.test(String.fromCodePoint(start - 1))) {
    start--;
  }
  return (code - start) % 10;
}

function hashDigits(entropy: Uint8Array): string {
  const digest = sha256(joined(utf8("amparo recovery code 1"), entropy));
  return (numberOf(digest.slice(0, 8)) % 1000n).toString().padStart(3, "0");
}

/** The state after these digits of the group at `place`: 0 for a whole right group, else the digit that would end at 0, because
 * the table's diagonal is 0. */
function state(digits: string, place: number): string {
  let row = place % 10;
  for (const digit of digits) {
    row = Number(DAMM[row]?.[Number(digit)]);
  }
  return String(row);
}

// The enrolment code of a till: what the shops side prints as a QR code for a shop, and one till shows to make another of the same
// shop.
//
// Form: `AMPARO-TILL:` and base64url of JSON {v: 1, shop, name, access, units, mint, shops, log, vkey, limits?: {sale, stored,
// hours}, lock?}. `lock` is the secret key (64 hex digits) that opens what is locked to the shop; without it the till makes its
// own. LIMIT: whoever photographs it is a till of this shop until the shops side gives it another access code.

import * as base64url from "@amparo/cashu/base64url.ts";
import { fromUtf8, utf8 } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";
import { listOf, optional, orElse, readJson, shape, text, whole } from "@amparo/cashu/shapes.ts";
import { HOUR, SHORTEST_LOCK } from "@amparo/purse/calendar.ts";

import type { Enrolment, Limits } from "./model.ts";

const PREFIX = "AMPARO-TILL:";
const LONGEST = 4_000;
const VERSION = 1;
const KEY = /^[0-9a-f]{64}$/;
const ADDRESS = /^https?:\/\/[^\s]+$/;

export const USUAL_LIMITS: Limits = { perSale: 200_000, stored: 200_000, hours: SHORTEST_LOCK / HOUR };

interface Packed {
  v: number;
  shop: string;
  name: string;
  access: string;
  units: readonly string[];
  mint: string;
  shops: string;
  log: string;
  vkey: string;
  limits?: { sale: number; stored: number; hours: number } | undefined;
  lock?: string | undefined;
}

const readPacked = shape<Packed>({
  v: whole,
  shop: text,
  name: orElse(text, ""),
  access: text,
  units: listOf(text),
  mint: text,
  shops: text,
  log: text,
  vkey: text,
  limits: optional(shape({ sale: whole, stored: whole, hours: whole })),
  lock: optional(text),
});

/** What an enrolment code holds. Throws `till.enrolment_code_false`. */
export function readEnrolment(code: string): Enrolment {
  const clean = code.trim();
  if (clean.length > LONGEST || !clean.startsWith(PREFIX)) return isFalse("This is no enrolment code.");
  let packed: Packed;
  try {
    packed = readJson(fromUtf8(base64url.decode(clean.slice(PREFIX.length))), readPacked);
  } catch (error) {
    if (!isError(error)) throw error;
    return isFalse("An enrolment code cannot be read.");
  }
  const { v, limits, lock, ...rest } = packed;
  if (v !== VERSION) isFalse("This code is of a later version.");
  if (rest.units.length === 0 || ![rest.mint, rest.shops, rest.log].every((each) => ADDRESS.test(each))) isFalse("An enrolment code lacks an address or a unit.");
  if (lock !== undefined && !KEY.test(lock)) isFalse("The key in an enrolment code is malformed.");
  return {
    ...rest,
    units: [...rest.units],
    limits: limits ? { perSale: limits.sale, stored: limits.stored, hours: limits.hours } : USUAL_LIMITS,
    lockKey: lock ?? null,
  };
}

/** The code that holds an enrolment. */
export function writeEnrolment(enrolment: Enrolment): string {
  const { limits, lockKey, ...rest } = enrolment;
  const packed: Packed = { v: VERSION, ...rest, limits: { sale: limits.perSale, stored: limits.stored, hours: limits.hours }, lock: lockKey ?? undefined };
  return PREFIX + base64url.encode(utf8(JSON.stringify(packed)));
}

function isFalse(what: string): never {
  return fail("till.enrolment_code_false", what);
}

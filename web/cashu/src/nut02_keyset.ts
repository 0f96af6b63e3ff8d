// NUT-02: keyset ids. The id commits to every key, the unit and the end date; wallets recompute it.
//
// Ids of version 2 are written and checked. Ids of version 1 (8 bytes, which bind neither unit nor end date) are checked only
// where the caller says that it reads a keyset of somebody else's mint.
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, joined, unhex, utf8 } from "./bytes.ts";
import { readPoint } from "./curve.ts";
import { fail, renamed } from "./errors.ts";
import type { Keyset } from "./wire.ts";

export const VERSION = "01";
const VERSION_1 = "00";
const AMOUNT = /^[1-9][0-9]{0,18}$/;

/** What an id of version 2 commits to, beside the keys. `final_expiry`: unix time. */
export type KeysetTerms = { unit: string; input_fee_ppk?: number | undefined; final_expiry?: number | undefined };

/** The version 2 id of a keyset (amount as text -> key in hex): 66 hex digits. */
export function keysetId(keys: Readonly<Record<string, string>>, terms: KeysetTerms): string {
  const pairs = ascending(keys).map(([amount, key]) => `${amount}:${key.toLowerCase()}`);
  let text = `${pairs.join(",")}|unit:${terms.unit.toLowerCase()}`;
  text += terms.input_fee_ppk ? `|input_fee_ppk:${terms.input_fee_ppk}` : "";
  text += terms.final_expiry ? `|final_expiry:${terms.final_expiry}` : "";
  return VERSION + hex(sha256(utf8(text)));
}

function ascending(keys: Readonly<Record<string, string>>): [string, string][] {
  // By value, though amounts go beyond what a number holds: they are written plainly, so the longer one is the larger.
  return Object.entries(keys).sort(([one], [two]) => one.length - two.length || (one < two ? -1 : 1));
}

function idOfVersion1(keys: Readonly<Record<string, string>>): string {
  return VERSION_1 + hex(sha256(joined(...ascending(keys).map(([, key]) => unhex(key))))).slice(0, 14);
}

/** Throws `token.keyset_unknown` unless every key is a point and the keyset's id is the one its own content gives. `foreign`: a
 * keyset of another mint, whose id may be of version 1. */
export function checkKeyset(keyset: Keyset, { foreign = false }: { foreign?: boolean } = {}): void {
  // One spelling per amount: otherwise "1" and "01" could be two keys of which the id commits to one.
  if (!Object.keys(keyset.keys).every((amount) => AMOUNT.test(amount))) {
    fail("token.keyset_unknown", "A keyset has an amount that is not written plainly.");
  }
  renamed("token.keyset_unknown", "A keyset has a key that is no point of the curve.", () => {
    Object.values(keyset.keys).forEach(readPoint);
  });
  const isVersion1 = keyset.id.startsWith(VERSION_1);
  if (!(isVersion1 ? foreign : keyset.id.startsWith(VERSION))) {
    fail("token.keyset_unknown", "A keyset's id is of a version that is not accepted here.");
  }
  if (keyset.id !== (isVersion1 ? idOfVersion1(keyset.keys) : keysetId(keyset.keys, keyset))) {
    fail("token.keyset_unknown", "A keyset's id does not match its keys.");
  }
}

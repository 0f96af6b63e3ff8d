// What a compact JWS (RFC 7515) says before anybody checked it. Loads no hash, so that a first screen can read what it keeps.
import { fail } from "@amparo/cashu/errors.ts";

import { textOf, unb64url } from "./base64.ts";

const PLAIN_ASCII = /^[\x00-\x7f]*$/;

/** The payload as text without checking anything, to find out which key to check with. Fails with `common.bad_signature`. */
export function readUnverified(token: string): string {
  return textOf(unb64url(partsOf(token)[1])) ?? fail("common.bad_signature", "A signed document cannot be read.");
}

/** Head, payload and signature as they are written. Fails with `common.bad_signature`. */
export function partsOf(token: string): [head: string, payload: string, signature: string] {
  const [head, payload, signature, ...more] = token.split(".");
  if (head === undefined || payload === undefined || signature === undefined || more.length > 0 || !PLAIN_ASCII.test(token)) {
    fail("common.bad_signature", "This is not a signed document.");
  }
  return [head, payload, signature];
}

// base64 and base64url (RFC 4648), strictly: one alphabet, no spaces, whole groups.
import { encode as b64url, toBase64 } from "@amparo/cashu/base64url.ts";
import { fail } from "@amparo/cashu/errors.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Bytes as base64 with padding. */
export { toBase64 };

/** The reverse of `toBase64`; null where it is no base64. As Python reads it: unused bits of the last sign do not count. */
export function fromBase64(text: string): Uint8Array | null {
  return BASE64.test(text) ? Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)) : null;
}

/** base64url without padding (RFC 7515 section 2). */
export { b64url };

/** The reverse of `b64url`; exactly one spelling is accepted. Fails with `common.bad_signature`. */
export function unb64url(text: string): Uint8Array {
  const data = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
  if (data === null || b64url(data) !== text) fail("common.bad_signature", "A signed document cannot be read.");
  return data;
}

/** UTF-8 as text; null where it is none. A byte order mark is kept, as any other sign. */
export function textOf(data: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}

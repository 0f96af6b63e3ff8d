// NUT-20: what the owner of a mint quote signs to claim it, binding every output's amount and point.
import { bigEndian, joined, utf8 } from "./bytes.ts";
import { readPoint, schnorrSign, schnorrVerify } from "./curve.ts";
import { fail, renamed } from "./errors.ts";
import type { BlindedMessage } from "./wire.ts";

const DOMAIN = utf8("Cashu_MintQuoteSig_v1");

/** One quote of a request with the signature that claims it, and the quote's key. */
export type Claim = { readonly quote: string; readonly signature: string | null | undefined; readonly pubkey: string };

/** The message of version 1: length-prefixed quote, then amount and point of every output. Throws `token.amount_refused`,
 * `token.bad_point`. */
export function message(quote: string, outputs: readonly BlindedMessage[]): Uint8Array {
  return messageOver(quote, bound(outputs));
}

function messageOver(quote: string, outputs: Uint8Array): Uint8Array {
  return joined(DOMAIN, sized(utf8(quote)), outputs);
}

/** The part of a message that binds the outputs. Its points are checked, which is most of a claim's cost. */
function bound(outputs: readonly BlindedMessage[]): Uint8Array {
  return joined(...outputs.flatMap(({ amount, B_ }) => [sized(shortest(amount)), sized(readPoint(B_).toBytes())]));
}

function shortest(amount: number): Uint8Array {
  if (!Number.isSafeInteger(amount) || amount < 0) {
    fail("token.amount_refused", "An output has a negative amount.");
  }
  return amount ? bigEndian(amount, Math.ceil(amount.toString(16).length / 2)) : new Uint8Array(0);
}

function sized(data: Uint8Array): Uint8Array {
  return joined(bigEndian(data.length, 4), data);
}

/** The signature that claims a quote, hex. */
export function signClaim(quote: string, outputs: readonly BlindedMessage[], secretKey: Uint8Array): string {
  return schnorrSign(message(quote, outputs), secretKey);
}

/** Throws `token.quote_signature_false` unless the quote's key signed this claim. */
export function checkClaim(
  quote: string,
  outputs: readonly BlindedMessage[],
  signature: string | null | undefined,
  pubkey: string,
): void {
  checkClaims([{ quote, signature, pubkey }], outputs);
}

/** The same for several claims over the same outputs, which are read once however many claims there are, and not for none. */
export function checkClaims(claims: readonly Claim[], outputs: readonly BlindedMessage[]): void {
  const signed = claims.length ? bound(outputs) : new Uint8Array(0);
  for (const { quote, signature, pubkey } of claims) {
    const owner = readPoint(pubkey);
    renamed("token.quote_signature_false", "The claim is not signed by the quote's key.", () => {
      schnorrVerify(messageOver(quote, signed), signature ?? "", owner);
    });
  }
}

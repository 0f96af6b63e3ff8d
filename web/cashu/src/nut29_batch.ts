// NUT-29: several mint quotes claimed in one request, all or none.
//
// Each quote with a key is claimed by a signature of its own, made as for a single claim (NUT-20), always over all outputs of the
// request: nobody can move outputs between requests. Not here: what the quotes are worth and whether they are paid (the mint).
import { fail, malformed } from "./errors.ts";
import { checkClaims, signClaim } from "./nut20_quote.ts";
import type { BatchMintRequest, BlindedMessage } from "./wire.ts";

/** Throws `token.malformed` for an empty list, `token.too_many_quotes` above `most`, `token.duplicate_quotes` when one stands
 * twice. */
export function checkQuotes(quotes: readonly string[], { most }: { most: number }): void {
  if (!quotes.length) {
    malformed("A batch names no quote.");
  }
  if (quotes.length > most) {
    fail("token.too_many_quotes", `A batch names at most ${most} quotes.`);
  }
  if (new Set(quotes).size !== quotes.length) {
    fail("token.duplicate_quotes", "A batch names a quote twice.");
  }
}

/** Throws unless the batch is well formed and every quote with a key is claimed by it. `pubkeys[i]` is the key of `quotes[i]`,
 * null for a quote without one. Throws what `checkQuotes` throws, `token.not_balanced` when `quote_amounts` do not fit,
 * `token.quote_signature_false`. */
export function checkBatch(request: BatchMintRequest, pubkeys: readonly (string | null)[], { most }: { most: number }): void {
  checkQuotes(request.quotes, { most });
  checkAmounts(request);
  const signatures = request.signatures ?? request.quotes.map(() => null);
  if (signatures.length !== request.quotes.length) {
    fail("token.quote_signature_false", "A batch has another number of signatures than of quotes.");
  }
  const claims = request.quotes.flatMap((quote, place) => {
    const signature = signatures[place];
    const pubkey = pubkeys[place];
    if (pubkey) {
      return [{ quote, signature, pubkey }];
    }
    return signature ? fail("token.quote_signature_false", "A quote without a key is claimed with a signature.") : [];
  });
  checkClaims(claims, request.outputs);
}

function checkAmounts({ quote_amounts: amounts, quotes, outputs }: BatchMintRequest): void {
  if (!amounts) {
    return;
  }
  if (amounts.length !== quotes.length || amounts.some((amount) => amount <= 0)) {
    fail("token.not_balanced", "The amounts of a batch do not fit its quotes.");
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  if (sum(amounts) !== sum(outputs.map((output) => output.amount))) {
    fail("token.not_balanced", "The outputs of a batch do not add up to its amounts.");
  }
}

/** The signatures of a batch, in the order of its quotes; null where a quote has no key. */
export function signBatch(
  quotes: readonly string[],
  outputs: readonly BlindedMessage[],
  secretKeys: readonly (Uint8Array | null)[],
): (string | null)[] {
  if (secretKeys.length !== quotes.length) {
    malformed("A batch has another number of keys than of quotes.");
  }
  return quotes.map((quote, place) => {
    const key = secretKeys[place];
    return key ? signClaim(quote, outputs, key) : null;
  });
}

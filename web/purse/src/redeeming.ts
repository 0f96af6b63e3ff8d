// What only a till does with the mint: it hands coins in for a deposit.

import { withoutDleq } from "@amparo/cashu/nut00_token.ts";
import type { MeltQuote, Proof } from "@amparo/cashu/wire.ts";

import { DEPOSIT } from "./journal.ts";
import type { DepositState } from "./model.ts";
import { type Beside, type Purse, row } from "./purse.ts";

/** Hands coins in for a deposit. Returns how it stands: PAID (they have left the purse), PENDING (they stay in the journal,
 * `recover` asks again) or UNPAID (given back). */
export async function redeem(purse: Purse, quote: MeltQuote, proofs: readonly Proof[], beside: Beside = {}): Promise<DepositState> {
  const request = { quote: quote.quote, inputs: proofs.map(withoutDleq) };
  return purse.carryOut({ ...row(DEPOSIT, request, quote.unit, beside), spends: proofs.map((proof) => proof.secret) });
}

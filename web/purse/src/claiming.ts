// What only a wallet does with the mint: it claims aid, sets coins aside for a shop, and says when its coins end.

import { fail } from "@amparo/cashu/errors.ts";
import { signClaim } from "@amparo/cashu/nut20_quote.ts";
import type { LockTo, OutputPlan } from "@amparo/cashu/outputs.ts";
import { type ClaimQuote, type MintRequest, readClaimQuote } from "@amparo/cashu/wire.ts";

import { isClosed, nextEnd } from "./calendar.ts";
import { targetCoins } from "./coins.ts";
import { CLAIM } from "./journal.ts";
import type { End } from "./model.ts";
import { type Beside, type Part, type Purse, amountsOf, atLeast, row } from "./purse.ts";
import * as store from "./store.ts";

/** Asks for a quote for aid, bound to `pubkey`. */
export async function askQuote({ mint }: Purse, amount: number, unit: string, pubkey: string): Promise<ClaimQuote> {
  return mint.post("/v1/mint/quote/benefit", { unit, amount, pubkey }, readClaimQuote);
}

/** A quote as it stands at the mint. */
export async function findQuote({ mint }: Purse, quote: string): Promise<ClaimQuote> {
  return mint.get(`/v1/mint/quote/benefit/${encodeURIComponent(quote)}`, readClaimQuote);
}

/** Takes the coins of a paid quote: those that pay exactly without a connection. They are handed over from `payFrom` on, and nothing of
 * the purse is exchanged before `quietUntil` (unix time; `JUST_CLAIMED`: decided later). A claim that was refused is tried again with
 * the same outputs: new ones each time would leave so many numbers unused that a restoring would stop before it finds the coins. */
export async function claim(
  purse: Purse,
  { quote, amount, unit, key }: { quote: string; amount: number; unit: string; key: Uint8Array },
  options: Beside & { payFrom?: number; quietUntil?: number } = {},
): Promise<void> {
  const keyset = await purse.keys.today(unit);
  const name = store.refusedName(quote);
  const known = purse.vault.read<OutputPlan>(name);
  const amounts = amountsOf(keyset, amount, targetCoins);
  const plan = known?.keyset === keyset.keyset ? known : await purse.plan(keyset, amounts.map((each) => [each, null]));
  const outputs = await purse.outputs(plan);
  const request: MintRequest = { quote, outputs, signature: signClaim(quote, outputs, key) };
  const taken = { payFrom: options.payFrom ?? 0, quietUntil: options.quietUntil ?? store.JUST_CLAIMED };
  const beside = { done: [...(options.done ?? []), [name, undefined] as const], undone: [...(options.undone ?? []), [name, plan] as const] };
  await purse.carryOut({ ...row(CLAIM, request, unit, beside), plan, states: outputs.map(() => "ready"), claim: taken });
}

/** Sets `amount` aside, locked to a shop's key, under `label`: in few coins, or with `spread` in coins that make parts of it
 * exactly. Rejects with `purse.not_enough`, `purse.aid_rests`, `purse.exchange_rests`, `purse.lock_outlives_coins`. */
export async function lock(
  purse: Purse,
  amount: number,
  unit: string,
  to: LockTo,
  label: string,
  options: Beside & { spread?: boolean; hurry?: boolean } = {},
): Promise<void> {
  const hurry = options.hurry ?? false;
  const spend = atLeast(purse.spendable(unit, amount, hurry), amount);
  purse.checkQuiet(hurry);
  const keyset = await purse.keys.today(unit);
  if (isClosed(keyset, to.locktime)) fail("purse.lock_outlives_coins", "The lock lasts longer than the coins.");
  const parts: Part[] = amountsOf(keyset, amount, options.spread ? targetCoins : undefined).map((each) => [each, to]);
  const change: Part[] = amountsOf(keyset, store.total(spend) - amount).map((each) => [each, null]);
  await purse.swap(spend.map(({ proof }) => proof), await purse.plan(keyset, [...parts, ...change]), unit, { ...options, label });
}

/** When the coins of a keyset end (unix time), by the log as last seen; null: never, or not known. Works offline. */
export function endOf({ keys }: Purse, keyset: string): number | null {
  return keys.view().keyset(keyset)?.final_expiry ?? null;
}

/** When coins of a unit end next, and from when to warn; null while none of them ends. Works offline. */
export function nextEndOf(purse: Purse, unit: string): End | null {
  const coins = purse.coins(unit).map(({ proof }) => ({ keyset: proof.id, amount: proof.amount }));
  return nextEnd(coins, (keyset) => endOf(purse, keyset));
}

// What a purse does by itself while there is a connection: keep small change, and leave a keyset before it ends. Twin of
// amparo_purse.upkeep.
//
// Every exchange is one coin in and standard coins out, so that the mint sees no sum of a household. When to call again is said in
// `notBefore`; waiting until then is the caller's part. After a claim the first exchange waits hours, because coins that are
// changed at once can be told by time.

import { HOUR, endsSoon } from "./calendar.ts";
import { RemoteError } from "./client.ts";
import { broken, coinToBreak } from "./coins.ts";
import type { Coin, Renewal, Resplit } from "./model.ts";
import type { Purse } from "./purse.ts";
import * as store from "./store.ts";

// Between a claim and the first exchange: long enough that very many others claim and exchange in between.
export const REST = [6 * HOUR, 48 * HOUR] as const;
// Between two exchanges of one purse, in seconds.
export const PAUSE = [60, HOUR] as const;

/** Breaks one coin, if that makes amounts payable without a connection that are not now. Rejects with what an exchange rejects
 * with. */
export async function resplit(purse: Purse, unit: string): Promise<Resplit> {
  const now = purse.now();
  const rest = await purse.vault.change((draft) => {
    const known = store.quiet(draft, unit);
    if (known !== store.JUST_CLAIMED) return known ?? 0;
    const until = now + purse.chance.between(...REST);
    store.setQuiet(draft, unit, until);
    return until;
  });
  const coins = purse.coins(unit);
  const amount = breakable(coins);
  if (amount === null) return { broken: null, notBefore: null };
  const until = Math.max(rest, purse.quietUntil());
  if (now < until) return { broken: null, notBefore: until };
  const [chosen] = purse.chance.shuffled(coins.filter(({ proof }) => proof.amount === amount));
  if (chosen) await purse.exchange([chosen.proof], broken(amount), unit);
  return { broken: amount, notBefore: breakable(purse.coins(unit)) === null ? null : now + purse.chance.between(...PAUSE) };
}

function breakable(coins: readonly Coin[]): number | null {
  return coinToBreak(coins.map(({ proof }) => proof.amount));
}

/** Changes coins whose keyset ends within two weeks into the current keyset, one by one in any order; puts those that the mint does
 * not take any more aside. Safe to repeat. Rejects with what an exchange rejects with. */
export async function renew(purse: Purse, unit: string): Promise<Renewal> {
  const ending: Coin[] = [];
  for (const coin of purse.coins(unit)) {
    if (endsSoon(await purse.keys.keyset(coin.proof.id), purse.now())) ending.push(coin);
  }
  const ended = () => purse.balance(unit, "ended");
  if (ending.length === 0) return { renewed: 0, ended: ended(), waiting: 0 };
  if (purse.now() < purse.quietUntil()) return { renewed: 0, ended: ended(), waiting: store.total(ending) };
  const current = await purse.keys.active(unit);
  let renewed = 0;
  for (const coin of purse.chance.shuffled(ending.filter(({ proof }) => proof.id !== current))) {
    if (await isRenewed(purse, coin, unit)) renewed += coin.proof.amount;
  }
  return { renewed, ended: ended(), waiting: store.total(ending.filter(({ proof }) => proof.id === current)) };
}

async function isRenewed(purse: Purse, { proof }: Coin, unit: string): Promise<boolean> {
  try {
    await purse.exchange([proof], [proof.amount], unit);
  } catch (error) {
    if (!(error instanceof RemoteError) || !(await purse.isEnded(proof.id, error))) throw error;
    await purse.end([proof.secret]);
    return false;
  }
  return true;
}

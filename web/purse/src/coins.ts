// Which coins a purse should hold, which it pays with, which it breaks. Pure: amounts in minor units, powers of two. Twin of
// amparo_purse.coins, which says why.

import { splitAmount } from "@amparo/cashu/nut00_blind.ts";

import type { Near } from "./model.ts";

// Copies of each coin: small change is needed in every price.
const SMALL = 128;
const SMALL_COPIES = 3;
const COPIES = 2;
// How many payments in a row every coin must be there for; with fewer, an exchange is worth its request.
const LEAST_COPIES = 2;

const ascending = (one: number, two: number) => one - two;
const sum = (amounts: readonly number[]) => amounts.reduce((total, each) => total + each, 0);

/** The coins that a balance should be made of, ascending: those pay every amount exactly, and after one payment every amount again.
 * Throws `token.amount_refused`. */
export function targetCoins(balance: number, denominations: readonly number[]): number[] {
  const coins: number[] = [];
  let rest = balance;
  for (const each of [...denominations].sort(ascending)) {
    const copies = Math.min(each < SMALL ? SMALL_COPIES : COPIES, Math.floor(rest / each));
    if (copies <= 0) break;
    coins.push(...Array<number>(copies).fill(each));
    rest -= copies * each;
  }
  return [...coins, ...splitAmount(rest, denominations)].sort(ascending);
}

/** What one coin is broken into: every coin below it once, and the smallest twice; ascending. */
export function broken(coin: number): number[] {
  const parts = [1];
  for (let each = 1; each < coin; each *= 2) parts.push(each);
  return parts;
}

/** The coin to break next so that these coins pay exactly again, or null when that is not worth a request. */
export function coinToBreak(held: readonly number[]): number | null {
  const missing = missingCoins(held);
  const [least] = missing;
  const most = missing.at(-1);
  if (least === undefined || most === undefined) return null;
  const aboveAll = held.filter((coin) => coin > most);
  if (aboveAll.length > 0) return Math.min(...aboveAll);
  const above = held.filter((coin) => coin > least);
  return above.length > 0 ? Math.max(...above) : null;
}

/** The coins of which there are too few copies, ascending. Two spare ones are worth one of the next. */
function missingCoins(held: readonly number[]): number[] {
  const total = sum(held);
  const largest = Math.max(0, ...held);
  const missing: number[] = [];
  let needed = 0;
  let spare = 0;
  for (let coin = 1; coin <= largest; coin *= 2) {
    needed += LEAST_COPIES * coin;
    if (needed > total) break;
    const copies = held.filter((each) => each === coin).length + spare;
    if (copies < LEAST_COPIES) missing.push(coin);
    spare = Math.floor(Math.max(0, copies - LEAST_COPIES) / 2);
  }
  return missing;
}

/** The places of coins that make `amount` exactly, the fewest that do, or null. Largest first is right for powers of two. */
export function exactChoice(held: readonly number[], amount: number): number[] | null {
  const chosen: number[] = [];
  let rest = amount;
  const places = held.map((_, place) => place).sort((one, two) => (held[two] ?? 0) - (held[one] ?? 0));
  for (const place of places) {
    const coin = held[place] ?? 0;
    if (coin <= rest) {
      chosen.push(place);
      rest -= coin;
    }
  }
  return rest === 0 ? chosen : null;
}

/** What these coins make exactly next to `amount`, which they do not make. Right for powers of two. */
export function nearAmounts(held: readonly number[], amount: number): Near {
  let below = 0;
  const spare: number[] = [];
  for (const coin of [...held].sort((one, two) => two - one)) {
    if (below + coin <= amount) below += coin;
    else spare.push(coin);
  }
  return { below: below > 0 ? below : null, above: aboveOf(held, amount) };
}

/** The smallest sum of coins that is more than `amount`: everything without what can be left out. */
function aboveOf(held: readonly number[], amount: number): number | null {
  const total = sum(held);
  if (total <= amount) return null;
  // What is left out is the largest sum that is below what is too much.
  let left = 0;
  for (const coin of [...held].sort((one, two) => two - one)) {
    if (left + coin < total - amount) left += coin;
  }
  return total - left;
}

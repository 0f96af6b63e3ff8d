// What the purse and the apps above it pass around: coins and their states, results, and the parts they are made of. Types only:
// nothing here is loaded.

import type { Proof } from "@amparo/cashu/wire.ts";

/** This moment in unix seconds. */
export type Now = () => number;

/** A source of chance; `crypto` in the apps, a seeded one in tests of order and waiting. Secrets never come from it. */
export interface Chance {
  /** A whole number, `least` and `most` included. */
  between(least: number, most: number): number;
  /** The same list in another order. */
  shuffled<T>(list: readonly T[]): T[];
}

/** `ready`: can be paid. `held`: locked to one shop, for paying offline, or (till) taken offline and not handed in. `given`: handed
 * over, until it is known to have arrived. `found`: restored from a code, not exchanged yet. `ended`: its keyset is over. */
export type CoinState = "ready" | "held" | "given" | "found" | "ended";

/** One coin on this device. `busy`: it is in a request whose answer has not come. `label`: what it was set aside for. `rests`: not
 * to be paid before (unix time). */
export interface Coin {
  proof: Proof;
  unit: string;
  state: CoinState;
  busy: boolean;
  label: string;
  rests: number;
}

/** When coins end: `amount` in minor units, `finalExpiry` and the day from which to warn in unix time. */
export interface End {
  amount: number;
  finalExpiry: number;
  warnFrom: number;
}

/** What is there and not to be paid before `until` (unix time), in minor units. */
export interface Rest {
  until: number;
  amount: number;
}

/** The coin that was broken (minor units; null: none), and the moment (unix time) before which nothing more should be exchanged
 * (null: nothing is worth a request). */
export interface Resplit {
  broken: number | null;
  notBefore: number | null;
}

/** Sums in minor units: changed into today's keyset; `ended`: closed, kept, worth nothing unless it is given out anew; `waiting`:
 * ending soon, cannot be changed yet. */
export interface Renewal {
  renewed: number;
  ended: number;
  waiting: number;
}

/** How a restoring stands, sums in minor units of all units: signed coins that were found, those of them that are spent; `waiting`:
 * requests known to be left; `wait`: seconds to let pass before the next step; `done`: nothing is left. */
export interface Progress {
  found: number;
  spent: number;
  waiting: number;
  wait: number;
  done: boolean;
}

/** How a deposit stands at the mint. */
export type DepositState = "PAID" | "PENDING" | "UNPAID";

/** What can be paid exactly instead of an amount that cannot: the next smaller and larger one in minor units (null: there is none). */
export interface Near {
  below: number | null;
  above: number | null;
}

// What there is in a till, read from the sealed store alone: the screen that takes an amount needs no curve, no log and no connection.

import { fail } from "@amparo/cashu/errors.ts";
import { HOUR } from "@amparo/purse/calendar.ts";
import type { Now } from "@amparo/purse/model.ts";
import { total } from "@amparo/purse/store.ts";
import type { Reader } from "@amparo/purse/vault.ts";

import type { Day, Enrolment, GlanceApi, Meter, Sale } from "./model.ts";
import { dayOf, openSale, salesOf, storedCoins } from "./sales.ts";

/** The enrolment that a vault holds, with the shop's secret key; null: this is no till yet. */
export function keptEnrolment(reader: Reader): Enrolment | null {
  return reader.read<Enrolment>("till") ?? null;
}

/** For how many hours the mint has not answered this till. */
export function hoursAlone(reader: Reader, now: number): number {
  return Math.max(0, now - (reader.read<number>("contact") ?? now)) / HOUR;
}

/** A till as its store shows it. */
export class Glance implements GlanceApi {
  readonly #store: Reader;
  readonly #now: Now;

  constructor(store: Reader, now: Now) {
    this.#store = store;
    this.#now = now;
  }

  /** Throws `till.not_enrolled`. The secret key stays in the store. */
  get enrolment(): Enrolment {
    const kept = keptEnrolment(this.#store) ?? fail("till.not_enrolled", "This is no till yet.");
    return { ...kept, lockKey: null };
  }

  isSelling(): boolean {
    return openSale(this.#store) !== undefined;
  }

  meter(unit: string): Meter {
    const { perSale, stored: storedMost, hours: hoursMost } = this.enrolment.limits;
    const coins = storedCoins(this.#store, unit);
    const stored = total(coins);
    const alone = hoursAlone(this.#store, this.#now());
    const share = (used: number, most: number) => (most > 0 ? Math.min(1, used / most) : 1);
    const sales = new Set(coins.map(({ label }) => label)).size;
    return { stored, storedMost, sales, hoursAlone: alone, hoursMost, perSale, full: Math.max(share(stored, storedMost), share(alone, hoursMost)) };
  }

  sales(): Sale[] {
    return salesOf(this.#store);
  }

  today(unit: string): Day {
    return dayOf(this.#store, unit);
  }
}

// A shop's till on a device that can die, its customer's coins, and the shops side on paper.

import { generatorTimes, showPoint } from "@amparo/cashu/curve.ts";
import { hex } from "@amparo/cashu/bytes.ts";
import { writeToken } from "@amparo/cashu/nut00_token.ts";
import { writeLock } from "@amparo/cashu/nut10_secret.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { Client, type Fetch } from "@amparo/purse/client.ts";
import { FilterShelf } from "@amparo/purse/filters.ts";
import { MemoryShelf } from "@amparo/purse/backend.ts";

import { Device, MINT, NOON, Town } from "../../purse/tests/town.ts";
import type { Enrolment } from "../src/model.ts";
import { Till } from "../src/till.ts";
import { USUAL_LIMITS } from "../src/till_settings.ts";

export const SHOPS = "https://shops.test";
const REFUND = showPoint(generatorTimes(new Uint8Array(32).fill(5)));

export const BAKERY: Enrolment = {
  shop: "bakery",
  name: "Panadería",
  access: "access-of-the-bakery",
  units: ["food", "rent"],
  mint: MINT,
  shops: SHOPS,
  log: "https://log.test",
  vkey: "log.test/1+00000000+AAAA",
  limits: USUAL_LIMITS,
  lockKey: null,
};

/** The shops side as a till sees it: totals, and every claim once by its number. */
export class ShopsDesk {
  deposited = 1_000;
  away = false;
  readonly claims = new Map<string, number>();

  readonly fetch: Fetch = async (url, init) => {
    if (this.away) throw new TypeError("fetch failed");
    const given = new Headers(init.headers).get("authorization");
    if (given !== `Bearer ${BAKERY.access}`) return Response.json({ code: "shops.not_this_shop", what: "No.", why: "", todo: "" }, { status: 403 });
    const path = url.slice(SHOPS.length);
    if (path === "/claims") {
      const { claim, amount } = JSON.parse(String(init.body)) as { claim: string; amount: number };
      if (amount > this.deposited) return Response.json({ code: "shops.claim_exceeds_deposits", what: "Too much.", why: "", todo: "" }, { status: 409 });
      this.claims.set(claim, this.claims.get(claim) ?? amount);
    }
    const asked = [...this.claims.values()].reduce((sum, each) => sum + each, 0);
    return Response.json({ unit: "food", deposited: this.deposited, to_settle: this.deposited, asked, settled: 0 });
  };
}

/** A device with a till. */
export class Counter extends Device {
  readonly desk = new ShopsDesk();
  readonly shelf = new MemoryShelf();
  till!: Till; // set by start
  enrolment: Enrolment = BAKERY;

  override async start(): Promise<this> {
    await super.start();
    const shops = new Client(SHOPS, { fetch: this.way(this.desk.fetch), bearer: BAKERY.access, patience: 0 });
    const { town, vault } = this;
    const parts = { vault, mint: this.client(), shops, log: town.log, filters: await FilterShelf.open(this.shelf), now: () => town.now, chance: town.chance };
    this.till = await Till.open(parts, vault.read("till") ? null : this.enrolment);
    this.purse = this.till.purse;
    return this;
  }

  override async recover(): Promise<void> {
    await this.till.recover();
  }

  /** A coin locked to this till. */
  locked(amount: number, { until = NOON + 21 * 86_400, key = this.till.lockKey, unit = "food" }: { until?: number; key?: string; unit?: string } = {}): Proof {
    const nonce = hex(crypto.getRandomValues(new Uint8Array(32)));
    const coiner = unit === "food" ? this.town.food : this.town.rent;
    this.town.mint.issued += amount;
    return coiner.coin(amount, writeLock(nonce, key, { locktime: until, refund: REFUND }));
  }

  /** A coin for paper, or from a person: unlocked, without its proof. */
  plain(amount: number): Proof {
    this.town.mint.issued += amount;
    return this.town.food.coin(amount, undefined, { proved: false });
  }
}

/** What a payer shows. */
export function code(...proofs: readonly Proof[]): string {
  return writeToken({ mint: MINT, unit: "food", proofs });
}

export async function counter(seed = 1): Promise<Counter> {
  return new Counter(new Town(seed)).start();
}

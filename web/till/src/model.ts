// What the till's screens are told: settings, sales, limits, deposits, the day. Types only: nothing here is loaded.

import type { Client } from "@amparo/purse/client.ts";
import type { FilterShelf } from "@amparo/purse/filters.ts";
import type { Log } from "@amparo/purse/keys.ts";
import type { Chance, Now } from "@amparo/purse/model.ts";
import type { Vault } from "@amparo/purse/vault.ts";

/** What a till may take without a connection: in one sale and altogether (minor units of each unit), and for how many hours since
 * the mint answered last. */
export interface Limits {
  perSale: number;
  stored: number;
  hours: number;
}

/** What an enrolment code holds. `lockKey` (64 hex digits): makes this another till of a shop that has one. `units`: the first is
 * what a sale is in. Addresses are URLs. */
export interface Enrolment {
  shop: string;
  name: string;
  access: string;
  units: string[];
  mint: string;
  shops: string;
  log: string;
  vkey: string;
  limits: Limits;
  lockKey: string | null;
}

/** `stored`: not handed in; `confirmed`: changed into own coins; `waiting`: sent, not answered; `refused`: the shops side did not
 * take it, tried again; `ended`: its coins are over; `spent`: found to have been spent before, wholly or in part. */
export type SaleState = "stored" | "confirmed" | "waiting" | "refused" | "ended" | "spent";

/** A sale that is stored; no payer, no basket. `amount` in minor units. One that was credited is forgotten. */
export interface Sale {
  number: number;
  unit: string;
  amount: number;
  state: SaleState;
}

/** The sale that is going on. `paid` of `amount` is there (minor units), in `parts` codes. `request`: what to show (creqB).
 * `taken`: what became of it once nothing is missing, also when the phone died before it could show that. */
export interface OpenSale {
  number: number;
  unit: string;
  amount: number;
  paid: number;
  parts: number;
  practice: boolean;
  request: string;
  taken?: Taken;
}

/** What became of a code. `paid`: the sale is paid: `confirmed` (the mint has said so) or stored. `partly`: `missing` is left.
 * `unknown`: the answer of the mint was lost: no goods yet, `recover` finds out. */
export interface Taken {
  state: "paid" | "partly" | "unknown";
  confirmed: boolean;
  amount: number;
  missing: number;
}

/** What a cancelled sale gives back: the codes that were taken offline and are free again (show them back), and what must be
 * refunded by a new code (minor units). */
export interface Cancelled {
  codes: string[];
  refund: number;
}

/** The three limits as the screen shows them: what is used and what may be. `full`: 0 to 1, the fullest. `hoursAlone`: since the
 * mint answered last. */
export interface Meter {
  stored: number;
  storedMost: number;
  sales: number;
  hoursAlone: number;
  hoursMost: number;
  perSale: number;
  full: number;
}

/** One voucher of a batch that counts for nothing: `twice` in this batch, `spent` before, `taken` here before, `false`: not genuine
 * or not of this unit. `place`: 1 is the first scanned. */
export interface BadVoucher {
  place: number;
  amount: number;
  reason: "twice" | "spent" | "taken" | "false" | "ended";
}

/** A batch of paper vouchers so far: `sum` and `count` of the good ones. */
export interface Batch {
  sum: number;
  count: number;
  bad: BadVoucher[];
}

/** What became of a deposit, sums in minor units, as in `amparo_till`. */
export interface DepositReport {
  deposited: number;
  lost: number;
  lostCoins: number;
  pending: number;
  refused: number;
  ended: number;
}

/** This shop's totals as the shops side has them; `at`: when it said so (unix time). */
export interface Standing {
  unit: string;
  deposited: number;
  to_settle: number;
  asked: number;
  settled: number;
  at: number;
}

/** A code for a customer who gives something back. */
export interface Refund {
  number: number;
  code: string;
  amount: number;
  unit: string;
}

/** A day of one unit, sums in minor units. `sales`: how many were paid. `taken` = `confirmed` + stored then; `vouchers` of it on
 * paper. */
export interface Day {
  unit: string;
  sales: number;
  taken: number;
  confirmed: number;
  vouchers: number;
  refunds: number;
  refunded: number;
  deposited: number;
  lost: number;
  stored: number;
}

/** What a till is made of. `mint` and `shops` are clients of the addresses in the enrolment; `shops` carries the access code as
 * bearer. */
export interface TillParts {
  vault: Vault;
  mint: Client;
  shops: Client;
  log: Log;
  filters?: FilterShelf;
  now?: Now;
  chance?: Chance;
}

/** A till as its store alone shows it: what the first screen needs. */
export interface GlanceApi {
  readonly enrolment: Enrolment;
  /** Whether a sale is going on, also after a restart. */
  isSelling(): boolean;
  meter(unit: string): Meter;
  sales(): Sale[];
  today(unit: string): Day;
}

/** One shop's till. What is said to work offline also works while nothing else does. Rejections are `AmparoError`s with the codes
 * of `amparo_till` (till.taken_before carries `at`), and `till.practice_code`, `till.practice_only`, `till.no_sale`,
 * `till.nothing_to_refund`. */
export interface TillApi extends GlanceApi {
  /** The public key that codes are locked to, 66 hex digits. */
  readonly lockKey: string;
  /** A code that makes another device a till of this shop. Whoever has it can open what is locked to the shop: show it to nobody
   * else. */
  secondTill(): string;
  setLimits(limits: Limits): Promise<void>;

  // --- a sale (offline) ---
  /** Begins a sale; one that is open and unpaid is dropped. `till.no_sale` while one is partly paid. */
  begin(amount: number, unit: string, options?: { practice?: boolean }): Promise<OpenSale>;
  /** The sale going on, also after a restart. */
  sale(): OpenSale | null;
  /** Takes a code. Locked to this shop: checked without a connection and stored; with `online` then changed at once, and confirmed.
   * Unlocked (paper, person first): needs `online`. Rejects: `token.malformed`, `till.wrong_amount` (more than is missing),
   * `till.not_locked_to_this_shop`, `till.lock_too_short`, `till.taken_before`, `till.spent_before`, `till.sale_too_large`,
   * `till.offline_limit`, `till.alone_too_long`, `token.signature_not_proved`, `token.keyset_not_in_log`, `token.units_differ`,
   * `token.keyset_expired`, and the mint's refusals. */
  take(code: string, options: { online: boolean }): Promise<Taken>;
  cancel(): Promise<Cancelled>;
  /** The sale was seen as paid: the next one can begin. */
  finish(): Promise<void>;
  /** The shopkeeper has seen which sales had been spent before. */
  forgetSpent(): Promise<void>;
  /** A code without value that only a practice sale takes. */
  practiceCode(amount: number, unit: string): string;

  // --- vouchers on paper (with a connection at the end) ---
  addVoucher(code: string, unit: string): Promise<Batch>;
  batch(): Batch;
  /** Changes all good ones into own coins; the bad ones are listed with their reason. */
  finishBatch(unit: string): Promise<Batch>;
  dropBatch(): void;

  // --- with a connection ---
  /** Finishes what a crash or a lost answer interrupted. */
  recover(): Promise<number>;
  deposit(unit: string): Promise<DepositReport>;
  standing(unit: string): Promise<Standing>;
  /** As last heard; offline. */
  lastStanding(unit: string): Standing | null;
  /** Asks to be paid; the number of an unanswered request is used again, so that it counts once. */
  askSettlement(unit: string, amount: number): Promise<Standing>;
  /** A code from the till's own money to a customer. `till.nothing_to_refund`, `purse.not_enough`. */
  refund(amount: number, unit: string): Promise<Refund>;
  refunds(): Refund[];
  /** The customer has it. */
  refundArrived(number: number): Promise<void>;
  /** The customer has not taken it: the money comes back to the till; 0: it was taken after all. Rejects with `purse.coins_busy` while an
   * earlier asking is not answered. */
  takeBackRefund(number: number): Promise<number>;
  /** Fetches filters and drops what is too old; call it now and then. */
  upkeep(): Promise<void>;

  // --- the day (offline) ---
  closeDay(unit: string): Promise<Day>;
}

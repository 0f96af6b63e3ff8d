// What the wallet's screens are told: papers, aid, payments, the list of what happened. Types only: nothing here is loaded.

import type { Client } from "@amparo/purse/client.ts";
import type { FilterShelf } from "@amparo/purse/filters.ts";
import type { Log } from "@amparo/purse/keys.ts";
import type { Chance, End, Near, Now, Progress, Renewal, Resplit, Rest } from "@amparo/purse/model.ts";
import type { Vault } from "@amparo/purse/vault.ts";

export type { End, Near, Progress, Renewal, Resplit, Rest } from "@amparo/purse/model.ts";

/** A receipt with its place in the batch, as the office gives it; read by `@amparo/rules`. */
export interface ReceiptBundle {
  receipt: string;
  [field: string]: unknown;
}

/** What a checked receipt says, as far as the wallet needs it: `amount` in minor units. */
export interface CheckedReceipt {
  programme: string;
  cycle: string;
  rule_hash: string;
  amount: number;
  unit: string;
}

/** Recomputes a receipt against the public log (`@amparo/log`). Rejects with the finding. */
export type CheckReceipt = (bundle: ReceiptBundle) => Promise<CheckedReceipt>;

/** One decision as the office gives it. `claimed`: with another phone. `quote`: into which it was claimed, if the office says so. */
export interface Paper {
  bundle: ReceiptBundle;
  amount: number;
  unit: string;
  approved: boolean;
  claimed: boolean;
  quote: string | null;
}

/** Aid of one paper: `due`: approved and not taken here yet; `taken`: its coins are here, or were taken before; `crowd`: among how
 * many people it is (0: not known), `crowdNeeded`: how many there must be before the mint gives it out; `payFrom` (unix time):
 * from when on it is to be paid, 0: at any time. */
export interface Aid {
  programme: string;
  cycle: string;
  amount: number;
  unit: string;
  approved: boolean;
  due: boolean;
  taken: boolean;
  crowd: number;
  crowdNeeded: number;
  payFrom: number;
}

/** What the first screen shows of one unit, in minor units; works offline. `waiting`: handed over and not known to have arrived, or
 * in a request that is not answered. `aside`: locked to shops. `ended`: its coins are over; only the programme can give it out
 * anew. */
export interface Holding {
  unit: string;
  balance: number;
  resting: Rest[];
  waiting: number;
  aside: number;
  ended: number;
}

/** `claimed`, `received`: came in. `paid`: a code that was made. `aside`: locked to a shop ahead, to be paid there without a
 * connection. */
export type EntryKind = "claimed" | "received" | "paid" | "aside";

/** `waiting`: the code was made, the shop is not known to have it. `done`: confirmed, as far as the payer can know. `back`: taken
 * back. `later`: it comes back after `until`, and the shop can still take it until then. */
export type EntryState = "waiting" | "done" | "back" | "later";

/** One line of the list; newest first. It has no time and no shop: only what the person sees. `number` names it. `until`: unix
 * time, 0: none. */
export interface Entry {
  number: number;
  kind: EntryKind;
  state: EntryState;
  amount: number;
  unit: string;
  until: number;
}

/** A code to be shown to the shop: `number` is its line in the list, `code` a Cashu token (V4); `locked`: nobody but the shop can
 * use it. */
export interface Payment {
  number: number;
  code: string;
  amount: number;
  unit: string;
  locked: boolean;
}

/** A payment request as read: `amount` in minor units; `lockKey`: whom its code is locked to (null: to nobody), `lockUntil`: the
 * time it asks for (0: not said). */
export interface Asked {
  amount: number;
  unit: string;
  lockKey: string | null;
  lockUntil: number;
}

/** How a request or an amount can be paid, worked out without a connection. `ahead`: from coins that were locked to this shop
 * before: needs no connection on either side. `plain`: with an unlocked code: needs none here, and one at the till. `online`:
 * there is enough, locked or changed with a connection. `near`: what could be paid exactly without one, when neither `ahead` nor
 * `plain`. `rests`: enough only from this moment on (unix time; 0: now), or at once with `hurry`. */
export interface Ways {
  ahead: boolean;
  plain: boolean;
  online: boolean;
  near: Near;
  rests: number;
}

/** A code as read, before it is added. `mine`: it is one of this wallet's own. `end`: when its coins end (unix time; null: never). */
export interface Incoming {
  amount: number;
  unit: string;
  mine: boolean;
  end: number | null;
}

/** What came of taking a payment back: `back` in minor units; `taken`: the shop had it already; `later`: it comes back after this
 * moment (unix time), 0: nothing does. */
export interface TakenBack {
  back: number;
  taken: boolean;
  later: number;
}

/** What the upkeep did; `notBefore` (unix time): call it again then (null: when something changes). */
export interface Upkeep {
  finished: number;
  renewal: Renewal;
  resplit: Resplit;
  back: number;
  confirmed: number;
  notBefore: number | null;
}

/** What a wallet is made of. `latestHours`: how long after a claiming window its aid waits at most. */
export interface WalletParts {
  vault: Vault;
  office: Client;
  mint: Client;
  log: Log;
  check: CheckReceipt;
  filters?: FilterShelf;
  now?: Now;
  chance?: Chance;
  latestHours?: number;
}

/** `hurry`: go on although it waits for privacy's sake (`purse.aid_rests`, `purse.exchange_rests`, `purse.claim_rests` say until
 * when). */
export interface Hurry {
  hurry?: boolean;
}

/** What there is in a wallet, at once and without a connection. */
export interface GlanceApi {
  units(): string[];
  holding(unit: string): Holding;
  nextEnd(unit: string): End | null;
  activity(): Entry[];
  isEnrolled(): boolean;
  /** The papers as last fetched. */
  papers(): Paper[];
  /** What is known of a paper's aid. */
  aid(paper: Paper): Aid;
  isRecoveryTested(): boolean;
}

/** A household's wallet. Everything that is said to work offline also works while nothing else does. Every promise may reject with
 * an `AmparoError`; what needs a connection rejects with `service.unreachable`. All is safe to repeat; after a start call
 * `recover` once there is a connection. */
export interface WalletApi extends GlanceApi {
  /** Empties the list of what is done; waiting payments stay. */
  clearActivity(): Promise<void>;

  // --- the office ---
  /** Binds this wallet to a household with the office's code. `office.unknown_enrolment_code` and others of the office's as
   * `RemoteError.remoteCode`. */
  enrol(code: string): Promise<void>;
  /** Fetches the papers and keeps them. */
  fetchPapers(): Promise<Paper[]>;
  /** Claims one paper's aid and takes the coins. `wallet.nothing_to_claim`, `wallet.amount_differs`, `wallet.claimed_elsewhere`,
   * `purse.claim_rests`. */
  claim(paper: Paper, options?: Hurry): Promise<Aid>;

  // --- paying ---
  /** Reads a request (creqA, creqB, bitcoin: URI). `token.malformed`, `wallet.request_not_payable`. Offline. */
  readRequest(text: string): Asked;
  ways(asked: Asked): Ways;
  /** How an amount could be paid by a plain code. Offline. */
  waysOf(amount: number, unit: string): Ways;
  /** The code that answers a request exactly: from coins locked ahead if they make it, else locked now with a connection. `plain`:
   * an unlocked code instead, for a till that has a connection. `purse.not_enough`, `purse.no_exact_coins`, `purse.aid_rests`,
   * `purse.exchange_rests`. */
  pay(asked: Asked, options?: Hurry & { plain?: boolean }): Promise<Payment>;
  /** The code of an amount that the person typed: unlocked. Offline if the coins make it exactly; with `change`, coins are changed
   * with a connection first. */
  payAmount(amount: number, unit: string, options?: Hurry & { change?: boolean }): Promise<Payment>;
  /** The code of a waiting payment, to be shown again; null when it is not waiting. Offline. */
  payment(number: number): Payment | null;
  /** Locks an amount to a shop, to be paid there in parts without a connection; comes back after `until` (unix time; as the till
   * asks where none is given). */
  lockAhead(amount: number, unit: string, shopKey: string, options?: Hurry & { until?: number }): Promise<Entry>;
  /** The person has seen the shop take it: its coins and code are forgotten. Offline. */
  arrived(number: number): Promise<void>;
  /** Whether a payment has arrived, by the published filters of spent coins; with `ask` the mint is asked about one coin among
   * invented ones (it learns that somebody asks). True: it is done and forgotten. */
  look(number: number, options?: { ask?: boolean }): Promise<boolean>;
  /** The shop has not taken it: bring it back. With a connection. */
  takeBack(number: number, options?: Hurry): Promise<TakenBack>;

  // --- receiving ---
  /** Reads a code or a link with one. `token.malformed`, `token.units_differ`, `token.keyset_not_in_log`. Offline once the log is
   * known. */
  readCode(text: string): Promise<Incoming>;
  /** Adds a code: changed into own coins at once. `token.already_spent` as the mint's refusal. Returns the amount. */
  receive(text: string, options?: Hurry): Promise<number>;

  // --- the recovery code ---
  recoveryCode(): string;
  recoveryQr(): string;
  /** `purse.recovery_code_false`. Offline. */
  testRecovery(typed: string): Promise<void>;
  isRestoring(): boolean;
  beginRestore(code: string, options?: Hurry & { keepCode?: boolean }): Promise<void>;
  /** One request of the restoring; wait `wait` seconds between two. */
  restoreStep(options?: Hurry): Promise<Progress>;

  // --- by itself ---
  /** Finishes what a crash or a lost answer interrupted; how many requests are finished. */
  recover(): Promise<number>;
  /** While there is a connection and time: recovers, leaves old keysets, breaks a coin, takes back what is late, looks at waiting
   * payments by the filters. */
  upkeep(unit: string): Promise<Upkeep>;
}

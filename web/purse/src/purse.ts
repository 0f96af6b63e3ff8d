// One purse: what it holds and what every purse does with the mint. What only a wallet does is in `claiming.ts`, what only a till does in
// `redeeming.ts`. Every change is in the journal before it is sent (`journal.ts`). Twin of
// amparo_purse.purse.
//
// Keys come from the log (`keys.ts`); every secret from the purse's seed (NUT-13), the seed from a code that can be printed. What
// is kept apart in time: aid of a claiming window is handed over after its moment only, no coin is exchanged beside a claim, no
// claim follows an exchange at once. Each of these rejects with a `Resting` error that says when; with `hurry` the holder goes on
// at once and pays with privacy.

import { hex, unhex } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { splitAmount } from "@amparo/cashu/nut00_blind.ts";
import { withoutDleq } from "@amparo/cashu/nut00_token.ts";
import type { LockTo, OutputPlan } from "@amparo/cashu/outputs.ts";
import * as recovery from "@amparo/cashu/recovery_code.ts";
import type { BlindedMessage, Proof, SwapRequest } from "@amparo/cashu/wire.ts";
import type { KeysetAnnounced } from "@amparo/log/messages.ts";

import { statesOf } from "./ask.ts";
import { isClosed } from "./calendar.ts";
import { systemChance } from "./chance.ts";
import { type Client, RemoteError } from "./client.ts";
import { exactChoice } from "./coins.ts";
import { Resting } from "./errors.ts";
import { Journal, SWAP } from "./journal.ts";
import { Keys, type Log } from "./keys.ts";
import type { Chance, Coin, CoinState, DepositState, Now } from "./model.ts";
import { blinded } from "./outputs.ts";
import * as store from "./store.ts";
import type { Along, JournalRow } from "./store.ts";
import type { Draft, Reader, Vault } from "./vault.ts";

export const MOST_AT_ONCE = 100;
export const ALREADY_SPENT = "11001";
const KEYSET_UNKNOWN = "12001";
const KEYSET_EXPIRED = "12003";
// A request is bounded, and there must be room for the change: larger sums are made of few coins.
const MOST_SPREAD = 70;
// Between an exchange and the next claim, in seconds: nobody does both in one sitting.
const APART = [3_600, 3 * 3_600] as const;

/** An output to make. */
export type Part = readonly [amount: number, lock: LockTo | null];

/** What a purse works with. */
export interface PurseParts {
  vault: Vault;
  mint: Client;
  log: Log;
  now?: Now;
  chance?: Chance;
}

/** What else changes when the request is done (`done`) or refused for good (`undone`). */
export interface Beside {
  done?: Along;
  undone?: Along;
}

/** How coins are brought back. `taken`: what changes when all of them were used; `back`: what does in the step in which this sum comes
 * back, instead of `done`. */
export interface BringBack extends Beside {
  hurry?: boolean;
  taken?: Along;
  back?: (sum: number) => Along;
}

/** The coins of one holder. */
export class Purse {
  readonly vault: Vault;
  readonly mint: Client;
  readonly keys: Keys;
  readonly now: Now;
  readonly chance: Chance;
  readonly #journal: Journal;

  private constructor(parts: PurseParts) {
    this.vault = parts.vault;
    this.mint = parts.mint;
    this.now = parts.now ?? (() => Math.floor(Date.now() / 1000));
    this.chance = parts.chance ?? systemChance;
    this.keys = new Keys(parts.mint, parts.log, this.now);
    this.#journal = new Journal({
      vault: this.vault,
      mint: this.mint,
      keys: this.keys,
      seed: () => this.#seed(),
      receive: async (proofs, row) => this.#receiveInPlace(proofs, row),
      claimFrom: () => this.now() + this.chance.between(...APART),
    });
  }

  /** The purse of a vault; an empty vault gets a seed. */
  static async open(parts: PurseParts): Promise<Purse> {
    if (!store.seed(parts.vault)) {
      const entropy = crypto.getRandomValues(new Uint8Array(recovery.ENTROPY_BYTES));
      const seed = hex(await recovery.seedOf(entropy));
      await parts.vault.change((draft) => store.putSeed(draft, { seed, entropy: hex(entropy), tested: false }));
    }
    return new Purse(parts);
  }

  #seed(): Uint8Array {
    return unhex(store.heldSeed(this.vault).seed);
  }

  // --- what it holds ------------------------------------------------------------------------------------------------------------

  /** The coins of a unit in a state that are in no request, largest first. */
  coins(unit: string, state: CoinState = "ready", label?: string): Coin[] {
    return store.coins(this.vault, unit, state, label);
  }

  /** The sum of coins, in minor units: of the ready ones, that is what can be paid. */
  balance(unit: string, state: CoinState = "ready", label?: string): number {
    return store.total(this.coins(unit, state, label));
  }

  /** Until when (unix time) coins of this purse are not exchanged, because it claimed; in the past when they may be. */
  quietUntil(): number {
    return store.quietUntil(this.vault);
  }

  /** From when on (unix time) this purse claims, because it exchanged coins; in the past when it may. */
  claimFrom(): number {
    return store.claimFrom(this.vault);
  }

  /** Throws `purse.exchange_rests` while coins are not to be exchanged, unless there is a hurry. */
  checkQuiet(hurry: boolean): void {
    const until = hurry ? 0 : this.quietUntil();
    if (until > this.now()) throw new Resting("purse.exchange_rests", until);
  }

  /** The coins to pay `amount` from, largest first: in a hurry all, else those that do not rest. Throws `purse.aid_rests` when only
   * the resting ones make it enough. */
  spendable(unit: string, amount: number, hurry: boolean, reader: Reader = this.vault): Coin[] {
    const held = store.coins(reader, unit, "ready");
    const free = hurry ? held : held.filter((coin) => coin.rests <= this.now());
    let missing = amount - store.total(free);
    if (missing <= 0 || store.total(held) < amount) return free;
    for (const { until, amount: rested } of store.resting(reader, unit, this.now())) {
      missing -= rested;
      if (missing <= 0) throw new Resting("purse.aid_rests", until);
    }
    return free;
  }

  // --- with the mint
  // --------------------------------------------------------------------------------------------------------------

  /** Exchanges coins received from somebody else for own ones: from then on only this purse can spend them. */
  async receive(proofs: readonly Proof[], unit: string, options: Beside & { hurry?: boolean } = {}): Promise<void> {
    this.checkQuiet(options.hurry ?? false);
    await this.carryOut(await this.#received(proofs, unit, options));
  }

  /** The same once more, into the keyset of today, in the place of a request that was refused; null when that is the same keyset, or
   * the request was finished meanwhile. */
  async #receiveInPlace(proofs: readonly Proof[], old: JournalRow): Promise<JournalRow | null> {
    if ((await this.keys.today(old.unit)).keyset === old.plan?.keyset) return null;
    const request = await this.#received(proofs, old.unit, old);
    return this.vault.change((draft) => (store.strike(draft, old.number) ? store.writeJournal(draft, request) : null));
  }

  async #received(proofs: readonly Proof[], unit: string, beside: Beside): Promise<Omit<JournalRow, "number">> {
    return this.#swapRow(proofs, await this.#fewest(proofs, unit), unit, beside);
  }

  /** Swaps coins of this purse (signed, if they were locked) for new ones of these amounts, which have the same sum. Rejects with
   * `purse.exchange_rests`. */
  async exchange(proofs: readonly Proof[], amounts: readonly number[], unit: string, options: Beside & { hurry?: boolean } = {}): Promise<void> {
    this.checkQuiet(options.hurry ?? false);
    const plan = await this.plan(await this.keys.today(unit), amounts.map((each) => [each, null]));
    await this.swap(proofs, plan, unit, options);
  }

  /** Swaps coins of this purse for the fewest new ones of the same sum. */
  async renewAll(proofs: readonly Proof[], unit: string, options: Beside & { hurry?: boolean; given?: boolean } = {}): Promise<void> {
    this.checkQuiet(options.hurry ?? false);
    await this.swap(proofs, await this.#fewest(proofs, unit), unit, options);
  }

  async #fewest(proofs: readonly Proof[], unit: string): Promise<OutputPlan> {
    const keyset = await this.keys.today(unit);
    const amounts = amountsOf(keyset, proofs.reduce((sum, proof) => sum + proof.amount, 0));
    return this.plan(keyset, amounts.map((each) => [each, null]));
  }

  /** Changes coins, so that `amount` can be paid exactly. Does nothing when it can be already. Rejects with `purse.not_enough`,
   * `purse.aid_rests`, `purse.exchange_rests`. */
  async makeExact(amount: number, unit: string, { hurry = false }: { hurry?: boolean } = {}): Promise<void> {
    const held = this.spendable(unit, amount, hurry);
    if (exactCoins(held, amount)) return;
    this.checkQuiet(hurry);
    const spend = atLeast(held, amount);
    const keyset = await this.keys.today(unit);
    const amounts = [...amountsOf(keyset, amount), ...amountsOf(keyset, store.total(spend) - amount)];
    await this.swap(spend.map(({ proof }) => proof), await this.plan(keyset, amounts.map((each) => [each, null])), unit);
  }

  /** Exchanges coins of one payment for new ones. Those that somebody else has used meanwhile are forgotten, and the others tried
   * again; when all were used, `taken` changes with that. Returns the sum that came back, 0 when all was used. Rejects with
   * `purse.exchange_rests`. */
  async bringBack(proofs: readonly Proof[], unit: string, options: BringBack = {}): Promise<number> {
    const sum = proofs.reduce((all, proof) => all + proof.amount, 0);
    try {
      await this.renewAll(proofs, unit, { ...options, ...(options.back ? { done: options.back(sum) } : {}), given: true });
      return sum;
    } catch (error) {
      if (!(error instanceof RemoteError) || error.remoteCode !== ALREADY_SPENT) throw error;
    }
    // The mint was just shown these coins together.
    const states = await statesOf(this.mint, proofs, { chance: this.chance });
    const left = proofs.filter((_, place) => states[place] === "UNSPENT");
    if (left.length === proofs.length) fail("token.signature_not_proved", "The mint says of the same coins that they are spent and that they are not.");
    await this.vault.change((draft) => {
      const used = proofs.filter((_, place) => states[place] === "SPENT");
      store.dropCoins(draft, used.map((proof) => proof.secret));
      if (left.length === 0) store.carryAlong(draft, options.taken ?? []);
    });
    return left.length > 0 ? this.bringBack(left, unit, options) : 0;
  }

  /** Finishes what was interrupted (only claims, or all but claims, if that is said: they are not sent in one sitting); how many
   * requests are out of the journal now. Rejects with the error of a request of which nothing is known, once all others are done. */
  async recover(claims?: boolean): Promise<number> {
    return this.#journal.recover(claims);
  }

  /** Writes a request down, sends it and finishes it (`Journal.carryOut`). */
  async carryOut(request: Omit<JournalRow, "number">): Promise<DepositState> {
    return this.#journal.carryOut(request);
  }

  // --- handing over
  // -----------------------------------------------------------------------------------------------------------------

  /** Hands coins over, in one step with whatever `also` writes: `pick` chooses them from the newest state or throws. Works offline. */
  async hand<T>(pick: (reader: Reader) => readonly Coin[], also: (draft: Draft, coins: readonly Coin[]) => T): Promise<T> {
    return this.vault.change((draft) => {
      const chosen = pick(draft);
      store.changeCoins(draft, chosen.map(({ proof }) => proof.secret), { state: "given" });
      return also(draft, chosen);
    });
  }

  /** Coins of exactly `amount` among these. Throws `purse.not_enough`, `purse.no_exact_coins`. */
  exactly(held: readonly Coin[], amount: number): Coin[] {
    const chosen = exactCoins(held, amount);
    if (chosen) return chosen;
    if (store.total(held) < amount) return fail("purse.not_enough", "The balance is too low.");
    return fail("purse.no_exact_coins", "These coins do not make the amount.");
  }

  /** Whether the mint refused because a keyset is over for good: it says so, or it has destroyed one that the log says is closed. */
  async isEnded(keyset: string, refusal: RemoteError): Promise<boolean> {
    if (refusal.remoteCode === KEYSET_EXPIRED) return true;
    return refusal.remoteCode === KEYSET_UNKNOWN && isClosed(await this.keys.keyset(keyset), this.now());
  }

  /** The keyset of these coins is over: they are kept, and cannot be paid. */
  async end(secrets: readonly string[]): Promise<void> {
    await this.vault.change((draft) => store.changeCoins(draft, secrets, { state: "ended", busy: false }));
  }

  // --- outputs
  // ------------------------------------------------------------------------------------------------------------------------

  /** Outputs (locked or not), ascending, as the specification advises. Rejects with `purse.restore_unfinished`. */
  async plan(keyset: KeysetAnnounced, parts: readonly Part[]): Promise<OutputPlan> {
    const ordered = [...parts].sort(([one], [two]) => one - two);
    const counter = await this.vault.change((draft) => {
      const restoring = store.restoring(draft);
      if (restoring && !restoring.searched && store.isOwn(draft, restoring.seed)) fail("purse.restore_unfinished", "This purse is being restored.");
      const first = store.counter(draft, keyset.keyset);
      store.skipTo(draft, keyset.keyset, first + ordered.length);
      return first;
    });
    return { keyset: keyset.keyset, counter, amounts: ordered.map(([amount]) => amount), locks: ordered.map(([, lock]) => lock) };
  }

  /** The blinded messages of a plan that `plan` made. */
  async outputs(plan: OutputPlan): Promise<BlindedMessage[]> {
    return blinded(plan, this.#seed());
  }

  /** Swaps coins of this purse for a plan's outputs; those that were handed over only if they are to be brought back (`given`). Who
   * calls it has asked `checkQuiet`. */
  async swap(proofs: readonly Proof[], plan: OutputPlan, unit: string, options: Beside & { label?: string; given?: boolean } = {}): Promise<void> {
    const request = await this.#swapRow(proofs, plan, unit, options);
    await this.carryOut({ ...request, spends: proofs.map((proof) => proof.secret), label: options.label ?? "", given: options.given });
  }

  async #swapRow(proofs: readonly Proof[], plan: OutputPlan, unit: string, beside: Beside): Promise<Omit<JournalRow, "number">> {
    const request: SwapRequest = { inputs: proofs.map(withoutDleq), outputs: await this.outputs(plan) };
    const states = plan.locks.map((lock): CoinState => (lock ? "held" : "ready"));
    return { ...row(SWAP, request, unit, beside), plan, states };
  }
}

/** A request as it is written down: always the same bytes. */
export function row(path: string, request: unknown, unit: string, { done = [], undone = [] }: Beside): Omit<JournalRow, "number"> {
  return { path, body: JSON.stringify(request), plan: null, unit, spends: [], states: [], label: "", claim: null, done, undone };
}

/** The coins to make of an amount: the fewest, or those that `wide` says. */
export function amountsOf(keyset: KeysetAnnounced, amount: number, wide?: (amount: number, denominations: readonly number[]) => number[]): number[] {
  const denominations = Object.keys(keyset.keys).map(Number);
  const spread = wide?.(amount, denominations) ?? [];
  return spread.length > 0 && spread.length <= MOST_SPREAD ? spread : splitAmount(amount, denominations);
}

/** Coins worth at least `amount`: the largest first, so that few are sent. Throws `purse.not_enough`. */
export function atLeast(coins: readonly Coin[], amount: number): Coin[] {
  const chosen: Coin[] = [];
  for (const coin of coins) {
    if (store.total(chosen) >= amount || chosen.length === MOST_AT_ONCE) break;
    chosen.push(coin);
  }
  return store.total(chosen) < amount ? fail("purse.not_enough", "The balance is too low.") : chosen;
}

function exactCoins(coins: readonly Coin[], amount: number): Coin[] | null {
  const places = exactChoice(coins.map(({ proof }) => proof.amount), amount);
  return places && places.flatMap((place) => coins[place] ?? []);
}

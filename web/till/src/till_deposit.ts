// Handing in what a till has taken, and what the shops side says of it. Twin of that part of amparo_till.till: at most a hundred
// coins at once, and what one request cannot hand in does not keep the others back.

import { type Reader as Read, shape, text, whole } from "@amparo/cashu/shapes.ts";
import { hex } from "@amparo/cashu/bytes.ts";
import { type Proof, readMeltQuote } from "@amparo/cashu/wire.ts";
import { statesOf } from "@amparo/purse/ask.ts";
import { type Client, RemoteError } from "@amparo/purse/client.ts";
import type { Coin } from "@amparo/purse/model.ts";
import { ALREADY_SPENT, type Purse } from "@amparo/purse/purse.ts";
import { redeem } from "@amparo/purse/redeeming.ts";
import { dropCoins, total } from "@amparo/purse/store.ts";

import type { DepositReport, Standing } from "./model.ts";
import { depositedName, markLost, markRefused, settleSales, storedCoins } from "./sales.ts";

const BATCH = 100;
const NOTHING: DepositReport = { deposited: 0, lost: 0, lostCoins: 0, pending: 0, refused: 0, ended: 0 };

const readStanding: Read<Omit<Standing, "at">> = shape<Omit<Standing, "at">>({ unit: text, deposited: whole, to_settle: whole, asked: whole, settled: whole });

/** What the deposits of one shop work with. `open` signs what is locked to the shop. */
export interface DepositParts {
  purse: Purse;
  shops: Client;
  shop: string;
  open: (proof: Proof) => Proof;
}

/** Deposits and settlement of one till. */
export class Deposits {
  readonly #parts: DepositParts;

  constructor(parts: DepositParts) {
    this.#parts = parts;
  }

  /** Hands in everything of a unit. Codes that turn out to be spent are dropped and counted. Safe to repeat after a crash: what was
   * sent is finished first, and a deposit that waits is asked for again. */
  async deposit(unit: string): Promise<DepositReport> {
    const { purse } = this.#parts;
    await purse.recover();
    const [good, first] = await this.#unspent(storedCoins(purse.vault, unit).filter((coin) => !coin.busy));
    const coins = [...good, ...purse.coins(unit)];
    let report = first;
    for (const keyset of new Set(coins.map(({ proof }) => proof.id))) {
      const same = coins.filter(({ proof }) => proof.id === keyset);
      for (let at = 0; at < same.length; at += BATCH) report = plus(report, await this.#handIn(same.slice(at, at + BATCH), unit));
    }
    await purse.vault.change(settleSales);
    return report;
  }

  /** Those that can be handed in now; spent ones are dropped, those that wait in another deposit (of another device of this shop)
   * are left for the next time. */
  async #unspent(coins: readonly Coin[]): Promise<[good: Coin[], report: DepositReport]> {
    const { purse } = this.#parts;
    const good: Coin[] = [];
    const bad: Coin[] = [];
    for (let at = 0; at < coins.length; at += BATCH) {
      const part = coins.slice(at, at + BATCH);
      const states = await statesOf(purse.mint, part.map(({ proof }) => proof), { chance: purse.chance });
      part.forEach((coin, place) => {
        if (states[place] !== "PENDING") (states[place] === "UNSPENT" ? good : bad).push(coin);
      });
    }
    if (bad.length > 0) {
      await purse.vault.change((draft) => {
        markLost(draft, bad.filter(({ label }) => label !== ""));
        dropCoins(draft, bad.map(({ proof }) => proof.secret));
      });
    }
    return [good, { ...NOTHING, lost: total(bad), lostCoins: bad.length }];
  }

  /** One request's part of a deposit. When a coin was spent since it was looked up, the rest is handed in without it. */
  async #handIn(coins: readonly Coin[], unit: string): Promise<DepositReport> {
    const { purse } = this.#parts;
    const [first] = coins;
    if (!first) return NOTHING;
    try {
      return await this.#redeem(coins, unit);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (await purse.isEnded(first.proof.id, error)) {
        await purse.end(coins.map(({ proof }) => proof.secret));
        return { ...NOTHING, ended: total(coins) };
      }
      if (error.remoteCode !== ALREADY_SPENT) throw error;
      const [good, report] = await this.#unspent(coins);
      if (good.length === coins.length) throw error;
      return good.length > 0 ? plus(report, await this.#redeem(good, unit)) : report;
    }
  }

  async #redeem(coins: readonly Coin[], unit: string): Promise<DepositReport> {
    const { purse, shop, open } = this.#parts;
    const amount = total(coins);
    const quote = await purse.mint.post("/v1/melt/quote/settle", { request: shop, unit, amount }, readMeltQuote);
    const done = [[depositedName(quote.quote), { unit, amount }]] as const;
    switch (await redeem(purse, { ...quote, unit }, coins.map(({ proof }) => open(proof)), { done })) {
      case "PAID":
        return { ...NOTHING, deposited: amount };
      case "PENDING":
        return { ...NOTHING, pending: amount };
      default:
        await purse.vault.change((draft) => markRefused(draft, coins.filter(({ label }) => label !== "")));
        return { ...NOTHING, refused: amount };
    }
  }

  // --- settlement
  // -------------------------------------------------------------------------------------------------------------------

  async standing(unit: string): Promise<Standing> {
    return this.#keep(await this.#parts.shops.get(`/mine/${encodeURIComponent(unit)}`, readStanding));
  }

  lastStanding(unit: string): Standing | null {
    return this.#parts.purse.vault.read<Standing>(`standing/${unit}`) ?? null;
  }

  /** Asks to be paid. The till's own number for it is written down before it is sent, and used again until it is answered. */
  async askSettlement(unit: string, amount: number): Promise<Standing> {
    const { vault } = this.#parts.purse;
    const name = `claim/${unit}`;
    const fresh = { claim: hex(crypto.getRandomValues(new Uint8Array(12))), unit, amount };
    const old = await vault.change((draft) => {
      const known = draft.read<typeof fresh>(name);
      if (!known) draft.put(name, fresh);
      return known;
    });
    let standing = await this.#ask(name, old ?? fresh);
    if (old && old.amount !== amount) {
      await vault.change((draft) => draft.put(name, fresh));
      standing = await this.#ask(name, fresh);
    }
    return standing;
  }

  async #ask(name: string, claim: { claim: string; unit: string; amount: number }): Promise<Standing> {
    const { purse, shops } = this.#parts;
    try {
      const found = await shops.post("/claims", claim, readStanding);
      await purse.vault.change((draft) => draft.drop(name));
      return await this.#keep(found);
    } catch (error) {
      // A refusal is an answer: the number is done with.
      if (error instanceof RemoteError && error.status >= 400 && error.status < 500) await purse.vault.change((draft) => draft.drop(name));
      throw error;
    }
  }

  async #keep(found: Omit<Standing, "at">): Promise<Standing> {
    const { purse } = this.#parts;
    const standing = { ...found, at: purse.now() };
    await purse.vault.change((draft) => draft.put(`standing/${found.unit}`, standing));
    return standing;
  }
}

function plus(one: DepositReport, two: DepositReport): DepositReport {
  return {
    deposited: one.deposited + two.deposited,
    lost: one.lost + two.lost,
    lostCoins: one.lostCoins + two.lostCoins,
    pending: one.pending + two.pending,
    refused: one.refused + two.refused,
    ended: one.ended + two.ended,
  };
}

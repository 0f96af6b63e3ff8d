// How a wallet pays, locks ahead, takes back and receives. Twin of that part of amparo_wallet.wallet.
//
// Coins, code and the line in the list change in one commit, so that after a death the code can be shown again. What was locked for
// a shop and not handed over lies aside and can be paid there; one payment is made from coins of one lock, so that the shop's
// deposit joins no two of them.

import { fail, isError } from "@amparo/cashu/errors.ts";
import { hex } from "@amparo/cashu/bytes.ts";
import { generatorTimes, showPoint } from "@amparo/cashu/curve.ts";
import { type Token, readToken, withoutDleq, writeToken } from "@amparo/cashu/nut00_token.ts";
import { readCondition, readLock, signLock } from "@amparo/cashu/nut10_secret.ts";
import { type LockOption, lockSecret } from "@amparo/cashu/nut18_request.ts";
import { readAnyRequest } from "@amparo/cashu/nut26_request.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { statesOf } from "@amparo/purse/ask.ts";
import { DAY, SHORTEST_LOCK, USUAL_LOCK } from "@amparo/purse/calendar.ts";
import { lock } from "@amparo/purse/claiming.ts";
import { exactChoice, nearAmounts } from "@amparo/purse/coins.ts";
import { Resting } from "@amparo/purse/errors.ts";
import type { FilterShelf } from "@amparo/purse/filters.ts";
import type { Coin } from "@amparo/purse/model.ts";
import type { Purse } from "@amparo/purse/purse.ts";
import { derivedKey } from "@amparo/purse/recovery.ts";
import * as store from "@amparo/purse/store.ts";
import type { Draft, Reader } from "@amparo/purse/vault.ts";

import { type Line, coinsOf, finishLine, labelOf, line, lineOf, lines, nameOf, numberOf, over, putLine, takeNumber } from "./activity_list.ts";
import type { Asked, Incoming, Payment, TakenBack, Ways } from "./model.ts";

// No request locks coins for longer: if the shop takes nothing, they come back after that.
const LONGEST_LOCK = 92 * DAY;
// A till wants a lock of a week; what is shown now may be taken a little later.
const MARGIN = 3_600;
// A question about a payment's coins is filled up to so many points.
const POINTS = 16;
const CODE = /cashu[AB][A-Za-z0-9_\-+/]+=*/;

/** The payments of one wallet. */
export class Payments {
  readonly #purse: Purse;
  readonly #filters: FilterShelf | undefined;

  constructor(purse: Purse, filters: FilterShelf | undefined) {
    this.#purse = purse;
    this.#filters = filters;
  }

  // --- asking
  // -----------------------------------------------------------------------------------------------------------------------

  readRequest(text: string): Asked {
    const request = readAnyRequest(text);
    const { amount, unit, mints, transports, lock } = request;
    if (amount === undefined || unit === undefined) return notPayable("The request does not say how much it asks for.");
    if (mints.length > 0 && !mints.some((mint) => mint.replace(/\/+$/, "") === this.#purse.mint.base)) notPayable("The request asks for coins of another mint.");
    if (transports.length > 0) notPayable("The request wants the payment to be sent to an address.");
    const { key, until } = lock ? askedLock(lock) : { key: null, until: 0 };
    if (until > this.#purse.now() + LONGEST_LOCK) notPayable("The request asks to lock coins for too long.");
    return { amount, unit, lockKey: key, lockUntil: until };
  }

  ways({ amount, unit, lockKey }: Asked): Ways {
    const ahead = lockKey !== null && this.#ahead(this.#purse.vault, unit, amount, lockKey) !== null;
    return { ...this.waysOf(amount, unit), ahead };
  }

  waysOf(amount: number, unit: string): Ways {
    let free: Coin[];
    let rests = 0;
    try {
      free = this.#purse.spendable(unit, amount, false);
    } catch (error) {
      if (!(error instanceof Resting)) throw error;
      rests = error.until;
      free = this.#purse.spendable(unit, amount, true);
    }
    const held = free.map(({ proof }) => proof.amount);
    const plain = exactChoice(held, amount) !== null;
    const online = store.total(free) >= amount;
    return { ahead: false, plain, online, near: plain ? { below: null, above: null } : nearAmounts(held, amount), rests };
  }

  /** Coins of one lock to this shop that make the amount and stay locked long enough. */
  #ahead(reader: Reader, unit: string, amount: number, lockKey: string): { coins: Coin[]; label: string } | null {
    const least = this.#purse.now() + SHORTEST_LOCK + MARGIN;
    const usable = store.coins(reader, unit, "held").filter(({ proof }) => {
      const lock = readLock(proof.secret);
      return lock !== null && lock.keys.length === 1 && lock.keys[0] === lockKey && (lock.locktime ?? Infinity) >= least;
    });
    for (const label of new Set(usable.map((coin) => coin.label))) {
      const coins = usable.filter((coin) => coin.label === label);
      const places = exactChoice(coins.map(({ proof }) => proof.amount), amount);
      if (places) return { coins: places.flatMap((place) => coins[place] ?? []), label };
    }
    return null;
  }

  // --- paying
  // -----------------------------------------------------------------------------------------------------------------------

  async pay(asked: Asked, { plain, hurry }: { plain: boolean; hurry: boolean }): Promise<Payment> {
    const { amount, unit, lockKey } = asked;
    if (lockKey === null || plain) return this.payAmount(amount, unit, { hurry, change: true });
    if (this.#ahead(this.#purse.vault, unit, amount, lockKey) === null) {
      const until = asked.lockUntil || this.#purse.now() + USUAL_LOCK;
      await this.lockAhead(amount, unit, lockKey, { until, hurry, spread: false });
    }
    return this.#payAhead(amount, unit, lockKey);
  }

  /** Pays from what lies aside for a shop. */
  async #payAhead(amount: number, unit: string, lockKey: string): Promise<Payment> {
    let label = "";
    const pick = (reader: Reader) => {
      const found = this.#ahead(reader, unit, amount, lockKey) ?? fail("purse.no_exact_coins", "Nothing that is locked to this shop makes the amount.");
      label = found.label;
      return found.coins;
    };
    return this.#purse.hand(pick, (draft, coins) => {
      const aside = lines(draft).find((each) => each.kind === "aside" && each.label === label);
      const isAll = aside !== undefined && coinsOf(draft, aside).length === 0;
      // The line of the lock becomes that of the payment, unless something stays aside.
      const number = isAll ? aside.number : takeNumber(draft);
      return this.#written(draft, coins, { number, unit, label });
    });
  }

  async payAmount(amount: number, unit: string, { hurry, change }: { hurry: boolean; change: boolean }): Promise<Payment> {
    if (change && !this.#isExact(amount, unit, hurry)) {
      try {
        await this.#purse.makeExact(amount, unit, { hurry });
      } catch (error) {
        if (!isError(error, "service.unreachable")) throw error;
        fail("purse.no_exact_coins", "There is no connection to change coins.");
      }
    }
    const pick = (reader: Reader) => this.#purse.exactly(this.#purse.spendable(unit, amount, hurry, reader), amount);
    return this.#purse.hand(pick, (draft, coins) => this.#written(draft, coins, { number: takeNumber(draft), unit, label: "" }));
  }

  #isExact(amount: number, unit: string, hurry: boolean): boolean {
    const held = this.#purse.spendable(unit, amount, hurry).map(({ proof }) => proof.amount);
    return exactChoice(held, amount) !== null;
  }

  /** Writes the code down with its coins. */
  #written(draft: Draft, coins: readonly Coin[], { number, unit, label }: { number: number; unit: string; label: string }): Payment {
    const locked = label !== "";
    // Unlocked coins without the proofs: their blinding factors would lead the mint to the requests in which it signed them. A till
    // needs those of locked ones.
    const proofs = coins.map(({ proof }) => (locked ? proof : withoutDleq(proof)));
    const code = writeToken({ mint: this.#purse.mint.base, unit, proofs });
    const amount = store.total(coins);
    const until = Math.max(0, ...coins.map(({ proof }) => readLock(proof.secret)?.locktime ?? 0));
    putLine(draft, lineOf({ number, kind: "paid", state: "waiting", amount, unit, until, code, label, secrets: proofs.map(({ secret }) => secret) }));
    return { number, code, amount, unit, locked };
  }

  payment(number: number): Payment | null {
    const found = line(this.#purse.vault, number);
    if (found?.state !== "waiting") return null;
    return { number, code: found.code, amount: found.amount, unit: found.unit, locked: found.label !== "" };
  }

  async lockAhead(amount: number, unit: string, key: string, options: { until: number; hurry: boolean; spread: boolean }): Promise<Line> {
    const number = await this.#purse.vault.change(takeNumber);
    const label = labelOf(number);
    const refund = showPoint(generatorTimes(await this.#refundKey(label)));
    const aside = lineOf({ number, kind: "aside", state: "later", amount, unit, until: options.until, label });
    const { hurry, spread } = options;
    await lock(this.#purse, amount, unit, { key, locktime: options.until, refund }, label, { hurry, spread, done: [[nameOf(number), aside]] });
    return aside;
  }

  /** Another key for every lock: one key would join all that this wallet ever pays without a connection. */
  async #refundKey(label: string): Promise<Uint8Array> {
    return derivedKey(this.#purse, `refund ${label}`);
  }

  // --- what becomes of it
  // -------------------------------------------------------------------------------------------------------------

  async arrived(number: number): Promise<void> {
    await this.#purse.vault.change((draft) => {
      const found = line(draft, number);
      if (found?.state === "waiting") finishLine(draft, found);
    });
  }

  async look(number: number, ask: boolean): Promise<boolean> {
    const found = line(this.#purse.vault, number);
    if (found?.state !== "waiting") return found?.state === "done";
    const proofs = coinsOf(this.#purse.vault, found).map(({ proof }) => proof);
    if (proofs.length === 0 || !(await this.#areTaken(proofs, ask))) return false;
    await this.arrived(number);
    return true;
  }

  /** Whether all of these coins are spent, or in a shop's deposit. */
  async #areTaken(proofs: readonly Proof[], ask: boolean): Promise<boolean> {
    if (proofs.every((proof) => this.#filters?.isSpent(proof) ?? false)) return true;
    if (!ask) return false;
    const states = await statesOf(this.#purse.mint, proofs, { points: POINTS, chance: this.#purse.chance });
    return states.every((state) => state !== "UNSPENT");
  }

  async takeBack(number: number, hurry: boolean): Promise<TakenBack> {
    const found = line(this.#purse.vault, number);
    if (!found || (found.state !== "waiting" && found.state !== "later")) return { back: 0, taken: found?.state === "done", later: 0 };
    const coins = coinsOf(this.#purse.vault, found).filter((coin) => !coin.busy);
    const isLocked = found.label !== "";
    if (isLocked && found.until >= this.#purse.now()) return this.#setAside(found);
    const key = isLocked ? await this.#refundKey(found.label) : undefined;
    const proofs = coins.map(({ proof }) => (key ? signLock(proof, key) : proof));
    if (proofs.length === 0) return { back: 0, taken: false, later: 0 };
    const back = await this.#purse.bringBack(proofs, found.unit, {
      hurry,
      done: [[nameOf(number), over({ ...found, amount: store.total(coins) }, "back")]],
      taken: [[nameOf(number), over(found, "done")]],
    });
    return { back, taken: back === 0, later: 0 };
  }

  /** Locked coins whose time has not come: until then they are the shop's if it takes them, and can be paid there again. */
  async #setAside(found: Line): Promise<TakenBack> {
    await this.#purse.vault.change((draft) => {
      const now = line(draft, found.number);
      if (now?.state !== "waiting") return;
      store.changeCoins(draft, now.secrets, { state: "held" });
      draft.drop(nameOf(now.number));
      const number = numberOf(now.label);
      putLine(draft, lineOf({ number, kind: "aside", state: "later", amount: now.amount, unit: now.unit, until: now.until, label: now.label }));
    });
    return { back: 0, taken: false, later: found.until };
  }

  /** Brings back what was locked and not handed in before its time passed; one request for each lock. Returns the sum. */
  async takeBackLate(unit: string): Promise<number> {
    const late = lines(this.#purse.vault).filter((each) => each.unit === unit && each.label !== "" && each.until > 0 && each.until < this.#purse.now());
    let back = 0;
    for (const each of late) {
      if (each.state === "waiting" || each.state === "later") back += (await this.takeBack(each.number, false)).back;
    }
    return back;
  }

  /** How many waiting payments are known to have arrived, by the published filters. */
  async lookAtAll(unit: string): Promise<number> {
    let count = 0;
    for (const each of lines(this.#purse.vault)) {
      if (each.unit === unit && each.state === "waiting" && (await this.look(each.number, false))) count += 1;
    }
    return count;
  }

  // --- receiving
  // ----------------------------------------------------------------------------------------------------------------------

  async readCode(text: string): Promise<Incoming> {
    const { unit, proofs } = await this.#genuine(text);
    const ends = await Promise.all(proofs.map(async (proof) => (await this.#purse.keys.keyset(proof.id)).final_expiry));
    const known = ends.filter((end) => end !== null);
    const mine = this.#own(proofs) !== undefined;
    return { amount: sumOf(proofs), unit, mine, end: known.length > 0 ? Math.min(...known) : null };
  }

  async receive(text: string, hurry: boolean): Promise<number> {
    const { unit, proofs } = await this.#genuine(text);
    const own = this.#own(proofs);
    if (own) return (await this.takeBack(own.number, hurry)).back;
    const number = await this.#purse.vault.change(takeNumber);
    const amount = sumOf(proofs);
    const came = lineOf({ number, kind: "received", state: "done", amount, unit });
    await this.#purse.receive(proofs, unit, { hurry, done: [[nameOf(number), came]] });
    return amount;
  }

  /** The waiting payment that a code belongs to: it was handed back. */
  #own(proofs: readonly Proof[]): Line | undefined {
    const secrets = new Set(proofs.map(({ secret }) => secret));
    return lines(this.#purse.vault).find((each) => each.state === "waiting" && each.secrets.some((secret) => secrets.has(secret)));
  }

  /** A code whose coins are of keysets in the log, and not locked to somebody else. */
  async #genuine(text: string): Promise<Token> {
    const code = CODE.exec(text)?.[0] ?? fail("token.malformed", "There is no code in this text.");
    const keysets = () => this.#purse.keys.view().keysets.map(({ body }) => body.keyset);
    if (keysets().length === 0) await this.#purse.keys.refresh();
    const token = readToken(code, { keysets: keysets() });
    for (const proof of token.proofs) {
      await this.#purse.keys.checkKnown(proof, token.unit);
      if (readLock(proof.secret) && !this.#own(token.proofs)) fail("token.lock_not_open", "The code is locked to somebody else.");
    }
    return token;
  }
}

function sumOf(proofs: readonly Proof[]): number {
  return proofs.reduce((sum, proof) => sum + proof.amount, 0);
}

function notPayable(what: string): never {
  return fail("wallet.request_not_payable", what);
}

/** The key and the time that a request's lock asks for. Throws `wallet.request_not_payable` for any other lock than one key,
 * perhaps with a time: one that is not understood is not paid without it. */
function askedLock(option: LockOption): { key: string; until: number } {
  let condition;
  try {
    condition = readCondition(lockSecret(option, hex(crypto.getRandomValues(new Uint8Array(32)))));
  } catch (error) {
    if (!isError(error)) throw error;
  }
  const lock = condition?.lock;
  const [key, ...others] = lock?.keys ?? [];
  const isPlain = lock && others.length === 0 && lock.needed === 1 && lock.refund.length === 0 && !lock.sigAll;
  if (key === undefined || !isPlain || option.tags.some(([name]) => name !== "locktime")) return notPayable("The request asks for a lock that is not supported.");
  return { key, until: lock.locktime ?? 0 };
}

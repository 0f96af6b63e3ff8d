// A batch of paper vouchers (docs/formats/voucher.md): scanned one after the other, changed into own coins in one request. A
// voucher brings no proof, so that the mint says which count.

import { isError } from "@amparo/cashu/errors.ts";
import { statesOf } from "@amparo/purse/ask.ts";
import { isClosed } from "@amparo/purse/calendar.ts";
import { MOST_AT_ONCE, type Purse } from "@amparo/purse/purse.ts";

import type { BadVoucher, Batch } from "./model.ts";
import { partName, partsOf, settleSales, takeNumber } from "./sales.ts";
import type { Offered, Taking } from "./till_taking.ts";

interface Scanned {
  place: number;
  offered: Offered;
}

/** The batch that is being scanned. It is in memory only: paper can be scanned again. */
export class Vouchers {
  readonly #purse: Purse;
  readonly #taking: Taking;
  #number: number | null = null;
  #count = 0;
  #good: Scanned[] = [];
  #bad: BadVoucher[] = [];

  constructor(purse: Purse, taking: Taking) {
    this.#purse = purse;
    this.#taking = taking;
  }

  get batch(): Batch {
    const sum = this.#good.reduce((all, { offered }) => all + offered.amount, 0);
    return { sum, count: this.#good.length, bad: [...this.#bad] };
  }

  drop(): void {
    this.#number = null;
    this.#count = 0;
    this.#good = [];
    this.#bad = [];
  }

  async add(code: string, unit: string): Promise<Batch> {
    const place = (this.#count += 1);
    let amount = 0;
    try {
      const offered = this.#taking.read(code);
      amount = offered.amount;
      const reason = await this.#reason(offered, unit);
      if (reason) this.#bad.push({ place, amount, reason });
      else this.#good.push({ place, offered });
    } catch (error) {
      if (!isError(error)) throw error;
      if (error.code === "service.unreachable") {
        this.#count -= 1;
        throw error;
      }
      this.#bad.push({ place, amount, reason: error.code === "till.taken_before" ? "taken" : "false" });
    }
    return this.batch;
  }

  async #reason(offered: Offered, unit: string): Promise<BadVoucher["reason"] | null> {
    const { token, points } = offered;
    if (this.#good.some((other) => other.offered.points.some((point) => points.includes(point)))) return "twice";
    if (token.unit !== unit || this.#taking.isLocked(offered)) return "false";
    for (const proof of token.proofs) {
      await this.#purse.keys.checkKnown(proof, unit);
      if (isClosed(await this.#purse.keys.keyset(proof.id), this.#purse.now())) return "ended";
    }
    return null;
  }

  /** Changes all good ones into own coins; those that the mint has seen before are listed. Safe to repeat: what was sent is
   * finished first. */
  async finish(unit: string): Promise<Batch> {
    await this.#purse.recover();
    const number = (this.#number ??= await this.#purse.vault.change(takeNumber));
    const done = () => new Set(partsOf(this.#purse.vault, number).flatMap(({ points }) => points));
    const open = this.#good.filter(({ offered }) => !offered.points.some((point) => done().has(point)));
    const usable = await this.#unspent(open);
    for (let at = 0, part = partsOf(this.#purse.vault, number).length; at < usable.length; part++) {
      const some = upTo(usable.slice(at), MOST_AT_ONCE);
      await this.#change(some, unit, partName(number, part + 1), number);
      at += some.length;
    }
    await this.#taking.noteContact();
    await this.#purse.vault.change(settleSales);
    return this.batch;
  }

  async #unspent(scanned: readonly Scanned[]): Promise<Scanned[]> {
    const usable: Scanned[] = [];
    for (const each of scanned) {
      const states = await statesOf(this.#purse.mint, each.offered.token.proofs, { chance: this.#purse.chance });
      if (states.every((state) => state === "UNSPENT")) usable.push(each);
      else this.#refuse(each);
    }
    return usable;
  }

  #refuse(scanned: Scanned): void {
    this.#good = this.#good.filter((each) => each !== scanned);
    this.#bad.push({ place: scanned.place, amount: scanned.offered.amount, reason: "spent" });
  }

  async #change(scanned: readonly Scanned[], unit: string, name: string, number: number): Promise<void> {
    const proofs = scanned.flatMap(({ offered }) => offered.token.proofs);
    const together: Offered = {
      code: "",
      token: { mint: this.#purse.mint.base, unit, proofs },
      amount: scanned.reduce((sum, { offered }) => sum + offered.amount, 0),
      points: scanned.flatMap(({ offered }) => offered.points),
    };
    const part = this.#taking.part({ number, unit }, together, { voucher: true });
    await this.#purse.receive(proofs, unit, { hurry: true, done: [[name, part]] });
  }
}

/** The first of these whose coins are together at most `most`. */
function upTo(scanned: readonly Scanned[], most: number): Scanned[] {
  let coins = 0;
  return scanned.filter(({ offered }, place) => (coins += offered.token.proofs.length) <= most || place === 0);
}

// A household's wallet: its key, its papers from the office, its purse. Twin of amparo_wallet.wallet; `WalletApi` in model.ts says
// what each part promises.
//
// Claims and payments are kept apart in time, because the office knows who claims: aid is paid after the claiming window, a random
// while later, coins are not exchanged beside a claim, and nothing is claimed beside an exchange. What comes too early rejects with
// a `Resting` error that says when; `hurry` goes on at once.

import { systemChance } from "@amparo/purse/chance.ts";
import { USUAL_LOCK } from "@amparo/purse/calendar.ts";
import { nextEndOf, endOf } from "@amparo/purse/claiming.ts";
import { Purse } from "@amparo/purse/purse.ts";
import { recoveryCode, testCode } from "@amparo/purse/recovery.ts";
import { Resting } from "@amparo/purse/errors.ts";
import type { FilterShelf } from "@amparo/purse/filters.ts";
import { Restorer } from "@amparo/purse/restore.ts";
import { renew, resplit } from "@amparo/purse/upkeep.ts";
import { qrText } from "@amparo/cashu/recovery_code.ts";

import { clearLines } from "./activity_list.ts";
import { Glance, keepEnds } from "./glance.ts";
import type * as model from "./model.ts";
import { LATEST_HOURS, Office, keepQuoteRoot } from "./wallet_office.ts";
import { Payments } from "./wallet_pay.ts";

export class Wallet extends Glance implements model.WalletApi {
  readonly purse: Purse;
  readonly #office: Office;
  readonly #payments: Payments;
  readonly #restorer: Restorer;
  readonly #filters: FilterShelf | undefined;

  private constructor(purse: Purse, office: Office, filters: FilterShelf | undefined) {
    super(purse.vault, purse.now);
    this.purse = purse;
    this.#office = office;
    this.#filters = filters;
    this.#payments = new Payments(purse, filters);
    this.#restorer = new Restorer(purse, { filters });
  }

  /** The wallet in a vault; an empty vault gets a seed and a key. Reads nothing from the network. */
  static async open(parts: model.WalletParts): Promise<Wallet> {
    const { vault, mint, log, now, chance = systemChance } = parts;
    const purse = await Purse.open({ vault, mint, log, chance, ...(now ? { now } : {}) });
    const office = await Office.open({ purse, office: parts.office, check: parts.check, latestHours: parts.latestHours ?? LATEST_HOURS });
    return new Wallet(purse, office, parts.filters);
  }

  // --- the list
  // ---------------------------------------------------------------------------------------------------------------------

  async clearActivity(): Promise<void> {
    await this.purse.vault.change(clearLines);
  }

  // --- the office
  // -------------------------------------------------------------------------------------------------------------------

  async enrol(code: string): Promise<void> {
    await this.#office.enrol(code);
  }

  async fetchPapers(): Promise<model.Paper[]> {
    return this.#office.fetchPapers();
  }

  async claim(paper: model.Paper, { hurry = false }: model.Hurry = {}): Promise<model.Aid> {
    return this.#office.claim(paper, hurry);
  }

  // --- paying
  // -----------------------------------------------------------------------------------------------------------------------

  readRequest(text: string): model.Asked {
    return this.#payments.readRequest(text);
  }

  ways(asked: model.Asked): model.Ways {
    return this.#payments.ways(asked);
  }

  waysOf(amount: number, unit: string): model.Ways {
    return this.#payments.waysOf(amount, unit);
  }

  async pay(asked: model.Asked, { plain = false, hurry = false }: model.Hurry & { plain?: boolean } = {}): Promise<model.Payment> {
    return this.#payments.pay(asked, { plain, hurry });
  }

  async payAmount(amount: number, unit: string, { change = false, hurry = false }: model.Hurry & { change?: boolean } = {}): Promise<model.Payment> {
    return this.#payments.payAmount(amount, unit, { change, hurry });
  }

  payment(number: number): model.Payment | null {
    return this.#payments.payment(number);
  }

  async lockAhead(amount: number, unit: string, shopKey: string, options: model.Hurry & { until?: number } = {}): Promise<model.Entry> {
    const { hurry = false, until = this.purse.now() + USUAL_LOCK } = options;
    const { number, kind, state } = await this.#payments.lockAhead(amount, unit, shopKey, { hurry, until, spread: true });
    return { number, kind, state, amount, unit, until };
  }

  async arrived(number: number): Promise<void> {
    await this.#payments.arrived(number);
  }

  async look(number: number, { ask = false }: { ask?: boolean } = {}): Promise<boolean> {
    return this.#payments.look(number, ask);
  }

  async takeBack(number: number, { hurry = false }: model.Hurry = {}): Promise<model.TakenBack> {
    return this.#payments.takeBack(number, hurry);
  }

  // --- receiving
  // --------------------------------------------------------------------------------------------------------------------

  async readCode(text: string): Promise<model.Incoming> {
    return this.#payments.readCode(text);
  }

  async receive(text: string, { hurry = false }: model.Hurry = {}): Promise<number> {
    return this.#payments.receive(text, hurry);
  }

  // --- the recovery code
  // --------------------------------------------------------------------------------------------------------------

  recoveryCode(): string {
    return recoveryCode(this.purse);
  }

  recoveryQr(): string {
    return qrText(recoveryCode(this.purse));
  }

  async testRecovery(typed: string): Promise<void> {
    await testCode(this.purse, typed);
  }

  isRestoring(): boolean {
    return this.#restorer.isBegun;
  }

  async beginRestore(code: string, { hurry = false, keepCode = false }: model.Hurry & { keepCode?: boolean } = {}): Promise<void> {
    await keepQuoteRoot(this.purse.vault, code);
    await this.#restorer.begin(code, { hurry, keepCode });
    await this.purse.recover(false);
  }

  async restoreStep({ hurry = false }: model.Hurry = {}): Promise<model.Progress> {
    return this.#restorer.step({ hurry });
  }

  // --- by itself
  // ----------------------------------------------------------------------------------------------------------------------

  async recover(): Promise<number> {
    return this.purse.recover();
  }

  /** By the log, where the store alone knows it as it was kept last. */
  override nextEnd(unit: string): model.End | null {
    return nextEndOf(this.purse, unit);
  }

  async keepEnds(): Promise<void> {
    await keepEnds(this.purse.vault, (keyset) => endOf(this.purse, keyset));
  }

  async upkeep(unit: string): Promise<model.Upkeep> {
    const { purse } = this;
    const finished = await purse.recover();
    const confirmed = await this.#payments.lookAtAll(unit);
    const found = { finished, confirmed, ...(await this.#exchanges(unit)) };
    await this.#filters?.fetch(purse.mint, purse.keys, purse.now());
    return found;
  }

  /** What exchanges coins, unless it is too soon after a claim. */
  async #exchanges(unit: string): Promise<Pick<model.Upkeep, "renewal" | "back" | "resplit" | "notBefore">> {
    const { purse } = this;
    try {
      const renewal = await renew(purse, unit);
      const back = await this.#payments.takeBackLate(unit);
      const split = await resplit(purse, unit);
      return { renewal, back, resplit: split, notBefore: split.notBefore };
    } catch (error) {
      if (!(error instanceof Resting)) throw error;
      const renewal = { renewed: 0, ended: purse.balance(unit, "ended"), waiting: 0 };
      return { renewal, back: 0, resplit: { broken: null, notBefore: error.until }, notBefore: error.until };
    }
  }
}

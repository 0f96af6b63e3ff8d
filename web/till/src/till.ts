// One shop's till: a payment request, payments taken with a connection or without one, deposits, refunds, the day. Twin of
// amparo_till.till; `TillApi` in model.ts says what each part promises.

import { hex, unhex } from "@amparo/cashu/bytes.ts";
import { generatorTimes, scalarOf, showPoint } from "@amparo/cashu/curve.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { withoutDleq, writeToken } from "@amparo/cashu/nut00_token.ts";
import { readLock, signLock } from "@amparo/cashu/nut10_secret.ts";
import { writeRequestB } from "@amparo/cashu/nut26_request.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { pointOf } from "@amparo/purse/ask.ts";
import { USUAL_LOCK, isClosed } from "@amparo/purse/calendar.ts";
import type { FilterShelf } from "@amparo/purse/filters.ts";
import { Purse } from "@amparo/purse/purse.ts";
import { allCoins, coin, dropCoins, total } from "@amparo/purse/store.ts";
import type { Reader } from "@amparo/purse/vault.ts";

import { Glance, hoursAlone, keptEnrolment } from "./glance.ts";
import type * as model from "./model.ts";
import * as sales from "./sales.ts";
import type { Open } from "./sales.ts";
import { Deposits } from "./till_deposit.ts";
import { writeEnrolment } from "./till_settings.ts";
import { Taking } from "./till_taking.ts";
import { Vouchers } from "./till_vouchers.ts";

const PRACTICE = /^AMPARO-PRACTICE:([a-z0-9_-]+):([0-9]+):([0-9a-f]+)$/;

interface Given extends model.Refund {
  secrets: readonly string[];
}

export class Till extends Glance implements model.TillApi {
  readonly purse: Purse;
  readonly lockKey: string;
  readonly #secret: Uint8Array;
  readonly #filters: FilterShelf | undefined;
  readonly #taking: Taking;
  readonly #deposits: Deposits;
  readonly #vouchers: Vouchers;

  private constructor(purse: Purse, parts: model.TillParts, kept: model.Enrolment) {
    super(purse.vault, purse.now);
    this.purse = purse;
    this.#secret = unhex(kept.lockKey ?? "");
    this.lockKey = showPoint(generatorTimes(this.#secret));
    this.#filters = parts.filters;
    const open = (proof: Proof) => this.#opened(proof);
    this.#taking = new Taking({ purse, filters: parts.filters, lockKey: this.lockKey, open, limits: () => this.enrolment.limits });
    this.#deposits = new Deposits({ purse, shops: parts.shops, shop: kept.shop, open });
    this.#vouchers = new Vouchers(purse, this.#taking);
  }

  /** The till in a vault. `enrolment` (from `readEnrolment`) makes an empty vault a till of that shop; again with the same shop it
   * renews access, addresses and limits. Reads nothing from the network. Rejects with `till.not_enrolled`, `till.other_shop`. */
  static async open(parts: model.TillParts, enrolment: model.Enrolment | null = null): Promise<Till> {
    const { vault, mint, log, now, chance } = parts;
    const purse = await Purse.open({ vault, mint, log, ...(now ? { now } : {}), ...(chance ? { chance } : {}) });
    const kept = await vault.change((draft) => {
      const known = keptEnrolment(draft);
      if (!enrolment) return known ?? fail("till.not_enrolled", "This is no till yet.");
      if (known && known.shop !== enrolment.shop) fail("till.other_shop", "This is the till of another shop.");
      const lockKey = known?.lockKey ?? enrolment.lockKey ?? hex(scalarOf(BigInt(`0x${hex(crypto.getRandomValues(new Uint8Array(32)))}`)));
      const made = { ...enrolment, lockKey };
      draft.put("till", made);
      if (!known) draft.put("contact", purse.now());
      return made;
    });
    return new Till(purse, parts, kept);
  }

  get #kept(): model.Enrolment {
    return keptEnrolment(this.purse.vault) ?? fail("till.not_enrolled", "This is no till yet.");
  }

  secondTill(): string {
    return writeEnrolment(this.#kept);
  }

  async setLimits(limits: model.Limits): Promise<void> {
    await this.purse.vault.change((draft) => draft.put("till", { ...this.#kept, limits }));
  }

  /** A coin that is locked to this shop, signed; another as it is. */
  #opened(proof: Proof): Proof {
    return readLock(proof.secret)?.keys.includes(this.lockKey) ? signLock(proof, this.#secret) : proof;
  }

  // --- a sale
  // -------------------------------------------------------------------------------------------------------------------------

  async begin(amount: number, unit: string, { practice = false }: { practice?: boolean } = {}): Promise<model.OpenSale> {
    if (!Number.isSafeInteger(amount) || amount <= 0) fail("till.no_sale", "A sale has an amount.");
    if (!this.enrolment.units.includes(unit)) fail("token.unit_unknown", "This shop is not paid in this unit.");
    await this.purse.vault.change((draft) => {
      const known = sales.openSale(draft);
      if (known && sales.partsOf(draft, known.number).length > 0) fail("till.no_sale", "A sale is partly paid.");
      const id = hex(crypto.getRandomValues(new Uint8Array(4)));
      const open: Open = { number: sales.takeNumber(draft), unit, amount, practice, id, until: this.purse.now() + USUAL_LOCK };
      draft.put("open", open);
      sales.settleSales(draft); // what came in late for the dropped one
    });
    return this.sale() ?? fail("till.no_sale", "No sale is open.");
  }

  sale(): model.OpenSale | null {
    const open = sales.openSale(this.purse.vault);
    if (!open) return null;
    const { number, unit, amount, practice } = open;
    const paid = this.#taking.paidOf(this.purse.vault, open);
    const found = { number, unit, amount, practice, paid, parts: sales.partsOf(this.purse.vault, number).length, request: this.#request(open, amount - paid) };
    if (paid < amount) return found;
    const taken = this.#taken(open, amount);
    // As when it is taken: what the mint has not confirmed counts only within the limits.
    return { ...found, taken: taken.confirmed || this.#isWithin(open, 0) ? taken : { ...taken, state: "unknown" } };
  }

  /** What the customer scans: exactly what is missing, locked to this shop for so long that it can be taken without a connection.
   * It says nothing of the shop but its key. */
  #request({ id, unit, practice, until }: Open, missing: number): string {
    if (missing <= 0) return "";
    if (practice) return `AMPARO-PRACTICE-REQUEST:${unit}:${missing}`; // no wallet pays this
    const lock = { kind: "P2PK", data: this.lockKey, tags: [["locktime", String(until)]] };
    return writeRequestB({ id, amount: missing, unit, mints: [this.purse.mint.base], transports: [], singleUse: true, lock });
  }

  async take(code: string, { online }: { online: boolean }): Promise<model.Taken> {
    const open = sales.openSale(this.purse.vault) ?? fail("till.no_sale", "No sale is open.");
    const missing = open.amount - this.#taking.paidOf(this.purse.vault, open);
    const practised = PRACTICE.exec(code.trim());
    if (practised && !open.practice) fail("till.practice_code", "This is a practice code without value.");
    if (!practised && open.practice) fail("till.practice_only", "A practice sale takes practice codes only.");
    if (practised) return this.#practise(open, practised, missing);
    const offered = this.#taking.read(code);
    if (offered.token.unit !== open.unit) fail("token.units_differ", "The code is of another unit.");
    if (offered.amount > missing) fail("till.wrong_amount", "The code pays more than is missing.", { amount: offered.amount, missing });
    const isKnown = this.#taking.isLocked(offered) ? await this.#takeLocked(open, offered, online) : await this.#takePlain(open, offered, online);
    return isKnown ? this.#taken(open, offered.amount) : { state: "unknown", confirmed: false, amount: offered.amount, missing };
  }

  /** Whether the code counts now: it does once it is stored within the limits, or confirmed. */
  async #takeLocked(open: Open, offered: Parameters<Taking["store"]>[1], online: boolean): Promise<boolean> {
    await this.#taking.check(offered, open.unit);
    if (!online) this.#taking.checkLimits(open, offered.amount);
    const isWithin = online && this.#isWithin(open, offered.amount);
    await this.#taking.store(open, offered);
    if (!online) return true;
    return (await this.#taking.confirm(open, offered)) || isWithin;
  }

  #isWithin(open: Open, amount: number): boolean {
    const { perSale, stored, hours } = this.enrolment.limits;
    return open.amount <= perSale && total(sales.storedCoins(this.purse.vault, open.unit)) + amount <= stored && hoursAlone(this.purse.vault, this.purse.now()) <= hours;
  }

  async #takePlain(open: Open, offered: Parameters<Taking["receive"]>[1], online: boolean): Promise<boolean> {
    if (!online) fail("till.not_locked_to_this_shop", "Without a connection only codes locked to this shop are safe.");
    return this.#taking.receive(open, offered);
  }

  #taken(open: Open, amount: number): model.Taken {
    const missing = open.amount - this.#taking.paidOf(this.purse.vault, open);
    const confirmed = !allCoins(this.purse.vault).some(({ label }) => label === sales.labelOf(open.number));
    return { state: missing === 0 ? "paid" : "partly", confirmed, amount: missing === 0 ? open.amount : amount, missing };
  }

  async #practise(open: Open, [, unit, digits, nonce]: RegExpExecArray, missing: number): Promise<model.Taken> {
    const amount = Number(digits);
    if (unit !== open.unit) fail("token.units_differ", "The code is of another unit.");
    if (amount > missing) fail("till.wrong_amount", "The code pays more than is missing.", { amount, missing });
    const points = [`practice ${nonce}`];
    await this.purse.vault.change((draft) => {
      this.#taking.checkFresh(draft, points);
      const part = { sale: open.number, unit: open.unit, amount, points, keysets: [], code: "", at: this.purse.now(), voucher: false, practice: true, counted: false, over: false };
      draft.put(sales.nextPart(draft, open.number), part satisfies sales.Part);
    });
    return { ...this.#taken(open, amount), confirmed: false };
  }

  practiceCode(amount: number, unit: string): string {
    return `AMPARO-PRACTICE:${unit}:${amount}:${hex(crypto.getRandomValues(new Uint8Array(8)))}`;
  }

  async cancel(): Promise<model.Cancelled> {
    return this.purse.vault.change((draft) => {
      const open = sales.openSale(draft);
      if (!open) return { codes: [], refund: 0 };
      const codes: string[] = [];
      let refund = 0;
      const label = sales.labelOf(open.number);
      const stored = allCoins(draft).filter((each) => each.label === label && !each.busy);
      for (const name of draft.names(sales.partName(open.number, 0).slice(0, -4))) {
        const part = draft.read<sales.Part>(name);
        if (!part || part.practice) continue;
        const coins = stored.filter(({ proof }) => part.points.includes(pointOf(proof)));
        if (part.code && total(coins) === part.amount) {
          // Nobody has handed it in: it is the customer's again, and can be shown here again.
          dropCoins(draft, coins.map(({ proof }) => proof.secret));
          draft.drop(name);
          codes.push(part.code);
        } else {
          refund += part.amount;
        }
      }
      draft.drop("open");
      sales.settleSales(draft);
      return { codes, refund };
    });
  }

  async finish(): Promise<void> {
    await this.purse.vault.change((draft) => {
      draft.drop("open");
      sales.settleSales(draft);
    });
  }

  async forgetSpent(): Promise<void> {
    await this.purse.vault.change((draft) => {
      sales.settleSales(draft);
      sales.forgetSpent(draft);
    });
  }

  // --- vouchers
  // -----------------------------------------------------------------------------------------------------------------------

  async addVoucher(code: string, unit: string): Promise<model.Batch> {
    return this.#vouchers.add(code, unit);
  }

  batch(): model.Batch {
    return this.#vouchers.batch;
  }

  async finishBatch(unit: string): Promise<model.Batch> {
    return this.#vouchers.finish(unit);
  }

  dropBatch(): void {
    this.#vouchers.drop();
  }

  // --- with a connection
  // --------------------------------------------------------------------------------------------------------------

  async recover(): Promise<number> {
    const finished = await this.purse.recover();
    await this.#taking.lookAgain();
    await this.purse.vault.change(sales.settleSales);
    return finished;
  }

  async deposit(unit: string): Promise<model.DepositReport> {
    const report = await this.#deposits.deposit(unit);
    await this.#taking.noteContact();
    return report;
  }

  async standing(unit: string): Promise<model.Standing> {
    return this.#deposits.standing(unit);
  }

  lastStanding(unit: string): model.Standing | null {
    return this.#deposits.lastStanding(unit);
  }

  async askSettlement(unit: string, amount: number): Promise<model.Standing> {
    return this.#deposits.askSettlement(unit, amount);
  }

  async refund(amount: number, unit: string): Promise<model.Refund> {
    const stored = () => sales.storedCoins(this.purse.vault, unit).filter((each) => !each.busy);
    const own = this.purse.balance(unit);
    if (own + total(stored()) === 0) fail("till.nothing_to_refund", "This till has no money of its own.");
    if (own < amount && own + total(stored()) >= amount) await this.#changeStored(unit, amount - own);
    await this.purse.makeExact(amount, unit, { hurry: true });
    const pick = (reader: Reader) => this.purse.exactly(this.purse.spendable(unit, amount, true, reader), amount);
    return this.purse.hand(pick, (draft, coins) => {
      const number = sales.takeNumber(draft);
      const code = writeToken({ mint: this.purse.mint.base, unit, proofs: coins.map(({ proof }) => withoutDleq(proof)) });
      const given: Given = { number, code, amount, unit, secrets: coins.map(({ proof }) => proof.secret) };
      draft.put(`refund/${number}`, given);
      sales.addToDay(draft, unit, { refunds: 1, refunded: amount });
      return { number, code, amount, unit };
    });
  }

  /** Changes stored sales into own coins until there is so much more. */
  async #changeStored(unit: string, missing: number): Promise<void> {
    const coins = sales.storedCoins(this.purse.vault, unit).filter((each) => !each.busy);
    let sum = 0;
    const some = coins.filter(({ proof }, place) => place < 100 && sum < missing && (sum += proof.amount) > 0);
    await this.purse.renewAll(some.map(({ proof }) => this.#opened(proof)), unit);
    await this.purse.vault.change(sales.settleSales);
  }

  refunds(): model.Refund[] {
    return this.purse.vault.names("refund/").map((name) => {
      const { number, code, amount, unit } = this.purse.vault.read<Given>(name) as Given; // a name that is listed has a content
      return { number, code, amount, unit };
    });
  }

  async refundArrived(number: number): Promise<void> {
    await this.purse.vault.change((draft) => {
      dropCoins(draft, draft.read<Given>(`refund/${number}`)?.secrets ?? []);
      draft.drop(`refund/${number}`);
    });
  }

  async takeBackRefund(number: number): Promise<number> {
    const given = this.purse.vault.read<Given>(`refund/${number}`);
    const coins = (given?.secrets ?? []).flatMap((secret) => coin(this.purse.vault, secret) ?? []);
    if (!given || coins.length === 0) return 0;
    if (coins.some(({ busy }) => busy)) fail("purse.coins_busy", "This is being asked already; `recover` finishes it.");
    const over = [`refund/${number}`, undefined] as const;
    const back = await this.purse.bringBack(coins.map(({ proof }) => proof), given.unit, {
      hurry: true,
      taken: [over],
      back: (sum) => [over, sales.returned(number, given.unit, sum, sum === given.amount)],
    });
    await this.purse.vault.change(sales.settleSales);
    return back;
  }

  async upkeep(): Promise<void> {
    const { keys, mint, vault } = this.purse;
    const now = this.purse.now();
    await this.#filters?.fetch(mint, keys, now);
    await keys.refresh();
    await this.#taking.noteContact();
    await vault.change((draft) => {
      sales.settleSales(draft);
      sales.forgetClosed(draft, (id) => {
        const keyset = keys.view().keyset(id);
        return keyset !== undefined && isClosed(keyset, now);
      });
    });
  }

  // --- the day
  // ------------------------------------------------------------------------------------------------------------------------

  async closeDay(unit: string): Promise<model.Day> {
    return this.purse.vault.change((draft) => {
      sales.settleSales(draft);
      return sales.closeDay(draft, unit);
    });
  }
}

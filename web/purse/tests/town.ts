// A town for tests: a log and a mint on paper, which signs for real, and devices that can die at any step. Used by the tests of
// purse, wallet and till.

import { hex, joined, numberOf, utf8 } from "@amparo/cashu/bytes.ts";
import { ORDER, add, generatorTimes, hashToCurve, multiply, readPoint, scalarOf, showPoint } from "@amparo/cashu/curve.ts";
import { keysetId } from "@amparo/cashu/nut02_keyset.ts";
import { checkLocks } from "@amparo/cashu/nut10_secret.ts";
import { challenge } from "@amparo/cashu/nut12_dleq.ts";
import { checkClaim } from "@amparo/cashu/nut20_quote.ts";
import { AmparoError } from "@amparo/cashu/errors.ts";
import type { BlindSignature, BlindedMessage, ClaimQuote, MeltQuote, Proof } from "@amparo/cashu/wire.ts";
import type { KeysetAnnounced } from "@amparo/log/messages.ts";
import { LogView } from "@amparo/log/view.ts";
import { sha256 } from "@noble/hashes/sha2.js";

import { MemoryBackend } from "../src/backend.ts";
import { chanceOf } from "../src/chance.ts";
import { Client, type Fetch } from "../src/client.ts";
import type { Log } from "../src/keys.ts";
import type { Chance } from "../src/model.ts";
import { askQuote } from "../src/claiming.ts";
import { Purse } from "../src/purse.ts";
import { allCoins, journal } from "../src/store.ts";
import { Vault } from "../src/vault.ts";

export const NOON = 1_793_534_400; // 2026-11-01T12:00:00Z
export const MINT = "https://mint.test";
const DENOMINATIONS = Array.from({ length: 14 }, (_, power) => 2 ** power);
let made = 0;

/** Chance that is the same in every run. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return chanceOf((count) => {
    // Mulberry32: small, and good enough to choose by.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  });
}

/** A keyset with its secret keys. */
export class Coiner {
  readonly unit: string;
  readonly id: string;
  readonly keys: Record<string, string>;
  readonly announced: KeysetAnnounced;
  readonly #secrets = new Map<number, Uint8Array>();

  constructor(unit: string, { ends = null, from = null }: { ends?: number | null; from?: number | null } = {}) {
    made += 1;
    for (const amount of DENOMINATIONS) this.#secrets.set(amount, scalarOf(numberOf(sha256(utf8(`key ${made} ${unit} ${amount}`)))));
    this.unit = unit;
    this.keys = Object.fromEntries(DENOMINATIONS.map((amount) => [String(amount), showPoint(generatorTimes(this.#secret(amount)))]));
    this.id = keysetId(this.keys, { unit, final_expiry: ends ?? undefined });
    this.announced = { kind: "keyset-announced", keyset: this.id, unit, keys: this.keys, final_expiry: ends, active_from: from };
  }

  #secret(amount: number): Uint8Array {
    const found = this.#secrets.get(amount);
    if (!found) throw new Error(`no key for ${amount}`);
    return found;
  }

  sign({ amount, B_ }: BlindedMessage): BlindSignature {
    const [secret, point] = [this.#secret(amount), readPoint(B_)];
    const signed = multiply(point, secret);
    const nonce = scalarOf(numberOf(sha256(joined(utf8(B_), secret))));
    const e = challenge(generatorTimes(nonce), multiply(point, nonce), generatorTimes(secret), signed);
    const s = scalarOf((numberOf(nonce) + numberOf(e) * numberOf(secret)) % ORDER);
    return { amount, id: this.id, C_: showPoint(signed), dleq: { e: hex(e), s: hex(s) } };
  }

  isGenuine({ amount, secret, C }: Proof): boolean {
    return showPoint(multiply(hashToCurve(utf8(secret)), this.#secret(amount))) === C;
  }

  /** A coin from nowhere, as another wallet would have got it: with its proof unless it is for paper. */
  coin(amount: number, secret = hex(crypto.getRandomValues(new Uint8Array(32))), { proved = true } = {}): Proof {
    const factor = scalarOf(numberOf(sha256(utf8(`factor ${secret}`))));
    const blinded = add(hashToCurve(utf8(secret)), generatorTimes(factor));
    const { dleq } = this.sign({ amount, id: this.id, B_: showPoint(blinded) });
    const C = showPoint(multiply(hashToCurve(utf8(secret)), this.#secret(amount)));
    return { amount, id: this.id, secret, C, ...(proved && dleq ? { dleq: { ...dleq, r: hex(factor) } } : {}) };
  }
}

/** The public log on paper. */
export class PaperLog implements Log {
  away = false;
  #view = new LogView();
  #entries: KeysetAnnounced[] = [];

  publish(body: KeysetAnnounced): void {
    this.#entries.push(body);
    const kept = this.#entries.map((each, index) => ({ index, at: "2026-10-01T00:00:00Z", body: each }));
    this.#view = new LogView(undefined, { size: kept.length, lastAt: "2026-10-01T00:00:00Z", publishers: {}, kept: { "keyset-announced": kept } });
  }

  view(): LogView {
    return this.#view;
  }

  async refresh(): Promise<LogView> {
    if (this.away) throw new AmparoError("service.unreachable", "away");
    return this.#view;
  }
}

type Refusal = readonly [number: number, detail: string];
const isRefusal = (found: unknown): found is Refusal => Array.isArray(found) && typeof found[0] === "number";
const pointOf = (proof: Proof) => showPoint(hashToCurve(utf8(proof.secret)));

/** A mint that signs for real and keeps its books in memory. */
export class PaperMint {
  away = false;
  slow = false;
  /** Refuses deposits, as the shops side would. */
  refusesDeposits = false;
  windowEnds = 0;
  readonly log: PaperLog;
  now = NOON;
  readonly coiners = new Map<string, Coiner>();
  readonly active = new Map<string, string>();
  readonly spent = new Map<string, number>();
  readonly signed = new Map<string, BlindSignature>();
  readonly quotes = new Map<string, ClaimQuote>();
  readonly deposits = new Map<string, MeltQuote>();
  readonly pending = new Map<string, readonly Proof[]>();
  readonly asked: string[] = [];
  /** Answers by request (NUT-19). */
  readonly served = new Map<string, unknown>();
  issued = 0;
  redeemed = 0;

  constructor(log: PaperLog) {
    this.log = log;
  }

  /** A new keyset; the one before signs no more. */
  rotate(unit: string, terms: { ends?: number | null; from?: number | null } = {}): Coiner {
    const coiner = new Coiner(unit, terms);
    this.coiners.set(coiner.id, coiner);
    this.active.set(unit, coiner.id);
    this.log.publish(coiner.announced);
    return coiner;
  }

  readonly fetch: Fetch = async (url, init) => {
    await Promise.resolve();
    if (this.away) throw new TypeError("fetch failed");
    const path = url.slice(MINT.length);
    const body = String(init.body ?? "");
    this.asked.push(path);
    const key = `${path} ${body}`;
    const found = this.served.get(key) ?? this.#answer(path, body, key);
    const shown = typeof found === "string" ? this.deposits.get(found) : found;
    if (isRefusal(shown)) return Response.json({ code: shown[0], detail: shown[1] }, { status: 400 });
    return Response.json(shown);
  };

  #answer(path: string, body: string, key: string): unknown {
    const asked = body ? JSON.parse(body) : {};
    const [, , what, ...rest] = path.split("/");
    if (path === "/v1/keysets") {
      const active = new Set(this.active.values());
      return { keysets: [...this.coiners.values()].map(({ id, unit }) => ({ id, unit, active: active.has(id) })) };
    }
    if (path === "/v1/checkstate") return { states: asked.Ys.map((Y: string) => ({ Y, state: this.stateOf(Y) })) };
    if (path === "/v1/restore") {
      const known = asked.outputs.filter((each: BlindedMessage) => this.signed.get(each.B_)?.id === each.id);
      return { outputs: known, signatures: known.map((each: BlindedMessage) => this.signed.get(each.B_)) };
    }
    if (path === "/v1/mint/quote/benefit") return this.#quote(asked);
    if (path.startsWith("/v1/mint/quote/benefit/")) return this.quotes.get(rest.at(-1) ?? "") ?? [20007, "There is no such quote."];
    if (path === "/v1/mint/benefit") return this.#issue(asked, key);
    if (what === "swap") return this.#swap(asked, key);
    if (path === "/v1/melt/quote/settle") return this.#depositQuote(asked);
    if (path.startsWith("/v1/melt/quote/settle/")) return this.deposits.get(rest.at(-1) ?? "") ?? [20007, "There is no such quote."];
    if (path === "/v1/melt/settle") return this.#deposit(asked, key);
    return [12001, "There is nothing here."];
  }

  stateOf(point: string): "SPENT" | "PENDING" | "UNSPENT" {
    if (this.spent.has(point)) return "SPENT";
    return [...this.pending.values()].some((proofs) => proofs.some((proof) => pointOf(proof) === point)) ? "PENDING" : "UNSPENT";
  }

  /** The office says that a quote is paid. */
  pay(name: string): void {
    const quote = this.quotes.get(name);
    if (quote) this.quotes.set(name, { ...quote, amount_paid: quote.amount });
  }

  /** A deposit that waited is settled, or given back. */
  settle(name: string, paid: boolean): void {
    const proofs = this.pending.get(name) ?? [];
    this.pending.delete(name);
    const quote = this.deposits.get(name);
    if (quote) this.deposits.set(name, { ...quote, state: paid ? "PAID" : "UNPAID" });
    if (!paid) return;
    for (const proof of proofs) this.#spend(proof);
    this.redeemed += proofs.reduce((sum, proof) => sum + proof.amount, 0);
  }

  #quote({ unit, amount, pubkey }: { unit: string; amount: number; pubkey: string }): ClaimQuote {
    const quote = `q${this.quotes.size}`;
    const now = { quote, request: quote, unit, method: "benefit", amount, amount_paid: 0, amount_issued: 0, updated_at: 0, pubkey };
    const made: ClaimQuote = { ...now, crowd: 12, crowd_needed: 10, window_ends: this.windowEnds };
    this.quotes.set(quote, made);
    return made;
  }

  #issue({ quote: name, outputs, signature }: { quote: string; outputs: BlindedMessage[]; signature: string }, key: string): unknown {
    const quote = this.quotes.get(name);
    if (!quote) return [20007, "There is no such quote."];
    if (quote.amount_paid === 0) return [20001, "The quote is not paid yet."];
    if (quote.amount_issued > 0) return [20002, "The quote was already issued."];
    checkClaim(name, outputs, signature, quote.pubkey ?? "");
    if (outputs.reduce((sum, each) => sum + each.amount, 0) !== quote.amount) return [11005, "It does not add up."];
    const answer = this.#sign(outputs, key);
    if (!isRefusal(answer)) {
      this.quotes.set(name, { ...quote, amount_issued: quote.amount });
      this.issued += quote.amount;
    }
    return answer;
  }

  #sign(outputs: readonly BlindedMessage[], key: string): unknown {
    const active = new Set(this.active.values());
    if (outputs.some((each) => !active.has(each.id))) return [12002, "The keyset of an output no longer signs."];
    if (outputs.some((each) => this.signed.has(each.B_))) return [11003, "An output was already signed."];
    const signatures = outputs.map((each) => this.coiners.get(each.id)?.sign(each));
    outputs.forEach((each, place) => this.signed.set(each.B_, signatures[place] as BlindSignature));
    const answer = { signatures };
    this.served.set(key, answer);
    return answer;
  }

  #refused(inputs: readonly Proof[]): Refusal | null {
    if (inputs.some((proof) => proof.dleq)) throw new Error("a blinding factor came to the mint");
    if (new Set(inputs.map(pointOf)).size !== inputs.length) return [11007, "A token stands twice."];
    for (const proof of inputs) {
      const coiner = this.coiners.get(proof.id);
      if (!coiner) return [12001, "The keyset is unknown."];
      if (!coiner.isGenuine(proof)) return [10001, "A token is false."];
      if ((coiner.announced.final_expiry ?? Infinity) + 90 * 86_400 <= this.now) return [12003, "A keyset is over."];
      const state = this.stateOf(pointOf(proof));
      if (state === "SPENT") return [11001, "A token was already spent."];
      if (state === "PENDING") return [11002, "A token is in a deposit that is not finished."];
    }
    try {
      checkLocks(inputs, {}, { now: this.now });
    } catch (error) {
      if (!(error instanceof AmparoError)) throw error;
      return [10001, "A lock is not open."];
    }
    return null;
  }

  #spend(proof: Proof): void {
    const point = pointOf(proof);
    if (this.spent.has(point)) throw new Error("a coin was spent twice");
    this.spent.set(point, proof.amount);
  }

  #swap({ inputs, outputs }: { inputs: Proof[]; outputs: BlindedMessage[] }, key: string): unknown {
    const total = (list: readonly { amount: number }[]) => list.reduce((sum, each) => sum + each.amount, 0);
    if (total(inputs) !== total(outputs)) return [11005, "It does not add up."];
    const answer = this.#refused(inputs) ?? this.#sign(outputs, key);
    if (!isRefusal(answer)) for (const proof of inputs) this.#spend(proof);
    return answer;
  }

  #depositQuote({ request, unit, amount }: { request: string; unit: string; amount: number }): unknown {
    if (this.refusesDeposits) return [20004, "The shops side does not take it."];
    const quote = `d${this.deposits.size}`;
    const made: MeltQuote = { quote, request, amount, unit, method: "settle", state: "UNPAID", expiry: 2 ** 40, fee_reserve: 0 };
    this.deposits.set(quote, made);
    return made;
  }

  #deposit({ quote: name, inputs }: { quote: string; inputs: Proof[] }, key: string): unknown {
    const quote = this.deposits.get(name);
    if (!quote) return [20007, "There is no such quote."];
    if (quote.state !== "UNPAID") return [20005, "The deposit was made already."];
    const refused = this.#refused(inputs);
    if (refused) return refused;
    if (inputs.reduce((sum, proof) => sum + proof.amount, 0) !== quote.amount) return [11005, "It does not add up."];
    this.pending.set(name, inputs);
    this.deposits.set(name, { ...quote, state: "PENDING" });
    if (!this.slow) this.settle(name, true);
    this.served.set(key, name); // its name stands for it as it is when it is asked for again
    return name;
  }
}

/** A device dies here. Not one of our errors: nothing may catch it. */
export class PowerCut extends Error {}

/** When a device dies: at its `countdown`-th step. A step is the moment before and after a commit, before a request leaves, and
 * after the other side has carried it out (its answer is lost then). A dead device does nothing more. */
export class Fate {
  countdown: number | null = null;
  dead = false;

  step(): void {
    if (this.dead) throw new PowerCut();
    if (this.countdown === null) return;
    this.countdown -= 1;
    if (this.countdown > 0) return;
    this.countdown = null;
    this.dead = true;
    throw new PowerCut();
  }
}

/** How a network answers: once, or every request arrives twice and the second answer counts. */
export type Wire = "once" | "doubled";

/** A device with a vault. `start` is a start on the same disk. Subclasses say what runs on it. */
export class Device {
  readonly backend = new MemoryBackend();
  readonly town: Town;
  fate = new Fate();
  wire: Wire = "once";
  vault!: Vault; // set by start
  purse!: Purse; // set by start

  constructor(town: Town) {
    this.town = town;
  }

  /** This device's way to a service. */
  way(inner: Fetch): Fetch {
    const { fate } = this;
    return async (url, init) => {
      fate.step();
      if (this.wire === "doubled") await inner(url, init);
      const answer = await inner(url, init);
      fate.step();
      return answer;
    };
  }

  client(): Client {
    return new Client(MINT, { fetch: this.way(this.town.mint.fetch), patience: 0 });
  }

  async start(): Promise<this> {
    this.fate = new Fate();
    const { fate } = this;
    this.backend.step = () => fate.step();
    this.vault = await Vault.open({ backend: this.backend, name: "test" });
    this.purse = await Purse.open({ vault: this.vault, mint: this.client(), log: this.town.log, now: () => this.town.now, chance: this.town.chance });
    return this;
  }

  /** What happens when it is started again after a death. */
  async recover(): Promise<void> {
    await this.purse.recover();
  }

  /** Does something; the device may die at a step of it, and is then started again and recovers. Whether it lived. */
  async attempt(work: () => Promise<unknown>, diesAt: number | null): Promise<boolean> {
    this.fate.countdown = diesAt;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      await this.start();
      await this.recover();
      return false;
    } finally {
      this.fate.countdown = null;
    }
    return true;
  }

  /** What this device's coins of all states are worth at the mint. Those that it would pay with are good. */
  value(): number {
    let sum = 0;
    for (const { proof, state } of allCoins(this.vault)) {
      const isSpent = this.town.mint.stateOf(pointOf(proof)) === "SPENT";
      if (isSpent && (state === "ready" || state === "held")) throw new Error(`a spent coin is ${state}`);
      sum += isSpent ? 0 : proof.amount;
    }
    return sum;
  }

  get waiting(): number {
    return journal(this.vault).length;
  }
}

/** A log, a mint with the keysets of two units, and a clock. */
export class Town {
  readonly log = new PaperLog();
  readonly mint = new PaperMint(this.log);
  readonly chance: Chance;
  food: Coiner;
  readonly rent: Coiner;
  #now = NOON;

  constructor(seed = 1) {
    this.chance = seededChance(seed);
    this.food = this.mint.rotate("food");
    this.rent = this.mint.rotate("rent");
  }

  get now(): number {
    return this.#now;
  }

  set now(moment: number) {
    this.#now = moment;
    this.mint.now = moment;
  }

  /** Whether devices have a connection. */
  connect(connected: boolean): void {
    this.mint.away = this.log.away = !connected;
  }

  async device(): Promise<Device> {
    return new Device(this).start();
  }
}

/** A quote that the office has paid, with its key. */
export async function paidQuote({ purse, town }: Pick<Device, "purse" | "town">, amount: number, unit = "food"): Promise<{ quote: string; amount: number; unit: string; key: Uint8Array }> {
  const key = scalarOf(numberOf(crypto.getRandomValues(new Uint8Array(32))));
  const { quote } = await askQuote(purse, amount, unit, showPoint(generatorTimes(key)));
  town.mint.pay(quote);
  return { quote, amount, unit, key };
}

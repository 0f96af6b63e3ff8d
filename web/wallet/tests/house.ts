// A household's wallet on a device that can die, an office on paper, and a shop's key.

import { generatorTimes, showPoint } from "@amparo/cashu/curve.ts";
import { writeRequestB } from "@amparo/cashu/nut26_request.ts";
import { Client, type Fetch } from "@amparo/purse/client.ts";
import { b64url } from "@amparo/rules/base64.ts";
import { readUnverified } from "@amparo/rules/unverified.ts";

import { Device, MINT, Town } from "../../purse/tests/town.ts";
import type { CheckReceipt, Paper } from "../src/model.ts";
import { Wallet } from "../src/wallet.ts";

export const OFFICE = "https://office.test";
export const SHOP_SECRET = new Uint8Array(32).fill(9);
export const SHOP_KEY = showPoint(generatorTimes(SHOP_SECRET));

/** A paper as the office gives it. Its receipt says what it says; nobody has signed it. */
export function paperOf(cycle: string, amount: number, more: Partial<Paper> = {}): Paper {
  const says = { programme: "bread", cycle, rule_hash: "00", amount, unit: "food" };
  const receipt = `e30.${b64url(new TextEncoder().encode(JSON.stringify(says)))}.c2ln`;
  return { bundle: { receipt }, amount, unit: "food", approved: true, claimed: false, quote: null, ...more };
}

/** Believes every receipt: what a false one does is shown where receipts are checked. */
export const believe: CheckReceipt = async ({ receipt }) => JSON.parse(readUnverified(receipt)) as Awaited<ReturnType<CheckReceipt>>;

/** The office: keeps who enrolled, and pays each cycle into the first quote that is named. */
export class PaperOffice {
  readonly town: Town;
  papers: Paper[] = [];
  readonly holders = new Set<string>();
  readonly paid = new Map<string, string>();
  amount: number | null = null;

  constructor(town: Town) {
    this.town = town;
  }

  readonly fetch: Fetch = async (url, init) => {
    const path = url.slice(OFFICE.length);
    const token = String(init.body);
    const asked = JSON.parse(readUnverified(token)) as { action: string; code?: string; cycle?: string; quote?: string };
    const { kid } = JSON.parse(atob(token.split(".")[0]?.replaceAll("-", "+").replaceAll("_", "/") ?? "")) as { kid: string };
    if (path === "/wallet/enrol") {
      if (asked.code !== "right") return this.#refuse("office.unknown_enrolment_code");
      this.holders.add(kid);
      return Response.json({ enrolled: true });
    }
    if (!this.holders.has(kid)) return this.#refuse("office.holder_unknown");
    if (path === "/wallet/papers") return Response.json(this.papers.map((paper) => ({ ...paper, quote: this.paid.get(cycleOf(paper)) ?? null })));
    return this.#claim(asked.cycle ?? "", asked.quote ?? "");
  };

  #claim(cycle: string, quote: string): Response {
    const paper = this.papers.find((each) => cycleOf(each) === cycle);
    const first = this.paid.get(cycle) ?? quote;
    if (!paper || first !== quote) return this.#refuse("office.already_claimed");
    this.paid.set(cycle, quote);
    this.town.mint.pay(quote);
    return Response.json({ amount: this.amount ?? paper.amount });
  }

  #refuse(code: string): Response {
    return Response.json({ code, what: "No.", why: "", todo: "" }, { status: 409 });
  }
}

function cycleOf(paper: Paper): string {
  return (JSON.parse(readUnverified(paper.bundle.receipt)) as { cycle: string }).cycle;
}

/** A phone with a wallet. */
export class Phone extends Device {
  office!: PaperOffice; // set by phone
  wallet!: Wallet; // set by start

  override async start(): Promise<this> {
    await super.start();
    const { town, vault } = this;
    const office = new Client(OFFICE, { fetch: this.way((url, init) => this.office.fetch(url, init)), patience: 0 });
    this.wallet = await Wallet.open({ vault, office, mint: this.client(), log: town.log, check: believe, now: () => town.now, chance: town.chance, latestHours: 6 });
    this.purse = this.wallet.purse;
    return this;
  }

  override async recover(): Promise<void> {
    await this.wallet.recover();
  }

  /** Aid that is here and can be paid at once. */
  async fill(amount: number): Promise<void> {
    const cycle = `c${this.office.papers.length}`;
    this.office.papers.push(paperOf(cycle, amount));
    await this.wallet.claim(paperOf(cycle, amount), { hurry: true });
  }

  /** Lets the days pass in which nothing is exchanged. */
  rest(): void {
    this.town.now += 3 * 86_400;
  }
}

/** An enrolled phone. */
export async function phone(seed = 1, town = new Town(seed), office = new PaperOffice(town)): Promise<Phone> {
  const made = new Phone(town);
  made.office = office;
  await made.start();
  await made.wallet.enrol("right");
  return made;
}

/** What a till shows. */
export function request(amount: number, { key = SHOP_KEY, until, locked = true, mints = [MINT], to = [] }: { key?: string; until?: number; locked?: boolean; mints?: string[]; to?: { kind: string; target: string; tags: string[][] }[] } = {}): string {
  const tags = until === undefined ? [] : [["locktime", String(until)]];
  return writeRequestB({ id: "ab", amount, unit: "food", mints, transports: to, singleUse: true, lock: locked ? { kind: "P2PK", data: key, tags } : undefined });
}

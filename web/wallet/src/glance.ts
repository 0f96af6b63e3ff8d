// What there is in a wallet, read from the sealed store alone: the first screen needs no curve, no log and no connection.

import { shape, text } from "@amparo/cashu/shapes.ts";
import { nextEnd } from "@amparo/purse/calendar.ts";
import type { End, Now } from "@amparo/purse/model.ts";
import { allCoins, coins, seed } from "@amparo/purse/store.ts";
import type { Reader, Vault } from "@amparo/purse/vault.ts";
import { readUnverified } from "@amparo/rules/unverified.ts";

import { entriesOf, holdingOf, unitsOf } from "./activity_list.ts";
import type { Aid, Entry, GlanceApi, Holding, Paper } from "./model.ts";

/** Programme and cycle. */
export interface Named {
  programme: string;
  cycle: string;
}

/** A quote of this wallet: the key it is bound to (hex), whether its coins were taken, and what the mint says of its crowd and
 * window. */
export interface Quote {
  quote: string;
  key: string;
  amount: number;
  unit: string;
  done: boolean;
  windowEnds: number;
  payFrom: number;
  crowd: number;
  crowdNeeded: number;
}

/** When the coins of a keyset end (unix time; null: never). */
type Ends = Readonly<Record<string, number | null>>;

const ENDS = "ends";

/** Where a decision's quote is kept. */
export function quoteName({ programme, cycle }: Named): string {
  return `quote/${JSON.stringify([programme, cycle])}`;
}

/** What the office gave last. A claim that this phone began is its own: when it died before the coins came, it goes on with it. */
export function papersIn(reader: Reader): Paper[] {
  const isOwn = (paper: Paper) => reader.read<Quote>(quoteName(namedIn(paper))) !== undefined;
  return (reader.read<Paper[]>("papers") ?? []).map((paper) => (paper.claimed && isOwn(paper) ? { ...paper, claimed: false } : paper));
}

/** What is known of a paper's aid. */
export function aidIn(reader: Reader, paper: Paper): Aid {
  const named = namedIn(paper);
  const known = reader.read<Quote>(quoteName(named));
  const taken = known?.done ?? false;
  return {
    ...named,
    amount: paper.amount,
    unit: paper.unit,
    approved: paper.approved,
    due: paper.approved && paper.amount > 0 && !taken,
    taken,
    crowd: known?.crowd ?? 0,
    crowdNeeded: known?.crowdNeeded ?? 0,
    payFrom: known?.payFrom ?? 0,
  };
}

/** Keeps when the coins that are held end, as the public log says it. */
export async function keepEnds(vault: Vault, endOf: (keyset: string) => number | null): Promise<void> {
  const found: Ends = Object.fromEntries([...new Set(allCoins(vault).map(({ proof }) => proof.id))].sort().map((id) => [id, endOf(id)]));
  if (JSON.stringify(found) !== JSON.stringify(vault.read<Ends>(ENDS) ?? {})) await vault.change((draft) => draft.put(ENDS, found));
}

/** A wallet as its store shows it. */
export class Glance implements GlanceApi {
  readonly #vault: Vault;
  readonly #now: Now;

  constructor(vault: Vault, now: Now) {
    this.#vault = vault;
    this.#now = now;
  }

  units(): string[] {
    return [...new Set([...unitsOf(this.#vault), ...this.papers().map(({ unit }) => unit)])].sort();
  }

  holding(unit: string): Holding {
    return holdingOf(this.#vault, unit, this.#now());
  }

  nextEnd(unit: string): End | null {
    const ends = this.#vault.read<Ends>(ENDS) ?? {};
    const held = coins(this.#vault, unit, "ready").map(({ proof }) => ({ keyset: proof.id, amount: proof.amount }));
    return nextEnd(held, (keyset) => ends[keyset] ?? null);
  }

  activity(): Entry[] {
    return entriesOf(this.#vault);
  }

  isEnrolled(): boolean {
    return this.#vault.read<boolean>("enrolled") ?? false;
  }

  papers(): Paper[] {
    return papersIn(this.#vault);
  }

  aid(paper: Paper): Aid {
    return aidIn(this.#vault, paper);
  }

  isRecoveryTested(): boolean {
    return seed(this.#vault)?.tested ?? false;
  }
}

/** Programme and cycle as the receipt says them; not verified, only to find what belongs to it. */
function namedIn({ bundle }: Paper): Named {
  const { programme, cycle } = shape<Named>({ programme: text, cycle: text })(JSON.parse(readUnverified(bundle.receipt)));
  return { programme, cycle };
}

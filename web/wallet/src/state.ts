// What every screen of the wallet works with.

import type { Keeping as StoreKeeping } from "@amparo/kit/settings_screen.tsx";
import type { Surroundings } from "@amparo/kit/world.ts";
import type { CardApi } from "./card.ts";
import type { GlanceApi, Paper, WalletApi } from "./model.ts";

/** The screens by name. */
export type Name =
  | "home"
  | "pay"
  | "amount"
  | "confirm"
  | "code"
  | "receive"
  | "activity"
  | "entry"
  | "papers"
  | "paper"
  | "complain"
  | "enrol"
  | "copy"
  | "restore"
  | "settings"
  | "aside"
  | "more"
  | "card";

/** A checked decision for the screen: the rule's requirements in its own words, each met or not; the facts that were used, of the household
 * and of each person, by name. */
export interface Explained {
  reasons: { met: boolean; text: string }[];
  facts: [string, string][];
  people: [string, string][][];
}

/** What the first screen works with, which is there before the rest. */
export interface Seen extends Surroundings<Name> {
  wallet: GlanceApi;
  keep: Pick<StoreKeeping, "forks">;
}

/** The open wallet, and what stands around every screen. */
export interface World extends Seen {
  wallet: WalletApi;
  keep: Keeping;
}

/** What the session does beside the wallet: the sealed store's own deeds, the person's card, and the checking of decisions. */
export interface Keeping extends StoreKeeping {
  card: CardApi;
  /** A decision recomputed on this phone. Rejects with the finding's code when the published rule gives another result. */
  explain(paper: Paper): Promise<Explained>;
  /** The signed proof of a decision (receipt, rule, batch and log's head), true or false, checkable by anybody offline, as a file's text. */
  proof(paper: Paper): Promise<string>;
}

/** A complaint about the decision at a place of the list. `code`: what the check on this phone found; empty: nothing. */
export interface Complaint {
  place: number;
  code: string;
}

/** The unit that the first screen shows: the one with the most in it. */
export function mainUnit(world: World): string {
  const units = world.wallet.units();
  const held = (unit: string) => world.wallet.holding(unit).balance + world.wallet.holding(unit).resting.reduce((sum, each) => sum + each.amount, 0);
  return [...units].sort((one, two) => held(two) - held(one))[0] ?? Object.keys(world.told.units)[0] ?? "usd";
}

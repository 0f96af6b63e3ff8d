// What every screen of the wallet works with.

import type { Keeping as StoreKeeping } from "@amparo/kit/settings_screen.tsx";
import type { Surroundings } from "@amparo/kit/world.ts";
import type { CardApi } from "./card.ts";
import type { Paper, WalletApi } from "./model.ts";
import type { Explained } from "./reasons.ts";

/** The screens by name. */
export type Name =
  | "welcome"
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

/** The open wallet, and what stands around every screen. */
export interface World extends Surroundings<Name> {
  wallet: WalletApi;
  keep: Keeping;
}

/** What the session does beside the wallet: the sealed store's own deeds, the person's card, and the checking of decisions. */
export interface Keeping extends StoreKeeping {
  card: CardApi;
  /** A decision recomputed on this phone. */
  explain(paper: Paper): Promise<Explained>;
  /** The proof of a decision, as a file's text. */
  proof(paper: Paper): Promise<string>;
}

/** The unit that the first screen shows: the one with the most in it. */
export function mainUnit(world: World): string {
  const units = world.wallet.units();
  const held = (unit: string) => world.wallet.holding(unit).balance + world.wallet.holding(unit).resting.reduce((sum, each) => sum + each.amount, 0);
  return [...units].sort((one, two) => held(two) - held(one))[0] ?? Object.keys(world.told.units)[0] ?? "usd";
}

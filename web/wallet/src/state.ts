// What every screen of the wallet works with.

import type { Addresses } from "@amparo/kit/settings.ts";
import { signOf } from "@amparo/kit/settings.ts";
import type { Places } from "@amparo/kit/places.ts";
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
  | "more";

/** The open wallet, the settings, the way between screens, whether there is a connection, and a call that draws everything anew. */
export interface World extends Places<Name> {
  wallet: WalletApi;
  told: Addresses;
  online: boolean;
  changed: () => void;
  keep: Keeping;
}

/** What the session does beside the wallet: the sealed store's own deeds, and the checking of decisions. */
export interface Keeping {
  hasPin(): boolean;
  /** `null`: open without one. */
  changePin(pin: string | null): Promise<void>;
  wipe(): Promise<void>;
  /** A decision recomputed on this phone. */
  explain(paper: Paper): Promise<Explained>;
  /** The proof of a decision, as a file's text. */
  proof(paper: Paper): Promise<string>;
}

/** The sign beside amounts of a unit. */
export function sign(world: Pick<World, "told">, unit: string): string {
  return signOf(world.told, unit);
}

/** The unit that the first screen shows: the one with the most in it. */
export function mainUnit(world: World): string {
  const units = world.wallet.units();
  const held = (unit: string) => world.wallet.holding(unit).balance + world.wallet.holding(unit).resting.reduce((sum, each) => sum + each.amount, 0);
  return [...units].sort((one, two) => held(two) - held(one))[0] ?? Object.keys(world.told.units)[0] ?? "usd";
}

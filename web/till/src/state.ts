// What every screen of the till works with.

import type { Keeping } from "@amparo/kit/settings_screen.tsx";
import type { Surroundings } from "@amparo/kit/world.ts";
import type { GlanceApi, TillApi } from "./model.ts";

/** The screens by name. */
export type Name = "amount" | "scan" | "vouchers" | "money" | "refund" | "day" | "more" | "settings" | "practice" | "second";

/** What the screen that takes an amount works with, which is there before the rest. */
export interface Seen extends Surroundings<Name> {
  till: GlanceApi;
  keep: Pick<Keeping, "forks">;
  /** Begin a sale of so much (minor units), as soon as the rest is there. Rejects as `TillApi.begin`, and when the rest does not come. */
  charge(minor: number, unit: string, practice: boolean): Promise<void>;
}

/** The open till, and what stands around every screen. */
export interface World extends Seen {
  till: TillApi;
  keep: Keeping;
}

/** The largest amount that can be typed, in minor units. */
export const MOST = 9_999_999;

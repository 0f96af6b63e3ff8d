// What every screen of the till works with.

import type { Keeping } from "@amparo/kit/settings_screen.tsx";
import type { Surroundings } from "@amparo/kit/world.ts";
import type { TillApi } from "./model.ts";

/** The screens by name. */
export type Name = "amount" | "scan" | "vouchers" | "money" | "refund" | "day" | "more" | "settings" | "practice" | "second";

/** The open till, and what stands around every screen. */
export interface World extends Surroundings<Name> {
  till: TillApi;
  keep: Keeping;
}

/** The largest amount that can be typed, in minor units. */
export const MOST = 9_999_999;

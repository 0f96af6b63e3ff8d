// What every screen of the till works with.

import type { Places } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { signOf } from "@amparo/kit/settings.ts";
import type { Refund, TillApi } from "./model.ts";

/** The screens by name. */
export type Name = "amount" | "scan" | "vouchers" | "money" | "refund" | "day" | "more" | "settings" | "practice" | "second";

/** The open till, the settings, the way between screens, whether there is a connection, and a call that draws everything anew. */
export interface World extends Places<Name> {
  till: TillApi;
  told: Addresses;
  online: boolean;
  changed: () => void;
  keep: Keeping;
}

/** The sealed store's own deeds, and leaving the shop. */
export interface Keeping {
  hasPin(): boolean;
  changePin(pin: string | null): Promise<void>;
  wipe(): Promise<void>;
}

/** The sign beside amounts of a unit. */
export function sign(world: Pick<World, "told">, unit: string): string {
  return signOf(world.told, unit);
}

export type { Refund };

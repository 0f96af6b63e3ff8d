// What every screen of an app works with: the settings, the way between screens, and whether there is a connection.

import type { Places } from "./places.ts";
import type { Addresses } from "./settings.ts";

/** What stands around a screen; `changed` draws everything anew. */
export interface Surroundings<Name extends string> extends Places<Name> {
  told: Addresses;
  online: boolean;
  changed: () => void;
}

/** The short sign beside amounts of a unit. */
export function sign({ told }: { told: Addresses }, unit: string): string {
  return told.units[unit]?.sign ?? unit.toUpperCase();
}

// Which keyset counts today, read from the public log alone. Pure. Twin of amparo_purse.calendar.

import type { KeysetAnnounced } from "@amparo/log/messages.ts";

import type { KeysetsView } from "./keys.ts";
import type { End } from "./model.ts";

export const HOUR = 3_600;
export const DAY = 86_400;
// People are warned this long before coins end, and coins are changed this long before: a month is one round of aid.
export const WARNING = 30 * DAY;
export const EARLY = 14 * DAY;
// For so long after their published end the mint still exchanges coins (tills stop at the end).
export const GRACE = 90 * DAY;
// A code that a till takes without a connection must stay locked at least this long.
export const SHORTEST_LOCK = 7 * DAY;
// For how long a request asks to lock, and what is locked ahead stays locked.
export const USUAL_LOCK = 3 * SHORTEST_LOCK;

/** The keyset with which the mint signs a unit at `now`: of those whose time has come, the one announced for the latest time; among
 * equals the newest in the log. */
export function currentKeyset(view: KeysetsView, unit: string, now: number): KeysetAnnounced | null {
  let found: { since: number; body: KeysetAnnounced } | null = null;
  for (const { body } of view.keysets) {
    const from = body.active_from;
    if (body.unit !== unit || (from !== null && from > now)) continue;
    const since: number = from ?? found?.since ?? 0;
    if (found === null || since >= found.since) found = { since, body };
  }
  return found?.body ?? null;
}

/** Whether a keyset's coins cannot even be exchanged any more. */
export function isClosed(keyset: KeysetAnnounced, now: number): boolean {
  return hasEnd(keyset) && keyset.final_expiry + GRACE <= now;
}

/** Whether it is time to leave a keyset. */
export function endsSoon(keyset: KeysetAnnounced, now: number): boolean {
  return hasEnd(keyset) && keyset.final_expiry - EARLY <= now;
}

function hasEnd(keyset: KeysetAnnounced): keyset is KeysetAnnounced & { final_expiry: number } {
  return keyset.final_expiry !== null;
}

/** The earliest end among coins given as keyset and amount, or null when none of them ends. `endOf`: when a keyset's coins end (null:
 * never, or not known). */
export function nextEnd(coins: readonly { keyset: string; amount: number }[], endOf: (keyset: string) => number | null): End | null {
  const sums = new Map<number, number>();
  for (const { keyset, amount } of coins) {
    const end = endOf(keyset);
    if (end !== null) sums.set(end, (sums.get(end) ?? 0) + amount);
  }
  if (sums.size === 0) return null;
  const first = Math.min(...sums.keys());
  return { amount: sums.get(first) ?? 0, finalExpiry: first, warnFrom: first - WARNING };
}

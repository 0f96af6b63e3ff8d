// Times: RFC 3339 in UTC, whole seconds, written in one way (2026-11-01T00:00:00Z), so that texts compare as moments do.
import { fail } from "@amparo/cashu/errors.ts";

const TIME = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Whether a time is written in the one form and exists. */
export function isPlainTime(text: string): boolean {
  const moment = TIME.test(text) ? Date.parse(text) : NaN;
  return !Number.isNaN(moment) && new Date(moment).toISOString() === text.replace("Z", ".000Z");
}

/** A time in the one form as unix time. Fails with `common.naive_time`. */
export function seconds(text: string): number {
  return isPlainTime(text) ? Date.parse(text) / 1000 : fail("common.naive_time", "A time cannot be read.");
}

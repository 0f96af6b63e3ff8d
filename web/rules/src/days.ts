// Days as texts (YYYY-MM-DD) and as numbers since 1970-01-01.
import { isPlainTime, seconds } from "./time.ts";

const DAY = 86_400;

/** Whether a text is a day of the calendar, years 1 to 9999. */
export function isDay(text: string): boolean {
  return isPlainTime(`${text}T00:00:00Z`);
}

/** A day as days since 1970-01-01. */
export function days(day: string): number {
  return seconds(`${day}T00:00:00Z`) / DAY;
}

/** The reverse of `days`. */
export function dayOf(days: number): string {
  return new Date(days * DAY * 1000).toISOString().slice(0, 10);
}

/** The last day of birth on which somebody has had their `years`-th birthday by `asOf`; null before the year 1. Who was born on
 * 29 February has a birthday on 28 February in other years. */
export function yearsBefore(asOf: string, years: number): string | null {
  const year = Number(asOf.slice(0, 4)) - years;
  if (year < 1) return null;
  const same = `${String(year).padStart(4, "0")}${asOf.slice(4)}`;
  return isDay(same) ? same : `${same.slice(0, 8)}28`;
}

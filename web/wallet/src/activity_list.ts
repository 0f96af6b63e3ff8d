// What happened in a wallet, as lines of a list, and what it holds: read from the vault alone, so that the first screen needs no
// curve.
//
// A line has a kind, a state and a sum, no time and no shop. While a payment waits its code and its coins stand beside it; once it
// is done they are forgotten, and the line says only that so much was paid. The person can empty the list; of what is done the last
// `MOST_DONE` lines are kept.

import type { Coin } from "@amparo/purse/model.ts";
import { allCoins, coins, dropCoins, resting, total } from "@amparo/purse/store.ts";
import type { Draft, Reader } from "@amparo/purse/vault.ts";

import type { Entry, EntryKind, EntryState, Holding } from "./model.ts";

/** A line as it is kept. `secrets`: the coins that were handed over; `label`: what the coins were locked under. */
export interface Line {
  number: number;
  kind: EntryKind;
  state: EntryState;
  amount: number;
  unit: string;
  until: number;
  code: string;
  secrets: readonly string[];
  label: string;
}

const MOST_DONE = 20;
const PREFIX = "line/";
const NEXT = "line_number";

/** The label of the coins that were locked for a line. */
export function labelOf(number: number): string {
  return `lock ${number}`;
}

/** The number of the line for which coins were locked under a label. */
export function numberOf(label: string): number {
  return Number(label.slice("lock ".length));
}

export function nameOf(number: number): string {
  return PREFIX + String(number).padStart(9, "0");
}

/** A number for a new line, never used again. */
export function takeNumber(draft: Draft): number {
  const number = draft.read<number>(NEXT) ?? 1;
  draft.put(NEXT, number + 1);
  return number;
}

export function lineOf(parts: Pick<Line, "number" | "kind" | "state" | "amount" | "unit"> & Partial<Line>): Line {
  return { until: 0, code: "", secrets: [], label: "", ...parts };
}

export function line(reader: Reader, number: number): Line | undefined {
  return reader.read<Line>(nameOf(number));
}

export function lines(reader: Reader): Line[] {
  return reader.names(PREFIX).map((name) => reader.read<Line>(name) as Line); // a name that is listed has a content
}

export function putLine(draft: Draft, content: Line): void {
  draft.put(nameOf(content.number), content);
}

/** What a line becomes when it is over: nothing in it leads to coins or to a shop. */
export function over(content: Line, state: "done" | "back"): Line {
  return lineOf({ number: content.number, kind: content.kind, state, amount: content.amount, unit: content.unit });
}

/** A payment is done: its coins and its code are forgotten, and the oldest lines with them. */
export function finishLine(draft: Draft, content: Line): void {
  dropCoins(draft, content.secrets);
  putLine(draft, over(content, "done"));
  const done = lines(draft).filter((each) => isOver(each));
  for (const each of done.slice(0, Math.max(0, done.length - MOST_DONE))) draft.drop(nameOf(each.number));
}

/** Empties the list of what is over. */
export function clearLines(draft: Draft): void {
  for (const each of lines(draft).filter(isOver)) draft.drop(nameOf(each.number));
}

function isOver({ state }: Line): boolean {
  return state === "done" || state === "back";
}

/** The coins of a line that are not over: those that were handed over, or those that lie aside for it. */
export function coinsOf(reader: Reader, content: Line): Coin[] {
  const all = allCoins(reader);
  if (content.kind !== "aside" && content.secrets.length > 0) return all.filter(({ proof }) => content.secrets.includes(proof.secret));
  return content.label ? all.filter((coin) => coin.state === "held" && coin.label === content.label) : [];
}

/** The list, newest first. What lies aside is worth what is left of it. */
export function entriesOf(reader: Reader): Entry[] {
  return lines(reader)
    .reverse()
    .map((each) => ({ ...each, amount: each.kind === "aside" && each.state === "later" ? total(coinsOf(reader, each)) : each.amount }))
    .filter((each) => each.amount > 0)
    .map(({ number, kind, state, amount, unit, until }) => ({ number, kind, state, amount, unit, until }));
}

/** The units of which there is or was anything. */
export function unitsOf(reader: Reader): string[] {
  return [...new Set([...allCoins(reader).map(({ unit }) => unit), ...lines(reader).map(({ unit }) => unit)])].sort();
}

/** What there is of a unit. */
export function holdingOf(reader: Reader, unit: string, now: number): Holding {
  const all = allCoins(reader).filter((coin) => coin.unit === unit);
  const sum = (choose: (coin: Coin) => boolean) => total(all.filter(choose));
  return {
    unit,
    balance: total(coins(reader, unit, "ready")),
    resting: resting(reader, unit, now),
    waiting: sum(({ state, busy }) => state === "given" || (busy && state === "ready")),
    aside: sum(({ state }) => state === "held"),
    ended: sum(({ state }) => state === "ended"),
  };
}

// What a till has taken, code by code, so that the shopkeeper sees what became of each sale. Reads and writes records only.
//
// Records: `open` the sale that is going on · `part/SALE/N` a code that was taken: its points, so that it is not taken again, and
// until the day is closed when · `flag/SALE` what a deposit found out about a sale · `day/UNIT` the day so far · `deposited/QUOTE`,
// `returned/REFUND` what does not stand in it yet. The coins of a sale
// that is not handed in stand in the purse under the label of the sale. No payer, no basket.

import type { Coin } from "@amparo/purse/model.ts";
import { allCoins, total } from "@amparo/purse/store.ts";
import type { Draft, Reader } from "@amparo/purse/vault.ts";

import type { Day, Sale, SaleState } from "./model.ts";

/** The sale that is going on; `id` and `until` (unix time) are those of its request. */
export interface Open {
  number: number;
  unit: string;
  amount: number;
  practice: boolean;
  id: string;
  until: number;
}

/** A code that was taken. `points`: under which the mint knows its coins once they are spent, of `keysets`. `code`: to be given
 * back if the sale is cancelled, empty once it is not. `at`: unix time, 0 once the day is closed. `voucher`: from paper.
 * `counted`: it stands in the day. `over`: its money is confirmed or lost, and only its points still count. */
export interface Part {
  sale: number;
  unit: string;
  amount: number;
  points: readonly string[];
  keysets: readonly string[];
  code: string;
  at: number;
  voucher: boolean;
  practice: boolean;
  counted: boolean;
  over: boolean;
}

/** What a deposit found out: the shops side refused it; so much of it had been spent before (minor units). */
interface Flag {
  refused: boolean;
  lost: number;
}

/** What came back of a refund (minor units). */
interface Returned {
  unit: string;
  amount: number;
  all: boolean;
}

const NEXT = "sale_number";
const PART = "part/";
const DEPOSITED = "deposited/";
const RETURNED = "returned/";

export function labelOf(sale: number): string {
  return `sale ${sale}`;
}

function saleOf(label: string): number {
  return Number(label.slice("sale ".length));
}

/** A number for a new sale, never used again. */
export function takeNumber(draft: Draft): number {
  const number = draft.read<number>(NEXT) ?? 1;
  draft.put(NEXT, number + 1);
  return number;
}

export function openSale(reader: Reader): Open | undefined {
  return reader.read<Open>("open");
}

export function partName(sale: number, place: number): string {
  return `${PART}${String(sale).padStart(9, "0")}/${String(place).padStart(4, "0")}`;
}

/** The name of a sale's next part. */
export function nextPart(reader: Reader, sale: number): string {
  return partName(sale, reader.names(partName(sale, 0).slice(0, -4)).length + 1);
}

export function partsOf(reader: Reader, sale: number): Part[] {
  return reader.names(partName(sale, 0).slice(0, -4)).map((name) => reader.read<Part>(name) as Part); // a name that is listed has a content
}

/** Forgets a code that counts for nothing, or is the customer's again. */
export function dropPart(draft: Draft, sale: number, points: readonly string[]): void {
  for (const name of draft.names(partName(sale, 0).slice(0, -4))) {
    if (draft.read<Part>(name)?.points.join() === points.join()) draft.drop(name);
  }
}

function allParts(reader: Reader): (readonly [name: string, part: Part])[] {
  return reader.names(PART).map((name) => [name, reader.read<Part>(name) as Part]);
}

/** The code taken here that has one of these points; undefined: none. */
export function takenBefore(reader: Reader, points: readonly string[]): Part | undefined {
  const wanted = new Set(points);
  return allParts(reader).find(([, part]) => part.points.some((point) => wanted.has(point)))?.[1];
}

/** All coins of sales that are not handed in, or of one unit. */
export function storedCoins(reader: Reader, unit?: string): Coin[] {
  return allCoins(reader).filter((coin) => coin.state === "held" && (unit === undefined || coin.unit === unit));
}

function flagOf(reader: Reader, sale: number): Flag {
  return reader.read<Flag>(`flag/${sale}`) ?? { refused: false, lost: 0 };
}

/** These coins turned out to have been spent before. */
export function markLost(draft: Draft, coins: readonly Coin[]): void {
  for (const { label, proof } of coins) {
    const flag = flagOf(draft, saleOf(label));
    draft.put(`flag/${saleOf(label)}`, { ...flag, lost: flag.lost + proof.amount });
  }
}

/** The shops side did not take these coins; they stay and are tried again. */
export function markRefused(draft: Draft, coins: readonly Coin[]): void {
  for (const { label } of coins) draft.put(`flag/${saleOf(label)}`, { ...flagOf(draft, saleOf(label)), refused: true });
}

/** The shopkeeper has seen which sales had been spent before; of those nothing else is to be said. */
export function forgetSpent(draft: Draft): void {
  const unfinished = new Set(allParts(draft).filter(([, part]) => !part.over).map(([, part]) => `flag/${part.sale}`));
  for (const name of draft.names("flag/")) {
    if (!unfinished.has(name) && (draft.read<Flag>(name)?.lost ?? 0) > 0) draft.drop(name);
  }
}

/** The sales of which something is still to be said, oldest first. */
export function salesOf(reader: Reader): Sale[] {
  const coins = allCoins(reader);
  const found = new Map<number, Sale>();
  for (const [, part] of allParts(reader)) {
    const flag = flagOf(reader, part.sale);
    if (part.practice || (part.over && flag.lost === 0)) continue;
    const known = found.get(part.sale);
    const own = coins.filter((coin) => coin.label === labelOf(part.sale));
    found.set(part.sale, { number: part.sale, unit: part.unit, amount: (known?.amount ?? 0) + part.amount, state: stateOf(own, flag) });
  }
  return [...found.values()];
}

function stateOf(coins: readonly Coin[], flag: Flag): SaleState {
  if (flag.lost > 0) return "spent";
  if (coins.some(({ state }) => state === "ended")) return "ended";
  if (coins.length === 0) return "confirmed";
  if (coins.some(({ busy }) => busy)) return "waiting";
  return flag.refused ? "refused" : "stored";
}

// --- the day
// ------------------------------------------------------------------------------------------------------------------------

export function dayOf(reader: Reader, unit: string): Day {
  const day = reader.read<Day>(`day/${unit}`) ?? { unit, sales: 0, taken: 0, confirmed: 0, vouchers: 0, refunds: 0, refunded: 0, deposited: 0, lost: 0, stored: 0 };
  return { ...day, stored: total(storedCoins(reader, unit)) };
}

export function addToDay(draft: Draft, unit: string, more: Partial<Omit<Day, "unit" | "stored">>): void {
  const day = dayOf(draft, unit);
  const sum = (name: keyof typeof more) => day[name] + (more[name] ?? 0);
  draft.put(`day/${unit}`, {
    ...day,
    sales: sum("sales"),
    taken: sum("taken"),
    confirmed: sum("confirmed"),
    vouchers: sum("vouchers"),
    refunds: sum("refunds"),
    refunded: sum("refunded"),
    deposited: sum("deposited"),
    lost: sum("lost"),
  });
}

/** Ends the day: its sums begin anew, and no moment of a sale is kept. */
export function closeDay(draft: Draft, unit: string): Day {
  const day = dayOf(draft, unit);
  draft.drop(`day/${unit}`);
  for (const [name, part] of allParts(draft)) {
    if (part.at > 0 && part.unit === unit && part.over) draft.put(name, { ...part, at: 0 });
  }
  return day;
}

/** Counts, once each, what came in since the last time and what was confirmed or handed in, also what a crash had left uncounted.
 * The open sale is left alone. */
export function settleSales(draft: Draft): void {
  const open = openSale(draft)?.number;
  const held = new Set(allCoins(draft).map(({ label }) => label));
  const waiting = new Map<number, (readonly [name: string, part: Part])[]>();
  for (const each of allParts(draft)) {
    const { sale, over } = each[1];
    if (!over && sale !== open) waiting.set(sale, [...(waiting.get(sale) ?? []), each]);
  }
  for (const [sale, parts] of waiting) {
    const isOver = !held.has(labelOf(sale));
    // Counted before and still stored: hundreds of those must not make the next sale slow.
    if (!isOver && parts.every(([, part]) => part.counted && part.code === "")) continue;
    countParts(draft, parts, isOver ? flagOf(draft, sale) : null);
    if (isOver && flagOf(draft, sale).lost === 0) draft.drop(`flag/${sale}`);
  }
  for (const name of draft.names(DEPOSITED)) {
    const { unit, amount } = draft.read<{ unit: string; amount: number }>(name) ?? { unit: "", amount: 0 };
    addToDay(draft, unit, { deposited: amount });
    draft.drop(name);
  }
  for (const name of draft.names(RETURNED)) {
    const { unit, amount, all } = draft.read<Returned>(name) as Returned; // a name that is listed has a content
    addToDay(draft, unit, { refunds: all ? -1 : 0, refunded: -amount });
    draft.drop(name);
  }
}

/** The record that says that so much of a refund came back (`all` of it), until it stands in the day. */
export function returned(refund: number, unit: string, amount: number, all: boolean): readonly [name: string, content: Returned] {
  return [`${RETURNED}${refund}`, { unit, amount, all }];
}

/** The name of the record that says that a deposit was credited, until it stands in the day. */
export function depositedName(quote: string): string {
  return DEPOSITED + quote;
}

function countParts(draft: Draft, parts: readonly (readonly [name: string, part: Part])[], ended: Flag | null): void {
  const sum = (list: typeof parts) => list.reduce((all, [, part]) => all + part.amount, 0);
  const fresh = parts.filter(([, part]) => !part.counted && !part.practice);
  const [first] = parts;
  if (!first) return;
  const { unit, practice } = first[1];
  const confirmed = ended && !practice ? sum(parts) - ended.lost : 0;
  const more = { taken: sum(fresh), vouchers: sum(fresh.filter(([, part]) => part.voucher)), sales: fresh.length === parts.length && fresh.length > 0 ? 1 : 0 };
  if (!practice) addToDay(draft, unit, { ...more, confirmed, lost: ended?.lost ?? 0 });
  for (const [name, part] of parts) {
    if (practice) draft.drop(name);
    else draft.put(name, { ...part, counted: true, over: ended !== null, code: "" });
  }
}

/** Forgets the points of coins whose keysets are all closed: they can be handed in nowhere. */
export function forgetClosed(draft: Draft, isClosed: (keyset: string) => boolean): void {
  for (const [name, part] of allParts(draft)) {
    if (part.over && part.keysets.every(isClosed)) draft.drop(name);
  }
}

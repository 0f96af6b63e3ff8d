// The purse's records in the vault: seed, counters, coins, the journal of requests whose answer has not come, rests, and a
// restoring. Loads no curve, so that a first screen can read what there is.
//
// Names: `purse` seed and code · `number` the next journal number · `counter/KEYSET` · `coin/SECRET` · `journal/NUMBER` ·
// `quiet/UNIT` until when nothing is exchanged because of a claim · `claim_from` from when on it claims, because it exchanged ·
// `refused/QUOTE` the outputs of a claim that was refused ·
// `restoring`, `searched/KEYSET`, `chunk/NUMBER`.

import type { OutputPlan } from "@amparo/cashu/outputs.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { fail } from "@amparo/cashu/errors.ts";

import type { Coin, CoinState, Rest } from "./model.ts";
import type { Draft, Reader } from "./vault.ts";

/** Bytes in hex: the seed for NUT-13 and the entropy behind the recovery code. `tested`: the code was read back from paper. */
export interface Seed {
  seed: string;
  entropy: string;
  tested: boolean;
}

/** Records that change in the same step in which a request ends: name and new content, undefined to remove it. */
export type Along = readonly (readonly [name: string, content: unknown])[];

/** A request that was sent or is about to be. `spends`: secrets of its inputs that this purse holds; `states`: those that its new
 * coins will have, the held ones under `label`; of a claim: from when on its coins are paid, and until when the purse is quiet
 * (unix time). `done` and `undone`: what else changes when it succeeds or is refused. `given`: its coins may be handed over. */
export interface JournalRow {
  number: number;
  path: string;
  body: string;
  plan: OutputPlan | null;
  unit: string;
  spends: readonly string[];
  states: readonly CoinState[];
  label: string;
  claim: { payFrom: number; quietUntil: number } | null;
  done: Along;
  undone: Along;
  given?: boolean | undefined;
}

export const JUST_CLAIMED = 0;
// Labels of coins that a restoring has found, by what is known of them.
export const UNASKED = "unasked";
export const UNSPENT = "unspent";

// --- coins ----------------------------------------------------------------------------------------------------------------------

const COIN = "coin/";

/** All coins, also busy ones. */
export function allCoins(reader: Reader): Coin[] {
  return each<Coin>(reader, COIN);
}

/** The coins of a unit in a state that are in no request, largest first; with `label` those of it. */
export function coins(reader: Reader, unit: string, state: CoinState, label?: string): Coin[] {
  const found = allCoins(reader).filter((coin) => coin.unit === unit && coin.state === state && !coin.busy && (label === undefined || coin.label === label));
  return found.sort((one, two) => two.proof.amount - one.proof.amount || (one.proof.secret < two.proof.secret ? -1 : 1));
}

/** The sum of coins in minor units. */
export function total(list: readonly Coin[]): number {
  return list.reduce((sum, coin) => sum + coin.proof.amount, 0);
}

export function coin(reader: Reader, secret: string): Coin | undefined {
  return reader.read<Coin>(COIN + secret);
}

/** Puts a coin into the purse; one that is there already stays as it is. Whether it is new. */
export function addCoin(draft: Draft, proof: Proof, parts: { unit: string; state: CoinState; label?: string; rests?: number }): boolean {
  if (coin(draft, proof.secret)) return false;
  putCoin(draft, { proof, unit: parts.unit, state: parts.state, busy: false, label: parts.label ?? "", rests: parts.rests ?? 0 });
  return true;
}

export function putCoin(draft: Draft, changed: Coin): void {
  draft.put(COIN + changed.proof.secret, changed);
}

/** Changes coins that are there; others are left alone. */
export function changeCoins(draft: Draft, secrets: readonly string[], change: Partial<Omit<Coin, "proof">>): void {
  for (const secret of secrets) {
    const known = coin(draft, secret);
    if (known) putCoin(draft, { ...known, ...change });
  }
}

/** Forgets coins: they are spent, and a purse keeps no history of what was bought. */
export function dropCoins(draft: Draft, secrets: readonly string[]): void {
  for (const secret of secrets) draft.drop(COIN + secret);
}

/** The coins of a request are in the journal now. Throws `purse.coins_busy` when one is not free any more: in another request, or
 * handed over since it was chosen, unless it is to be brought back (`given`). */
export function engage(draft: Draft, { spends, given }: Pick<JournalRow, "spends" | "given">): void {
  for (const secret of spends) {
    const known = coin(draft, secret);
    if (!known || known.busy || (known.state === "given" && !given)) return fail("purse.coins_busy", "A coin is in another request.");
    putCoin(draft, { ...known, busy: true });
  }
}

/** Moments (unix time) with the sums that rest until then, the earliest first. */
export function resting(reader: Reader, unit: string, now: number): Rest[] {
  const sums = new Map<number, number>();
  for (const { rests, proof } of coins(reader, unit, "ready")) {
    if (rests > now) sums.set(rests, (sums.get(rests) ?? 0) + proof.amount);
  }
  return [...sums].map(([until, amount]) => ({ until, amount })).sort((one, two) => one.until - two.until);
}

// --- seed and counters
// ------------------------------------------------------------------------------------------------------------

const SEED = "purse";

export function seed(reader: Reader): Seed | undefined {
  return reader.read<Seed>(SEED);
}

/** The seed of a purse that is open. Throws `vault.damaged`. */
export function heldSeed(reader: Reader): Seed {
  return seed(reader) ?? fail("vault.damaged", "The purse has no seed.");
}

/** Whether a purse makes its coins from this seed (hex). */
export function isOwn(reader: Reader, seed: string): boolean {
  return heldSeed(reader).seed === seed;
}

export function putSeed(draft: Draft, content: Seed): void {
  draft.put(SEED, content);
}

/** Whether anything was ever made from the seed. */
export function isUsed(reader: Reader): boolean {
  return ["counter/", COIN, "journal/", "restoring"].some((prefix) => reader.names(prefix).length > 0);
}

/** The next number of a keyset that was never given out. */
export function counter(reader: Reader, keyset: string): number {
  return reader.read<number>(`counter/${keyset}`) ?? 0;
}

/** Gives out no number of a keyset below this one any more. */
export function skipTo(draft: Draft, keyset: string, number: number): void {
  draft.put(`counter/${keyset}`, Math.max(number, counter(draft, keyset)));
}

// --- journal
// ----------------------------------------------------------------------------------------------------------------------

const NEXT = "number";

function journalName(number: number): string {
  return `journal/${String(number).padStart(12, "0")}`;
}

/** Writes a request down before it is sent; returns it with its number, which is never used again. */
export function writeJournal(draft: Draft, row: Omit<JournalRow, "number">): JournalRow {
  const number = draft.read<number>(NEXT) ?? 1;
  const written = { ...row, number };
  draft.put(NEXT, number + 1);
  draft.put(journalName(number), written);
  return written;
}

/** What waits for its answer, oldest first. */
export function journal(reader: Reader): JournalRow[] {
  return each<JournalRow>(reader, "journal/");
}

/** The answer has come: takes the request out of the journal. False: that was done already. */
export function strike(draft: Draft, number: number): boolean {
  const name = journalName(number);
  const waits = draft.read(name) !== undefined;
  draft.drop(name);
  return waits;
}

/** Where the outputs of a refused claim are kept for its next try (`OutputPlan`). */
export function refusedName(quote: string): string {
  return `refused/${quote}`;
}

export function carryAlong(draft: Draft, along: Along): void {
  for (const [name, content] of along) {
    if (content === undefined || content === null) draft.drop(name);
    else draft.put(name, content);
  }
}

// --- rests
// --------------------------------------------------------------------------------------------------------------------------

/** Until when nothing of a unit is exchanged; `JUST_CLAIMED` when that is not decided yet; undefined: there was no claim. */
export function quiet(reader: Reader, unit: string): number | undefined {
  return reader.read<number>(`quiet/${unit}`);
}

/** Lets a unit rest until a moment, and no shorter than it was to rest before. */
export function setQuiet(draft: Draft, unit: string, until: number): void {
  draft.put(`quiet/${unit}`, until === JUST_CLAIMED ? until : Math.max(until, quiet(draft, unit) ?? 0));
}

/** Until when no coin of any unit is exchanged, because of a claim; 0: there was none. */
export function quietUntil(reader: Reader): number {
  return Math.max(0, ...each<number>(reader, "quiet/"));
}

export function claimFrom(reader: Reader): number {
  return reader.read<number>("claim_from") ?? 0;
}

export function setClaimFrom(draft: Draft, from: number): void {
  draft.put("claim_from", Math.max(from, claimFrom(draft)));
}

// --- restoring
// ----------------------------------------------------------------------------------------------------------------------

/** A restoring that has begun: from which seed (hex), how many unused numbers end a search, whether every number was asked for, and
 * what was found so far. */
export interface Restoring {
  seed: string;
  gap: number;
  searched: boolean;
  found: number;
  spent: number;
}

/** How far a keyset was searched: numbers below `reached` are asked or about to be; `highest` was signed (-1: none). */
export interface Searched {
  keyset: string;
  reached: number;
  highest: number;
}

/** The numbers of a keyset that one request asks for. */
export interface Chunk {
  number: number;
  keyset: string;
  counters: readonly number[];
}

export function restoring(reader: Reader): Restoring | undefined {
  return reader.read<Restoring>("restoring");
}

export function putRestoring(draft: Draft, content: Restoring): void {
  draft.put("restoring", content);
}

/** Adds to what a restoring has found, and found spent. */
export function countFound(draft: Draft, { found = 0, spent = 0 }: { found?: number; spent?: number }): void {
  const known = restoring(draft);
  if (known) putRestoring(draft, { ...known, found: known.found + found, spent: known.spent + spent });
}

export function searched(reader: Reader): Searched[] {
  return each<Searched>(reader, "searched/");
}

export function setSearched(draft: Draft, place: Searched): void {
  const known = draft.read<Searched>(`searched/${place.keyset}`);
  const reached = Math.max(place.reached, known?.reached ?? 0);
  draft.put(`searched/${place.keyset}`, { ...place, reached, highest: Math.max(place.highest, known?.highest ?? -1) });
}

export function chunks(reader: Reader): Chunk[] {
  return each<Chunk>(reader, "chunk/");
}

export function addChunk(draft: Draft, keyset: string, counters: readonly number[]): void {
  const number = 1 + Math.max(0, ...chunks(draft).map((chunk) => chunk.number));
  draft.put(`chunk/${number}`, { number, keyset, counters });
}

export function dropChunk(draft: Draft, number: number): void {
  draft.drop(`chunk/${number}`);
}

/** Forgets a finished restoring, and the seed it was from. */
export function endRestoring(draft: Draft): void {
  for (const prefix of ["restoring", "searched/", "chunk/"]) {
    for (const name of draft.names(prefix)) draft.drop(name);
  }
}

function each<T>(reader: Reader, prefix: string): T[] {
  return reader.names(prefix).map((name) => reader.read<T>(name) as T); // a name that is listed has a content
}

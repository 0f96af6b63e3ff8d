// Brings a purse's coins back from its recovery code (NUT-09, NUT-13), and shows the mint as little as possible on the way. Twin of
// amparo_purse.restore, which says what it hides and what not.
//
// The numbers of a keyset are asked in random pieces of random size, filled up with invented outputs to one size; each question
// holds one coin among invented ones; each coin is exchanged alone; first all pieces and then all coins in random order, with
// pauses. LIMIT: a browser has one address and shares connections: from one phone all requests of a restoring come by the same way,
// so here the mixing hides which coin was in which piece only from who does not keep addresses. Coins locked to a shop are not
// found; a code that was handed over and not taken yet is found again, as the payer's own.

import { hex, unhex } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { showPoint } from "@amparo/cashu/curve.ts";
import { blind } from "@amparo/cashu/nut00_blind.ts";
import { derive } from "@amparo/cashu/nut13_secrets.ts";
import { finish } from "@amparo/cashu/outputs.ts";
import * as recovery from "@amparo/cashu/recovery_code.ts";
import { type BlindSignature, type Proof, type RestoreAnswer, readRestored } from "@amparo/cashu/wire.ts";
import type { KeysetAnnounced } from "@amparo/log/messages.ts";

import { invented, statesOf } from "./ask.ts";
import { isClosed } from "./calendar.ts";
import { RemoteError } from "./client.ts";
import type { FilterShelf } from "./filters.ts";
import type { Coin, Progress } from "./model.ts";
import { ALREADY_SPENT, type Purse } from "./purse.ts";
import { adoptSeed } from "./recovery.ts";
import * as store from "./store.ts";
import type { Chunk, Restoring, Searched } from "./store.ts";

export const GAP = 300;

/** How a restoring asks. `numbers`: least and most of a keyset's numbers in one request; `outputs`: to how many it is filled up;
 * `points`: to how many a question about a coin is filled up; `pause`: mean seconds between requests. */
export interface Manner {
  numbers: readonly [number, number];
  outputs: number;
  points: number;
  pause: number;
}

export const MANNER: Manner = { numbers: [8, 24], outputs: 32, points: 8, pause: 2 };

const DONE: Progress = { found: 0, spent: 0, waiting: 0, wait: 0, done: true };

type Step = () => Promise<void>;

/** Restores one purse step by step; what it has done is in the vault, so it goes on where it stopped. With `filters` no coin is
 * asked about that a filter knows. LIMIT: a filter takes one good coin in a million for spent; a restoring with a later edition
 * finds it. */
export class Restorer {
  readonly #purse: Purse;
  readonly #filters: FilterShelf | undefined;
  readonly #manner: Manner;

  constructor(purse: Purse, { filters, manner = MANNER }: { filters?: FilterShelf | undefined; manner?: Manner } = {}) {
    this.#purse = purse;
    this.#filters = filters;
    this.#manner = manner;
  }

  get isBegun(): boolean {
    return store.restoring(this.#purse.vault) !== undefined;
  }

  /** Begins to restore from a code; the coins become this purse's own, under its own new code. With `keepCode` an unused purse
   * takes the code over instead: then whoever holds the lost phone can follow all that comes. Again with the same code changes
   * nothing. Rejects with `purse.recovery_code_false`, `purse.in_use`, `purse.restore_unfinished` while another code is being
   * restored, `purse.exchange_rests` beside a claim. */
  async begin(code: string, { keepCode = false, gap = GAP, hurry = false }: { keepCode?: boolean; gap?: number; hurry?: boolean } = {}): Promise<void> {
    const entropy = recovery.readCode(code);
    this.#purse.checkQuiet(hurry);
    const seed = await recovery.seedOf(entropy);
    await this.#purse.vault.change((draft) => {
      const known = store.restoring(draft);
      if (known && known.seed !== hex(seed)) fail("purse.restore_unfinished", "This purse is being restored from another code.");
      if (known) return;
      if (keepCode) adoptSeed(draft, entropy, seed);
      store.putRestoring(draft, { seed: hex(seed), gap, searched: false, found: 0, spent: 0 });
    });
  }

  /** One request, or none when all is done. Rejects with `RemoteError`, `service.unreachable`, `token.signature_not_proved`,
   * `purse.exchange_rests` beside a claim; repeating is safe. */
  async step({ hurry = false }: { hurry?: boolean } = {}): Promise<Progress> {
    const known = store.restoring(this.#purse.vault);
    if (!known) return DONE;
    this.#purse.checkQuiet(hurry);
    await this.#searchOn(known);
    const steps = this.#purse.chance.shuffled(this.#steps(unhex(known.seed), hurry));
    const [first] = steps;
    if (!first) {
      await this.#purse.vault.change((draft) => store.endRestoring(draft));
      return { ...DONE, found: known.found, spent: known.spent };
    }
    await first();
    return { found: known.found, spent: known.spent, waiting: steps.length - 1, wait: this.#wait(), done: false };
  }

  /** Seconds until the next request: any, mostly short ones. */
  #wait(): number {
    const part = this.#purse.chance.between(1, 1_000_000) / 1_000_000;
    return -Math.log(part) * this.#manner.pause;
  }

  // --- what is to be done
  // ---------------------------------------------------------------------------------------------------------

  /** When every piece is answered: the next pieces of all keysets, or the end of the search. */
  async #searchOn(known: Restoring): Promise<void> {
    const { vault } = this.#purse;
    if (known.searched || store.chunks(vault).length > 0) return;
    const now = this.#purse.now();
    const keysets = (await this.#purse.keys.refresh()).keysets
      .map(({ body }) => body)
      // No coin is an access token (NUT-22), and the mint restores none.
      .filter((each) => each.unit !== "auth" && !isClosed(each, now) && (each.active_from === null || each.active_from <= now));
    await vault.change((draft) => {
      const done = new Map(store.searched(draft).map((place) => [place.keyset, place]));
      const places = keysets.map(({ keyset }): Searched => done.get(keyset) ?? { keyset, reached: 0, highest: this.#firstHighest(known, keyset) });
      const endOf = (place: Searched) => place.highest + 1 + known.gap;
      for (const place of places.filter((each) => each.reached < endOf(each))) {
        for (const numbers of this.#pieces(place.reached, endOf(place))) store.addChunk(draft, place.keyset, numbers);
        store.setSearched(draft, { ...place, reached: endOf(place) });
      }
      if (!places.every((place) => place.reached >= endOf(place))) return;
      store.putRestoring(draft, { ...known, searched: true });
      if (!store.isOwn(this.#purse.vault, known.seed)) return;
      // Numbers that the mint was shown are left out, but not so many that the next search stops before.
      for (const place of places) store.skipTo(draft, place.keyset, place.highest + 1 + Math.floor((known.gap * 2) / 3));
    });
  }

  /** The highest number that counts as signed before anything was asked: in a purse that goes on with the code, all that it gave
   * out. */
  #firstHighest(known: Restoring, keyset: string): number {
    return store.isOwn(this.#purse.vault, known.seed) ? store.counter(this.#purse.vault, keyset) - 1 : -1;
  }

  #pieces(from: number, end: number): number[][] {
    const numbers = this.#purse.chance.shuffled(Array.from({ length: end - from }, (_, place) => from + place));
    const pieces: number[][] = [];
    while (numbers.length > 0) pieces.push(numbers.splice(0, this.#purse.chance.between(...this.#manner.numbers)));
    return pieces;
  }

  /** What could be done next. */
  #steps(seed: Uint8Array, hurry: boolean): Step[] {
    const chunks = store.chunks(this.#purse.vault);
    if (chunks.length > 0) return chunks.map((chunk) => async () => this.#askSignatures(chunk, seed));
    const found = store.allCoins(this.#purse.vault).filter((coin) => coin.state === "found" && !coin.busy);
    return found.map((coin) => async () => (coin.label === store.UNASKED ? this.#askSpent(coin) : this.#exchange(coin, hurry)));
  }

  // --- requests
  // -------------------------------------------------------------------------------------------------------------------

  async #askSignatures(chunk: Chunk, seed: Uint8Array): Promise<void> {
    const { vault, keys, mint, chance } = this.#purse;
    const keyset = await keys.keyset(chunk.keyset);
    const places = new Map(chunk.counters.map((number) => [blindedPoint(seed, chunk.keyset, number), number]));
    const asked = chance.shuffled([...places.keys(), ...invented(this.#manner.outputs - places.size)]);
    const outputs = asked.map((B_) => ({ amount: 0, id: chunk.keyset, B_ }));
    const signed = byNumber(await mint.post("/v1/restore", { outputs }, readRestored), places);
    const coins = [...signed].map(([number, signature]) => coinOf(keyset, number, signature, seed));
    const labels = coins.map((proof) => this.#filters?.isSpent(proof) ?? null);
    await vault.change((draft) => {
      if (!store.chunks(draft).some((each) => each.number === chunk.number)) return;
      coins.forEach((proof, place) => {
        const isSpent = labels[place] ?? null;
        if (!store.addCoin(draft, proof, { unit: keyset.unit, state: "found", label: isSpent === null ? store.UNASKED : store.UNSPENT })) return;
        if (isSpent) store.dropCoins(draft, [proof.secret]);
        store.countFound(draft, { found: proof.amount, spent: isSpent ? proof.amount : 0 });
      });
      store.setSearched(draft, { keyset: chunk.keyset, reached: 0, highest: Math.max(-1, ...signed.keys()) });
      store.dropChunk(draft, chunk.number);
    });
  }

  async #askSpent({ proof }: Coin): Promise<void> {
    const { mint, chance, vault } = this.#purse;
    const [state] = await statesOf(mint, [proof], { points: this.#manner.points, chance });
    await vault.change((draft) => {
      // One that waits in a shop's deposit was paid there: it is not this purse's any more.
      if (state === "UNSPENT") store.changeCoins(draft, [proof.secret], { label: store.UNSPENT });
      else this.#dropSpent(draft, proof);
    });
  }

  /** Makes a restored coin this purse's own; then nobody else who holds the code can spend it. */
  async #exchange({ proof, unit }: Coin, hurry: boolean): Promise<void> {
    try {
      await this.#purse.exchange([proof], [proof.amount], unit, { hurry });
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (await this.#purse.isEnded(proof.id, error)) await this.#purse.end([proof.secret]);
      else if (error.remoteCode === ALREADY_SPENT) await this.#purse.vault.change((draft) => this.#dropSpent(draft, proof));
      else throw error;
    }
  }

  #dropSpent(draft: Parameters<typeof store.dropCoins>[0], proof: Proof): void {
    if (!store.coin(draft, proof.secret)) return;
    store.dropCoins(draft, [proof.secret]);
    store.countFound(draft, { spent: proof.amount });
  }
}

function blindedPoint(seed: Uint8Array, keyset: string, number: number): string {
  const { secret, factor } = derive(seed, keyset, number);
  return showPoint(blind(secret, factor));
}

/** The signatures by their number. Throws `token.signature_not_proved` for an answer to something that was not asked. */
function byNumber(answer: RestoreAnswer, places: ReadonlyMap<string, number>): Map<number, BlindSignature> {
  if (answer.outputs.length !== answer.signatures.length) fail("token.signature_not_proved", "The mint signed another number of outputs.");
  return new Map(
    answer.signatures.map((signature, place) => {
      const number = places.get(answer.outputs[place]?.B_ ?? "") ?? fail("token.signature_not_proved", "The mint signed an output that it had never been given.");
      return [number, signature];
    }),
  );
}

function coinOf(keyset: KeysetAnnounced, number: number, signature: BlindSignature, seed: Uint8Array): Proof {
  const plan = { keyset: keyset.keyset, counter: number, amounts: [signature.amount], locks: [null] };
  const [proof] = finish(plan, seed, [signature], keyset.keys);
  return proof ?? fail("token.signature_not_proved", "The mint signed nothing.");
}

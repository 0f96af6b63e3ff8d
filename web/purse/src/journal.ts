// The purse's requests that change something: written down before they are sent, finished or undone afterwards. Twin of
// amparo_purse.journal.
//
// Crash rule: the journal row and the mark on the inputs are one commit before the request (the counter is committed before it: a
// number may go unused, never twice); the new coins, the spent inputs, the row's end and what else belongs to it are one commit
// after the answer. In between, `recover` sends the same bytes again, and the mint answers the same (NUT-19). Only a refusal in the
// mint's own form gives the inputs back, and only when the mint has not signed the request's outputs either (NUT-09): an earlier
// sending, before a crash or a moment ago, may have been done and its answer lost. After any other answer nobody knows, and the row
// stays. A deposit that waits at the mint stays too. Whoever finishes a row second finds it struck and changes nothing.

import { fail, isError } from "@amparo/cashu/errors.ts";
import type { OutputPlan } from "@amparo/cashu/outputs.ts";
import { type Reader, readJson } from "@amparo/cashu/shapes.ts";
import { type Proof, type SwapRequest, readMeltQuote, readRestored, readSignatures } from "@amparo/cashu/wire.ts";

import { type Client, RemoteError } from "./client.ts";
import type { Keys } from "./keys.ts";
import type { Coin, DepositState } from "./model.ts";
import { blinded, finished } from "./outputs.ts";
import * as store from "./store.ts";
import type { JournalRow } from "./store.ts";
import type { Vault } from "./vault.ts";

export const CLAIM = "/v1/mint/benefit";
export const SWAP = "/v1/swap";
export const DEPOSIT = "/v1/melt/settle";
const KEYSET_INACTIVE = "12002";
const TOO_SLOW = 408;

/** Whether the mint itself said no: its errors carry a number. A hot spot's page or a proxy's answer says nothing about what the
 * mint did with an earlier sending, nor does the mint's word that this one did not arrive in time, or that it came without an
 * access token (NUT-21 and 22: 30000 and above). */
export function isRefusal(error: unknown): error is RemoteError {
  return error instanceof RemoteError && error.status >= 400 && error.status < 500 && error.status !== TOO_SLOW && /^[12]\d+$/.test(error.remoteCode);
}

/** What a journal works with. `receive` puts an exchange of coins received from somebody else, into another keyset, in a row's place,
 * null: there is no other; `claimFrom` says when a claim may follow an exchange of this moment. */
export interface JournalParts {
  vault: Vault;
  mint: Client;
  keys: Keys;
  seed: () => Uint8Array;
  receive: (proofs: readonly Proof[], row: JournalRow) => Promise<JournalRow | null>;
  claimFrom: () => number;
}

/** The requests of one purse. */
export class Journal {
  readonly #parts: JournalParts;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** Writes a request down, sends it and finishes it. Returns how it stands: PAID, or for a deposit also PENDING (it stays in the
   * journal) or UNPAID (given back). Rejects with `RemoteError`, `service.unreachable`, `token.signature_not_proved`,
   * `purse.coins_busy`. */
  async carryOut(request: Omit<JournalRow, "number">): Promise<DepositState> {
    const row = await this.#parts.vault.change((draft) => {
      store.engage(draft, request);
      return store.writeJournal(draft, request);
    });
    return this.#finishOrUndo(row, true);
  }

  /** Finishes what was interrupted (only claims, or all but claims, if that is said); how many requests are out of the journal now.
   * One that the mint refuses and has not done is undone. A request of which nothing is known stays and does not stop those behind
   * it: its error is thrown at the end. Rejects with `service.unreachable` at once. */
  async recover(claims?: boolean): Promise<number> {
    const rows = store.journal(this.#parts.vault).filter((row) => claims === undefined || (row.path === CLAIM) === claims);
    let done = 0;
    let trouble: unknown;
    for (const row of rows) {
      try {
        if ((await this.#finishOrUndo(row)) !== "PENDING") done += 1;
      } catch (error) {
        if (!isError(error) || error.code === "service.unreachable" || error.code.startsWith("vault.")) throw error;
        trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
    return done;
  }

  /** Finishes a request, or undoes one that the mint refuses and has not done; of a new one that is an error. When nobody knows
   * whether it was done, the journal keeps it. */
  async #finishOrUndo(row: JournalRow, isNew = false): Promise<DepositState> {
    try {
      return await this.#finish(row);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const state = await (row.plan ? this.#wasDone(row, row.plan) : this.#settle(row));
      if (state !== "UNPAID" || (!isNew && (await this.#receiveAgain(row, error)))) return state;
      await this.#undo(row);
      if (isNew) throw error;
      return state;
    }
  }

  async #finish(row: JournalRow): Promise<DepositState> {
    const { mint, keys, seed } = this.#parts;
    if (row.plan === null) return this.#settled(row, (await mint.postText(row.path, row.body, readMeltQuote)).state);
    const { signatures } = await mint.postText(row.path, row.body, readSignatures);
    await this.#store(row, await finished(row.plan, seed(), signatures, (await keys.keyset(row.plan.keyset)).keys));
    return "PAID";
  }

  async #settled(row: JournalRow, state: DepositState): Promise<DepositState> {
    if (state === "PAID") await this.#store(row, []);
    else if (state === "UNPAID") await this.#undo(row);
    return state;
  }

  /** A deposit that the mint refused to take again: how it stands there. */
  async #settle(row: JournalRow): Promise<DepositState> {
    const quote = encodeURIComponent(readJson(row.body, readQuoteName));
    const found = await ifThere(this.#parts.mint.get(`/v1/melt/quote/settle/${quote}`, readMeltQuote));
    return this.#settled(row, found?.state ?? "UNPAID");
  }

  /** PAID when the mint did a request before and only its answer was lost: then its outputs are signed. */
  async #wasDone(row: JournalRow, plan: OutputPlan): Promise<DepositState> {
    const outputs = await blinded(plan, this.#parts.seed());
    const answer = await ifThere(this.#parts.mint.post("/v1/restore", { outputs }, readRestored));
    const signed = new Map(answer?.outputs.map((output, place) => [output.B_, answer.signatures[place]]));
    const signatures = outputs.flatMap((output) => signed.get(output.B_) ?? []);
    if (signatures.length !== outputs.length) return "UNPAID";
    await this.#store(row, await finished(plan, this.#parts.seed(), signatures, (await this.#parts.keys.keyset(plan.keyset)).keys));
    return "PAID";
  }

  /** Coins received from somebody else stand in the journal only. When their exchange is refused because the keyset of its outputs
   * was closed since, they are exchanged into another one, once; where there is none yet, they wait. Whether it was that. */
  async #receiveAgain(row: JournalRow, refusal: RemoteError): Promise<boolean> {
    if (row.path !== SWAP || row.spends.length > 0 || refusal.remoteCode !== KEYSET_INACTIVE) return false;
    const renewed = await this.#parts.receive((JSON.parse(row.body) as SwapRequest).inputs, row);
    if (!renewed) throw refusal;
    await this.#finish(renewed); // refused again: the next time sees to it
    return true;
  }

  async #store(row: JournalRow, proofs: readonly Proof[]): Promise<void> {
    if (proofs.length !== row.states.length) fail("token.signature_not_proved", "The mint answered with another number of signatures.");
    await this.#parts.vault.change((draft) => {
      if (!store.strike(draft, row.number)) return;
      const spent = row.spends.flatMap((secret): Coin | Coin[] => store.coin(draft, secret) ?? []);
      // What is changed in a hurry waits on: the change is no less this holder's than the coin was.
      const rests = row.path === CLAIM ? (row.claim?.payFrom ?? 0) : Math.max(0, ...spent.map((coin) => coin.rests));
      proofs.forEach((proof, place) => {
        const state = row.states[place] ?? "ready";
        store.addCoin(draft, proof, { unit: row.unit, state, label: state === "held" ? row.label : "", rests });
      });
      store.dropCoins(draft, row.spends);
      store.carryAlong(draft, row.done);
      if (row.path === CLAIM) store.setQuiet(draft, row.unit, row.claim?.quietUntil ?? store.JUST_CLAIMED);
      else if (row.path === SWAP) store.setClaimFrom(draft, this.#parts.claimFrom());
    });
  }

  /** The mint refused: nothing was spent by this request, so the inputs are as before. */
  async #undo(row: JournalRow): Promise<void> {
    await this.#parts.vault.change((draft) => {
      if (!store.strike(draft, row.number)) return;
      store.changeCoins(draft, row.spends, { busy: false });
      store.carryAlong(draft, row.undone);
    });
  }
}

/** The mint's answer to a question; undefined when it refuses that too, because it has nothing of the kind. */
async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    return undefined;
  });
}

const readQuoteName: Reader<string> = (value) => String((value as { quote: unknown }).quote); // our own words

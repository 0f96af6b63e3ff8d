// The keysets that a device believes in: those of the public log, and among them the one of today, whatever the mint says. Twin of
// amparo_purse.keys.

import { readPoint } from "@amparo/cashu/curve.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { checkKeyset } from "@amparo/cashu/nut02_keyset.ts";
import { checkProof } from "@amparo/cashu/nut12_dleq.ts";
import { type Proof, readKeysets } from "@amparo/cashu/wire.ts";
import type { KeysetAnnounced } from "@amparo/log/messages.ts";
import { type LogView, MOST_KEYSETS } from "@amparo/log/view.ts";

import { currentKeyset } from "./calendar.ts";
import type { Client } from "./client.ts";
import type { Now } from "./model.ts";

/** What a purse asks of the log's view. */
export type KeysetsView = Pick<LogView, "keysets" | "keyset" | "keysetsBegun" | "decisions">;

/** The public log: as last seen, and as it is now. `LogFollower` is one. */
export interface Log {
  view(): KeysetsView;
  refresh(): Promise<KeysetsView>;
}

/** What a mint's keysets are, by the log. */
export class Keys {
  readonly #mint: Client;
  readonly #log: Log;
  readonly #now: Now;
  readonly #checked = new Set<string>();

  constructor(mint: Client, log: Log, now: Now) {
    this.#mint = mint;
    this.#log = log;
    this.#now = now;
  }

  /** The public log as last seen. */
  view(): KeysetsView {
    return this.#log.view();
  }

  /** The public log as it is now. */
  async refresh(): Promise<KeysetsView> {
    return this.#log.refresh();
  }

  /** The keyset of today, when mint and log agree on it. Rejects with what `active` rejects with. */
  async today(unit: string): Promise<KeysetAnnounced> {
    return this.keyset(await this.active(unit));
  }

  /** A keyset as the log has it; its id commits to its keys. Rejects with `token.keyset_not_in_log`, `token.keyset_unknown`. */
  async keyset(id: string): Promise<KeysetAnnounced> {
    return this.known(id) ?? this.#judged((await this.#log.refresh()).keyset(id)) ?? fail("token.keyset_not_in_log", "A keyset is not in the public log.");
  }

  /** The same without a connection; null: the log as last seen has none of this id. */
  known(id: string): KeysetAnnounced | null {
    return this.#judged(this.#log.view().keyset(id));
  }

  #judged(found: KeysetAnnounced | undefined): KeysetAnnounced | null {
    if (!found) return null;
    if (!this.#checked.has(found.keyset)) {
      const { keyset: id, unit, keys, final_expiry } = found;
      checkKeyset({ id, unit, keys, active: true, final_expiry: final_expiry ?? undefined });
      this.#checked.add(id);
    }
    return found;
  }

  /** The keyset that the mint says it signs a unit with, when the log of this moment says the same. Rejects with
   * `token.keyset_not_in_log`, `purse.keyset_not_current`, `token.keyset_unknown`, `purse.too_many_keysets`, `token.unit_unknown`. */
  async active(unit: string): Promise<string> {
    const { keysets } = await this.#mint.get("/v1/keysets", readKeysets);
    const offered = keysets.filter((each) => each.active && each.unit === unit).map((each) => each.id);
    if (offered.length === 0) fail("token.unit_unknown", "The mint has no active keyset of this unit.");
    const view = await this.#log.refresh();
    if (view.keysetsBegun(unit, this.#now()) > MOST_KEYSETS) fail("purse.too_many_keysets", "The mint announces one keyset after another.");
    const current = currentKeyset(view, unit, this.#now());
    if (current && offered.includes(current.keyset)) return current.keyset;
    for (const id of offered) {
      if ((await this.keyset(id)).unit !== unit) fail("token.keyset_not_in_log", "The mint's keyset of this unit is of another unit in the public log.");
    }
    return fail("purse.keyset_not_current", "The mint's keyset of this unit is not the one of today in the public log.");
  }

  /** Rejects unless a received coin is of this unit and its keyset has its amount; one that brings its proof is checked for being
   * genuine. Rejects with `token.units_differ`, `token.keyset_not_in_log`, `token.signature_not_proved`. */
  async checkKnown(proof: Proof, unit: string): Promise<void> {
    if (proof.dleq) await this.checkGenuine(proof, unit);
    else await this.#keyOf(proof, unit);
  }

  /** Rejects unless a received coin is of this unit and was made with a key in the log. Works without a connection once the log is
   * known. */
  async checkGenuine(proof: Proof, unit: string): Promise<void> {
    checkProof(proof, readPoint(await this.#keyOf(proof, unit)));
  }

  async #keyOf(proof: Proof, unit: string): Promise<string> {
    const keyset = await this.keyset(proof.id);
    if (keyset.unit !== unit) fail("token.units_differ", "A coin is of another unit.");
    return keyset.keys[String(proof.amount)] ?? fail("token.keyset_not_in_log", "A coin has an amount that its keyset does not have.");
  }
}

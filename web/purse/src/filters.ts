// The published filters of spent coins on a device: fetched while there is a connection, used without one. Twin of
// amparo_purse.filters.
//
// Everybody fetches the same files, so fetching one tells the mint nothing about a coin. LIMIT: an edition is the mint's word, and
// no older than it says. A filter that takes any coin for spent with more than a small chance is refused.

import { hashToCurve } from "@amparo/cashu/curve.ts";
import { utf8 } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";
import { SpentFilter, filterItem } from "@amparo/cashu/spent_filter.ts";
import type { Proof } from "@amparo/cashu/wire.ts";

import type { Shelf } from "./backend.ts";
import { DAY, isClosed } from "./calendar.ts";
import { type Client, RemoteError } from "./client.ts";
import type { Keys } from "./keys.ts";

// Mints publish 20: one good coin in a million is taken for spent.
const LEAST_BITS = 16;
const PREFIX = "filter ";
const KEYSET_UNKNOWN = "12001";

/** The editions on a shelf, one a keyset. */
export class FilterShelf {
  readonly #shelf: Shelf;
  readonly #filters: Map<string, SpentFilter>;

  private constructor(shelf: Shelf, filters: Map<string, SpentFilter>) {
    this.#shelf = shelf;
    this.#filters = filters;
  }

  /** The editions that are at hand; a damaged one is left out. */
  static async open(shelf: Shelf): Promise<FilterShelf> {
    const found = new Map<string, SpentFilter>();
    for (const name of await shelf.names()) {
      const data = name.startsWith(PREFIX) ? await shelf.load(name) : null;
      const filter = data && readOrNull(data);
      if (filter) found.set(filter.keyset, filter);
    }
    return new FilterShelf(shelf, found);
  }

  /** What is known of a coin without asking the mint: whether it is in its keyset's filter; null: there is no filter of its keyset. */
  isSpent(proof: Proof): boolean | null {
    const filter = this.#filters.get(proof.id);
    return filter ? filter.has(filterItem(proof.id, hashToCurve(utf8(proof.secret)).toBytes(true))) : null;
  }

  /** Fetches today's edition of every keyset of the public log that is not here yet, and drops those of closed keysets; how many
   * came. A keyset of which the mint has published none is left out. Rejects with `service.unreachable`, `RemoteError`,
   * `token.filter_malformed` for an edition of another keyset, older than the one at hand, or coarse. */
  async fetch(mint: Client, keys: Keys, now: number): Promise<number> {
    const wanted = (await keys.refresh()).keysets.map(({ body }) => body).filter((keyset) => !isClosed(keyset, now));
    const ids = new Set(wanted.map(({ keyset }) => keyset));
    for (const keyset of [...this.#filters.keys()].filter((id) => !ids.has(id))) {
      await this.#shelf.save(PREFIX + keyset, null);
      this.#filters.delete(keyset);
    }
    let came = 0;
    for (const keyset of ids) {
      if ((this.#filters.get(keyset)?.day ?? -1) < Math.floor(now / DAY) && (await this.#fetchOne(mint, keyset))) came += 1;
    }
    return came;
  }

  async #fetchOne(mint: Client, keyset: string): Promise<boolean> {
    let data: Uint8Array;
    try {
      data = await mint.getBytes(`/filters/spent/${keyset}`);
    } catch (error) {
      if (!(error instanceof RemoteError) || error.remoteCode !== KEYSET_UNKNOWN) throw error;
      return false;
    }
    const edition = checked(data);
    const known = this.#filters.get(keyset)?.day ?? -1;
    if (edition.keyset !== keyset || edition.day < known) fail("token.filter_malformed", "The mint gave the filter of another keyset or day.");
    await this.#shelf.save(PREFIX + keyset, data);
    this.#filters.set(keyset, edition);
    return edition.day > known;
  }
}

function checked(data: Uint8Array): SpentFilter {
  const found = new SpentFilter(data);
  return found.bits < LEAST_BITS ? fail("token.filter_malformed", "A filter would take many good coins for spent.") : found;
}

function readOrNull(data: Uint8Array): SpentFilter | null {
  try {
    return checked(data);
  } catch (error) {
    if (!isError(error, "token.filter_malformed")) throw error;
    return null;
  }
}

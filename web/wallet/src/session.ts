// The wallet put together: sealed store, public log, clients of the services. Loaded behind the first screen.

import { FilterShelf } from "@amparo/purse/filters.ts";
import { IndexedDbBackend, localWitness } from "@amparo/purse/backend.ts";
import type { Shelf } from "@amparo/purse/backend.ts";
import { Client } from "@amparo/purse/client.ts";
import { Vault, wipeClosed } from "@amparo/purse/vault.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import { httpFetch } from "@amparo/log/client.ts";
import type { LogMemory } from "@amparo/log/follow.ts";
import { openFollower } from "@amparo/log/follow.ts";
import type { CheckReceipt } from "./model.ts";
import type { Keeping } from "./state.ts";
import { Wallet } from "./wallet.ts";

const NAME = "amparo-wallet";
const LOG = "log";
const EVIDENCE = "log-evidence";

/** The open wallet. */
export interface Session {
  wallet: Wallet;
  keep: Keeping;
  /** What runs by itself while there is a connection. */
  upkeep(): Promise<void>;
}

/** Throw away what cannot be opened: the PIN was forgotten, or the store is damaged. */
export async function wipe(): Promise<void> {
  await wipeClosed(await IndexedDbBackend.open(NAME), localWitness(NAME));
}

/** Open everything. `waiting` is called when another window has the wallet. Rejects with the errors of store and log. */
export async function openSession(told: Addresses, pin: string | undefined, waiting: () => void): Promise<Session> {
  const backend = await IndexedDbBackend.open(NAME);
  const now = clockOf(told);
  const opening = { backend, name: NAME, witness: localWitness(NAME), locks: navigator.locks, waiting, ...(pin === undefined ? {} : { pin }) };
  const vault = await Vault.open(opening);
  const log = await openFollower(httpFetch(told.log), told.vkey, memory(backend.shelf));
  const filters = await FilterShelf.open(backend.shelf);
  const checking = { vault, log, told };
  const check: CheckReceipt = async (bundle) => (await import("./checking.ts")).check(checking, bundle);
  const wallet = await Wallet.open({ vault, office: new Client(told.office), mint: new Client(told.mint), log, filters, check, now });
  let typed = pin;
  return {
    wallet,
    keep: {
      hasPin: () => vault.hasPin,
      async changePin(chosen) {
        await vault.changePin(typed, chosen);
        typed = chosen ?? undefined;
      },
      wipe: async () => vault.wipe(),
      explain: async (paper) => (await import("./checking.ts")).explain(checking, paper),
      proof: async (paper) => (await import("./checking.ts")).proof(checking, paper),
    },
    async upkeep() {
      await log.refresh();
      if (wallet.isEnrolled()) await wallet.fetchPapers();
      await wallet.recover();
      for (const unit of wallet.units()) await wallet.upkeep(unit);
    },
  };
}

/** The log's memory: public, so not sealed; evidence against a log is never overwritten. */
export function memory(shelf: Shelf): LogMemory {
  const text = async (name: string) => {
    const data = await shelf.load(name);
    return data ? new TextDecoder().decode(data) : null;
  };
  return {
    load: async () => text(LOG),
    save: async (state) => shelf.save(LOG, new TextEncoder().encode(state)),
    keepEvidence: async (evidence) => shelf.save(`${EVIDENCE} ${(await shelf.names()).length}`, new TextEncoder().encode(evidence)),
  };
}


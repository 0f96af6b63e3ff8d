// What both apps open on a phone: the sealed store, the public log with its memory, and the lists of coins that are spent.

import { httpFetch } from "@amparo/log/client.ts";
import type { LogFollower } from "@amparo/log/follow.ts";
import { openFollower } from "@amparo/log/follow.ts";

import { IndexedDbBackend, localWitness } from "./backend.ts";
import { FilterShelf } from "./filters.ts";
import { LogShelf } from "./log_shelf.ts";
import { Vault, wipeClosed } from "./vault.ts";

/** The kinds of entries that an app keeps of the log. */
type LogKinds = Parameters<typeof openFollower>[3];

/** What is open, and what its person may do with the store itself. */
export interface Phone {
  vault: Vault;
  log: LogFollower;
  filters: FilterShelf;
  keep: {
    hasPin(): boolean;
    /** `null`: open without one. */
    changePin(chosen: string | null): Promise<void>;
    wipe(): Promise<void>;
    /** Proofs that the public log was rewritten (docs/formats/log-fork.md), as files' texts. */
    forks(): readonly string[];
  };
}

/** Open the store called `name`, and follow the log at an address. `waiting` is called when another window has the store; `kinds`: what is
 * kept of the log. Rejects with the errors of store and log. */
export async function openPhone(
  name: string,
  from: { log: string; vkey: string },
  pin: string | undefined,
  waiting: () => void,
  kinds?: LogKinds,
): Promise<Phone> {
  const backend = await IndexedDbBackend.open(name);
  const opening = { backend, name, witness: localWitness(name), locks: navigator.locks, waiting, ...(pin === undefined ? {} : { pin }) };
  const vault = await Vault.open(opening);
  const memory = await LogShelf.open(backend.shelf);
  let typed = pin;
  return {
    vault,
    log: await openFollower(httpFetch(from.log), from.vkey, memory, kinds),
    filters: await FilterShelf.open(backend.shelf),
    keep: {
      hasPin: () => vault.hasPin,
      async changePin(chosen) {
        await vault.changePin(typed, chosen);
        typed = chosen ?? undefined;
      },
      wipe: async () => vault.wipe(),
      forks: () => memory.forks,
    },
  };
}

/** Throw away what cannot be opened: the PIN was forgotten, or the store is damaged. */
export async function wipePhone(name: string): Promise<void> {
  await wipeClosed(await IndexedDbBackend.open(name), localWitness(name));
}

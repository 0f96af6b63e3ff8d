// The sealed store of an app on this device, and what its person may do with the store itself. Loads no log and no curve, so that a first
// screen stands on it.

import type { Shelf } from "./backend.ts";
import { IndexedDbBackend, localWitness } from "./backend.ts";
import { LogShelf } from "./log_shelf.ts";
import { Vault, wipeClosed } from "./vault.ts";

/** An open store. `shelf`: the public files beside it; `memory`: what this device remembers of the public log. */
export interface Device {
  vault: Vault;
  shelf: Shelf;
  memory: LogShelf;
  keep: {
    hasPin(): boolean;
    /** `null`: open without one. */
    changePin(chosen: string | null): Promise<void>;
    wipe(): Promise<void>;
    /** Proofs that the public log was rewritten (docs/formats/log-fork.md), as files' texts. */
    forks(): readonly string[];
  };
}

/** Open the store called `name`. `waiting` is called when another window has it. Rejects with the errors of the store. */
export async function openDevice(name: string, pin: string | undefined, waiting: () => void): Promise<Device> {
  const backend = await IndexedDbBackend.open(name);
  const opening = { backend, name, witness: localWitness(name), locks: navigator.locks, waiting, ...(pin === undefined ? {} : { pin }) };
  const vault = await Vault.open(opening);
  const memory = await LogShelf.open(backend.shelf);
  let typed = pin;
  return {
    vault,
    shelf: backend.shelf,
    memory,
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
export async function wipeDevice(name: string): Promise<void> {
  await wipeClosed(await IndexedDbBackend.open(name), localWitness(name));
}

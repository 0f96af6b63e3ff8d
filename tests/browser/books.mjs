// In a page of the wallet or the till: the sealed records of this phone, opened beside the app and only read. Bundled by phone.mjs.
import { IndexedDbBackend } from "@amparo/purse/backend.ts";
import { allCoins, journal } from "@amparo/purse/store.ts";
import { Vault } from "@amparo/purse/vault.ts";

/** What a phone holds: its coins, how many requests wait for their answer, its lines (wallet) and its open sale (till). */
globalThis.readBooks = async (name) => {
  const backend = await (globalThis.opened ??= IndexedDbBackend.open(name));
  // Without the lock and the witness: the app has both.
  const vault = await Vault.open({ backend, name });
  const each = (prefix) => vault.names(prefix).map((one) => vault.read(one));
  return {
    coins: allCoins(vault).map(({ proof, unit, state, busy }) => ({ secret: proof.secret, amount: proof.amount, unit, state, busy })),
    journal: journal(vault).map(({ path }) => path),
    lines: each("line/").map(({ kind, state, amount, unit, code }) => ({ kind, state, amount, unit, code })),
    parts: each("part/").map(({ sale, amount }) => ({ sale, amount })),
    sale: vault.read("open") ?? null,
  };
};

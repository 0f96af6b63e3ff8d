// What a device remembers of the public log.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Shelf } from "../src/backend.ts";
import { LogShelf } from "../src/log_shelf.ts";

function shelf(): Shelf {
  const files = new Map<string, Uint8Array>([["filter 1", new Uint8Array(2)]]);
  return {
    names: async () => [...files.keys()],
    load: async (name) => files.get(name) ?? null,
    save: async (name, data) => void (data ? files.set(name, data) : files.delete(name)),
  };
}

const proof = (before: string, after: string) => JSON.stringify({ v: 1, what: "log-rewritten", vkey: "k", before, after });

test("what the log said is remembered", async () => {
  const kept = shelf();
  const memory = await LogShelf.open(kept);
  assert.equal(await memory.load(), null);
  await memory.save("one");
  await memory.save("two");
  assert.equal(await (await LogShelf.open(kept)).load(), "two");
});

test("a proof of rewriting is kept once for each head that was lost, and never overwritten", async () => {
  const kept = shelf();
  const memory = await LogShelf.open(kept);
  await memory.keepEvidence(proof("a", "b"));
  await memory.keepEvidence(proof("a", "c"));
  await memory.keepEvidence(proof("d", "e"));
  assert.deepEqual(memory.forks, [proof("a", "b"), proof("d", "e")]);
  const again = await LogShelf.open(kept);
  assert.deepEqual(again.forks, memory.forks);
  await again.keepEvidence(proof("f", "g"));
  assert.deepEqual((await LogShelf.open(kept)).forks, [proof("a", "b"), proof("d", "e"), proof("f", "g")]);
  assert.equal((await kept.names()).length, 4);
});

// The sealed records: what they keep, what they show, what they notice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isError } from "@amparo/cashu/errors.ts";

import { MemoryBackend, type Witness } from "../src/backend.ts";
import { Vault, type VaultOptions, wipeClosed } from "../src/vault.ts";

const fails = (name: string) => (error: unknown) => isError(error, name);

async function opened(backend: MemoryBackend, more: Partial<VaultOptions> = {}): Promise<Vault> {
  return Vault.open({ backend, name: "test", ...more });
}

async function filled(backend: MemoryBackend, more: Partial<VaultOptions> = {}): Promise<Vault> {
  const vault = await opened(backend, more);
  await vault.change((draft) => {
    draft.put("coin/secret-of-a-coin", { amount: 8 });
    draft.put("till", { shop: "bakery" });
  });
  return vault;
}

function copyOf(backend: MemoryBackend): Map<string, Uint8Array> {
  return new Map(backend.records);
}

test("what was put is there after a restart, and what was dropped is not", async () => {
  const backend = new MemoryBackend();
  const vault = await filled(backend);
  await vault.change((draft) => draft.drop("till"));
  const again = await opened(backend);
  assert.deepEqual(again.read("coin/secret-of-a-coin"), { amount: 8 });
  assert.equal(again.read("till"), undefined);
  assert.deepEqual(again.names("coin/"), ["coin/secret-of-a-coin"]);
});

test("neither names nor contents speak, and lengths say little", async () => {
  const backend = new MemoryBackend();
  await filled(backend);
  const all = [...backend.records].map(([name, data]) => name + Buffer.from(data).toString("latin1")).join("");
  for (const word of ["coin", "till", "secret-of-a-coin", "bakery", "amount"]) assert.ok(!all.includes(word), word);
  const sizes = [...backend.records].filter(([name]) => name !== "header").map(([, data]) => data.length);
  assert.ok(sizes.every((size) => (size - 28) % 256 === 0));
});

test("a draft reads what it has written, and nothing is changed when the work fails", async () => {
  const backend = new MemoryBackend();
  const vault = await filled(backend);
  await assert.rejects(
    vault.change((draft) => {
      draft.put("new", 1);
      draft.drop("till");
      assert.deepEqual([draft.read("new"), draft.read("till"), draft.names("")], [1, undefined, ["coin/secret-of-a-coin", "new"]]);
      throw new Error("no");
    }),
  );
  assert.deepEqual(vault.names(""), ["coin/secret-of-a-coin", "till"]);
});

test("changes happen one after the other, each on what the one before left", async () => {
  const vault = await opened(new MemoryBackend());
  await Promise.all(Array.from({ length: 20 }, async () => vault.change((draft) => draft.put("count", (draft.read<number>("count") ?? 0) + 1))));
  assert.equal(vault.read("count"), 20);
});

test("after a commit that failed nothing more is changed until the vault is opened again", async () => {
  for (const failsAt of [1, 2]) {
    const backend = new MemoryBackend();
    const vault = await filled(backend);
    let steps = 0;
    backend.step = () => {
      steps += 1;
      if (steps === failsAt) throw new Error("the disk is full");
    };
    await assert.rejects(vault.change((draft) => draft.put("new", 1)), /disk/);
    await assert.rejects(vault.change((draft) => draft.put("new", 2)), fails("vault.closed"));
    const again = await opened(backend);
    assert.equal(again.read("new"), failsAt === 1 ? undefined : 1);
  }
});

test("a record that is changed, exchanged for another, old or missing is noticed", async () => {
  const backend = new MemoryBackend();
  const vault = await filled(backend);
  const before = copyOf(backend);
  await vault.change((draft) => draft.put("till", { shop: "grocer" }));
  const own = [...backend.records.keys()].filter((name) => name !== "head" && name !== "header");
  const [one = "", two = ""] = own;
  const now = copyOf(backend);
  const damages: ((records: Map<string, Uint8Array>) => void)[] = [
    (records) => records.delete(one),
    (records) => own.forEach((name) => records.set(name, before.get(name) ?? new Uint8Array())),
    (records) => records.set(one, records.get(two) ?? new Uint8Array()),
    (records) => records.set("head", before.get("head") ?? new Uint8Array()),
    (records) => records.delete("head"),
    (records) => records.delete("header"),
    (records) => records.set("0".repeat(32), records.get(one) ?? new Uint8Array()),
    (records) => records.set(one, Uint8Array.from(records.get(one) ?? [], (byte, place) => (place === 40 ? byte ^ 1 : byte))),
  ];
  for (const damage of damages) {
    backend.records = new Map(now);
    damage(backend.records);
    await assert.rejects(opened(backend), fails("vault.damaged"));
  }
  backend.records = new Map(now);
  await opened(backend);
});

test("an old copy of everything is noticed by the witness, and opened only on purpose", async () => {
  const backend = new MemoryBackend();
  let count = 0;
  const witness: Witness = { read: () => count, write: (value) => (count = value) };
  const vault = await filled(backend, { witness });
  const before = copyOf(backend);
  await vault.change((draft) => draft.put("till", { shop: "grocer" }));
  backend.records = before;
  await assert.rejects(opened(backend, { witness }), fails("vault.rolled_back"));
  assert.deepEqual((await opened(backend, { witness, acceptOld: true })).read("till"), { shop: "bakery" });
});

test("records on another device do not open", async () => {
  const backend = new MemoryBackend();
  await filled(backend);
  const thief = new MemoryBackend();
  thief.records = copyOf(backend);
  await assert.rejects(opened(thief), fails("vault.damaged"));
});

test("a PIN is needed, can be changed and taken away", async () => {
  const backend = new MemoryBackend();
  const vault = await filled(backend, { pin: "1234" });
  assert.deepEqual(await Vault.peek(backend), { exists: true, pin: true, waitUntil: 0 });
  await assert.rejects(opened(backend), fails("vault.pin_needed"));
  await assert.rejects(vault.changePin("1111", "2222"), fails("vault.pin_wrong"));
  await vault.changePin("1234", "2222");
  await assert.rejects(opened(backend, { pin: "1234" }), fails("vault.pin_wrong"));
  const again = await opened(backend, { pin: "2222" });
  assert.deepEqual(again.read("till"), { shop: "bakery" });
  await again.changePin("2222", null);
  assert.deepEqual((await opened(backend)).read("till"), { shop: "bakery" });
});

test("wrong PINs wait longer and longer, also after a restart, and also when the app is closed while it tries", async () => {
  const backend = new MemoryBackend();
  await filled(backend, { pin: "1234" });
  let now = 1_000;
  const attempt = async (pin: string) => opened(backend, { pin, now: () => now });
  const waits: number[] = [];
  for (let count = 0; count < 5; count++) {
    await assert.rejects(attempt("0000"), fails("vault.pin_wrong"));
    const { waitUntil } = await Vault.peek(backend);
    waits.push(waitUntil ? waitUntil - now : 0);
    if (waitUntil) await assert.rejects(attempt("1234"), fails("vault.pin_wait"));
    now = Math.max(now, waitUntil);
  }
  assert.deepEqual(waits, [0, 0, 30, 60, 120]);
  await attempt("1234");
  assert.equal((await Vault.peek(backend)).waitUntil, 0);
  let steps = 0;
  backend.step = () => {
    steps += 1;
    if (steps === 2) throw new Error("closed"); // after the try was written down
  };
  await assert.rejects(attempt("0000"), /closed/);
  backend.step = () => undefined;
  await assert.rejects(attempt("0000"), fails("vault.pin_wrong"));
  await assert.rejects(attempt("0000"), fails("vault.pin_wrong"));
  assert.ok((await Vault.peek(backend)).waitUntil > now);
});

test("nothing is left after a wipe, with or without the PIN", async () => {
  for (const pin of [undefined, "1234"]) {
    const backend = new MemoryBackend();
    const vault = await filled(backend, pin === undefined ? {} : { pin });
    if (pin === undefined) await vault.wipe();
    else await wipeClosed(backend);
    assert.equal(backend.records.size, 0);
    assert.equal((await opened(backend)).read("till"), undefined);
  }
});

test("a second tab says that it waits, and opens when the first one is closed", async () => {
  const backend = new MemoryBackend();
  const { locks } = navigator;
  const first = await opened(backend, { locks });
  let waits = 0;
  const second = opened(backend, { locks, waiting: () => (waits += 1) });
  await first.change((draft) => draft.put("till", { shop: "bakery" }));
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(waits, 1);
  await first.close();
  assert.deepEqual((await second).read("till"), { shop: "bakery" });
  await assert.rejects(first.change((draft) => draft.put("till", 1)), fails("vault.closed"));
  await (await second).close();
});

test("a vault that cannot be opened lets go of its lock", async () => {
  const backend = new MemoryBackend();
  await (await opened(backend, { locks: navigator.locks, pin: "1234" })).close();
  await assert.rejects(opened(backend, { locks: navigator.locks, pin: "0000" }), fails("vault.pin_wrong"));
  await (await opened(backend, { locks: navigator.locks, pin: "1234" })).close();
});

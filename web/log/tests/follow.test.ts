import assert from "node:assert/strict";
import test from "node:test";

import { utf8 } from "@amparo/cashu/bytes.ts";

import { checkProof } from "../src/client.ts";
import type { ForkEvidence } from "../src/follow.ts";
import { openFollower } from "../src/follow.ts";
import { NoteVerifier, openCheckpoint } from "../src/note.ts";
import { announced, codeOf, KEYS, keyset, leaf, PracticeLog, PracticeMemory, signedHead, someLeaves, VKEY } from "./practice.ts";

const LEAVES = await someLeaves(597);

function follow(log: PracticeLog, memory = new PracticeMemory()) {
  return openFollower(log.fetch, VKEY, memory);
}

test("a follower knows every keyset of the log, and asks for each entry once", async () => {
  const log = new PracticeLog(LEAVES);
  const follower = await follow(log);
  const view = await follower.refresh();
  assert.equal(view.size, 600);
  assert.equal(view.keysets.length, 597);
  assert.deepEqual(log.asked, ["/checkpoint", "/tile/entries/000", "/tile/entries/001", "/tile/entries/002.p/88"]);
  await follower.refresh();
  assert.deepEqual(log.asked.slice(4), ["/checkpoint"]);
});

test("what was read is remembered, and only the last bundle is read again", async () => {
  for (const [known, more] of [
    [0, 3],
    [1, 2],
    [255, 1],
    [256, 1],
    [257, 300],
    [511, 89],
    [600, 0],
  ] as const) {
    const memory = new PracticeMemory();
    const log = new PracticeLog(LEAVES.slice(0, known));
    const before = await follow(log, memory);
    await before.refresh();
    log.leaves = LEAVES.slice(0, known + more);
    log.asked.length = 0;
    const follower = await follow(log, memory);
    assert.equal(follower.view().size, known);
    assert.equal((await follower.refresh()).size, known + more);
    assert.deepEqual(
      follower.view().keysets.map(({ index }) => index),
      Array.from({ length: Math.max(0, known + more - 3) }, (_, at) => at + 3),
    );
    const first = String(Math.floor(known / 256)).padStart(3, "0");
    if (more > 0) assert.equal(log.asked[1]?.slice(0, 17), `/tile/entries/${first}`);
    assert.ok(log.asked.every((path) => path === "/checkpoint" || path.startsWith("/tile/entries/")));
  }
});

test("a log that changed what it showed is refused, with evidence that anybody can check", async () => {
  const other = await leaf(keyset(999_999), KEYS.mint);
  for (const [known, changed, size] of [
    [300, 10, 300],
    [300, 299, 301],
    [300, 10, 600],
    [256, 255, 300],
    [300, 4, 299],
    [1, 0, 600],
  ] as const) {
    const memory = new PracticeMemory();
    const log = new PracticeLog(LEAVES.slice(0, known));
    const follower = await follow(log, memory);
    await follower.refresh();
    log.leaves = LEAVES.slice(0, size).map((each, at) => (at === changed ? other : each));
    assert.equal(await codeOf(() => follower.refresh()), "log.rewritten", `${known} ${changed} ${size}`);
    assert.equal(follower.view().size, known);
    const evidence = JSON.parse(memory.evidence[0] ?? "") as ForkEvidence;
    const verifier = new NoteVerifier(evidence.vkey);
    assert.equal((await openCheckpoint(evidence.before, verifier)).size, known);
    assert.equal((await openCheckpoint(evidence.after, verifier)).size, size);
    // After a restart too.
    const again = await follow(log, memory);
    assert.equal(await codeOf(() => again.refresh()), "log.rewritten");
  }
});

test("a bundle that is spoilt on the way is refused, and nothing of it is believed", async () => {
  for (const known of [0, 300]) {
    const memory = new PracticeMemory();
    const log = new PracticeLog(LEAVES.slice(0, known));
    const follower = await follow(log, memory);
    await follower.refresh();
    log.leaves = [...LEAVES];
    for (const path of ["/tile/entries/001", "/tile/entries/002.p/88"]) {
      const content = Uint8Array.from(await log.content(path));
      content[Math.floor(content.length / 2) + 100]! ^= 1; // inside an entry
      log.false.set(path, content);
      assert.equal(await codeOf(() => follower.refresh()), "log.bad_proof");
      log.false.set(path, content.subarray(0, content.length - 1));
      assert.equal(await codeOf(() => follower.refresh()), "log.bad_entry");
      log.false.clear();
    }
    assert.deepEqual(memory.evidence, []);
    assert.equal(follower.view().size, known);
    assert.equal((await follower.refresh()).size, 600);
  }
});

test("tiles that are spoilt with the entries prove no rewriting", async () => {
  const memory = new PracticeMemory();
  const log = new PracticeLog(LEAVES.slice(0, 300));
  const follower = await follow(log, memory);
  await follower.refresh();
  const forged = new PracticeLog(LEAVES.map((each, at) => (at === 10 || at === 290 ? (LEAVES[7] ?? each) : each)));
  for (const path of ["/tile/0/000", "/tile/0/001", "/tile/1/000.p/2", "/tile/0/002.p/88"]) {
    log.leaves = [...LEAVES];
    log.false.set("/tile/entries/001", await forged.content("/tile/entries/001"));
    const content = Uint8Array.from(await log.content(path));
    content[0]! ^= 1;
    for (const spoilt of [content, content.subarray(1), await forged.content(path)]) {
      log.false.set(path, spoilt);
      assert.equal(await codeOf(() => follower.refresh()), "log.bad_proof", path);
    }
    log.false.clear();
  }
  assert.deepEqual(memory.evidence, []);
  assert.equal((await follower.refresh()).size, 600);
});

test("an entry that nobody may say stops the follower, and what it knew stays known", async () => {
  const log = new PracticeLog(LEAVES.slice(0, 5));
  const follower = await follow(log);
  await follower.refresh();
  log.leaves.push(await leaf(keyset(7), KEYS.office), ...LEAVES.slice(5, 300));
  assert.equal(await codeOf(() => follower.refresh()), "log.bad_entry");
  assert.equal(follower.view().size, 5);
  assert.equal(follower.head()?.checkpoint.size, 5);
});

test("a head that another key signed, of another name or of no shape is refused", async () => {
  const log = new PracticeLog(LEAVES.slice(0, 9));
  const follower = await follow(log);
  const note = signedHead(log.leaves);
  for (const other of [
    note.replace("\n9\n", "\n8\n"),
    note.replace("— town", "— tawn"),
    note.replaceAll("town.example", "tawn.example"),
    note.slice(0, -1),
    note.slice(0, note.indexOf("—")),
    signedHead(log.leaves, "tawn.example/log"),
    note.replace("\n9\n", "\n09\n"),
    "",
  ]) {
    log.false.set("/checkpoint", utf8(other));
    assert.equal(await codeOf(() => follower.refresh()), "log.bad_note", other);
  }
  log.false.set("/checkpoint", Uint8Array.of(255));
  assert.equal(await codeOf(() => follower.refresh()), "log.bad_note");
});

test("every entry is proved against the head, and by nothing else", async () => {
  const log = new PracticeLog(LEAVES);
  const follower = await follow(log);
  await follower.refresh();
  const { note, proofs } = await follower.proveAll([0, 1, 255, 256, 511, 512, 599]);
  const checkpoint = await openCheckpoint(note, new NoteVerifier(VKEY));
  for (const proof of proofs) {
    checkProof(proof, checkpoint);
    assert.equal(await codeOf(() => checkProof({ ...proof, index: proof.index + 1 }, checkpoint)), "log.bad_proof");
    assert.equal(await codeOf(() => checkProof({ ...proof, proof: proof.proof.slice(1) }, checkpoint)), "log.bad_proof");
    assert.equal(await codeOf(() => checkProof({ ...proof, entry: proof.entry.slice(4) }, checkpoint)), "log.bad_proof");
  }
  assert.equal(await codeOf(() => follower.prove(600)), "log.bad_proof");
});

test("an app that keeps more kinds reads the log again, and finds a rewriting on the way", async () => {
  const memory = new PracticeMemory();
  const log = new PracticeLog(LEAVES.slice(0, 400));
  await (await openFollower(log.fetch, VKEY, memory, ["key-announced"])).refresh();
  log.leaves = [...LEAVES];
  const follower = await follow(log, memory);
  assert.equal(follower.view().size, 400);
  assert.equal(follower.view().keysets.length, 0);
  assert.equal((await follower.refresh()).keysets.length, 597);
  memory.state = null;
  await (await openFollower(log.fetch, VKEY, memory, ["key-announced"])).refresh();
  log.leaves[5] = await leaf(announced("cards", KEYS.office), KEYS.office);
  const deceived = await follow(log, memory);
  assert.equal(await codeOf(() => deceived.refresh()), "log.rewritten");
});

test("two refreshes at the same time are one", async () => {
  const log = new PracticeLog(LEAVES.slice(0, 9));
  const follower = await follow(log);
  const [one, two] = await Promise.all([follower.refresh(), follower.refresh()]);
  assert.equal(one, two);
  assert.equal(log.asked.filter((path) => path === "/checkpoint").length, 1);
});

test("a memory that was spoilt is not believed: its head holds, and the rest is read again", async () => {
  const memory = new PracticeMemory();
  const log = new PracticeLog(LEAVES.slice(0, 300));
  await (await follow(log, memory)).refresh();
  const good = memory.state ?? "";
  const kept = JSON.parse(good) as { edge: string[]; view: { size: number } };
  for (const spoilt of [
    { ...kept, edge: kept.edge.toReversed() },
    { ...kept, view: { ...kept.view, size: 299 } },
  ]) {
    memory.state = JSON.stringify(spoilt);
    const follower = await follow(log, memory);
    assert.equal(follower.view().keysets.length, 0);
    assert.equal((await follower.refresh()).keysets.length, 297);
    assert.equal(memory.state, good);
    log.leaves[7] = LEAVES[8] ?? assert.fail();
    memory.state = JSON.stringify(spoilt);
    assert.equal(await codeOf(async () => (await follow(log, memory)).refresh()), "log.rewritten");
    log.leaves[7] = LEAVES[7] ?? assert.fail();
  }
  memory.state = good.slice(1);
  assert.equal(await codeOf(() => follow(log, memory)), "common.malformed_message");
  memory.state = good.replace("town.example", "tawn.example");
  assert.equal(await codeOf(() => follow(log, memory)), "log.bad_note");
});

test("what could not be kept is not believed either", async () => {
  class Full extends PracticeMemory {
    override async save(): Promise<void> {
      throw new Error("no room");
    }
  }
  const follower = await follow(new PracticeLog(LEAVES.slice(0, 9)), new Full());
  await assert.rejects(() => follower.refresh(), /no room/);
  assert.equal(follower.head(), null);
});

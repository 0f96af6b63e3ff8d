import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { fromBase64 } from "@amparo/rules/base64.ts";

import { checkConsistency, checkInclusion, consistencyProof, Edge, inclusionProof, leafHash, nodeHash, rootOf } from "../src/tree.ts";
import { rootOfAll } from "./practice.ts";

const VECTORS = new URL("../../../vectors/log/", import.meta.url);

interface Case {
  file: string;
  leafIdx: number;
  treeSize: number;
  leafHash: string;
  root: string;
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

function cases(name: string): Case[] {
  return (JSON.parse(readFileSync(new URL(name, VECTORS), "utf8")) as { cases: Case[] }).cases;
}

function raw(text: string | null): Uint8Array {
  return fromBase64(text ?? "") ?? new Uint8Array(0);
}

function judged(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    assert.equal((error as { code: string }).code, "log.bad_proof");
    return true;
  }
}

test("published inclusion proofs are judged as published", () => {
  for (const each of cases("merkle-inclusion.json")) {
    const proof = (each.proof ?? []).map(raw);
    const refused = judged(() => checkInclusion(raw(each.leafHash), each.leafIdx, each.treeSize, proof, raw(each.root)));
    assert.equal(refused, each.wantErr, each.file);
  }
});

test("published consistency proofs are judged as published", () => {
  for (const each of cases("merkle-consistency.json")) {
    const proof = (each.proof ?? []).map(raw);
    const refused = judged(() => checkConsistency(each.size1, raw(each.root1), each.size2, raw(each.root2), proof));
    assert.equal(refused, each.wantErr, each.file);
  }
});

const entries = Array.from({ length: 40 }, (_, number) => new TextEncoder().encode(`entry ${number}`));
const leaves = entries.map(leafHash);

function read(level: number, number: number): Uint8Array {
  if (level === 0) return leaves[number] ?? assert.fail();
  return nodeHash(read(level - 1, 2 * number), read(level - 1, 2 * number + 1));
}

test("every proof of every small tree holds, and no other leaf or tree passes with it", async () => {
  for (let size = 1; size <= 40; size += 1) {
    const root = await rootOf(read, size);
    assert.deepEqual(root, rootOfAll(entries.slice(0, size)));
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(read, index, size);
      checkInclusion(leaves[index] ?? root, index, size, proof, root);
      assert.ok(judged(() => checkInclusion(leafHash(root), index, size, proof, root)));
    }
    for (let old = 1; old <= size; old += 1) {
      const before = await rootOf(read, old);
      const proof = await consistencyProof(read, old, size);
      checkConsistency(old, before, size, root, proof);
      assert.ok(judged(() => checkConsistency(old, leafHash(before), size, root, proof)));
    }
  }
});

test("an edge that grows leaf by leaf leads to the root of the tree at every size", () => {
  const edge = new Edge();
  for (let size = 0; size <= 40; size += 1) {
    assert.deepEqual(edge.root(), rootOfAll(entries.slice(0, size)));
    assert.deepEqual(new Edge(edge.size, edge.hashes).root(), edge.root());
    assert.deepEqual(edge.before(size - (size % 8)).root(), rootOfAll(entries.slice(0, size - (size % 8))));
    edge.append(leaves[size] ?? leafHash(edge.root()));
  }
  assert.ok(judged(() => new Edge(3, [leafHash(edge.root())])));
});

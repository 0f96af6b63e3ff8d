// Decisions that are false, and the proofs of them that a person gives away: the vectors of receipts with their lies.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { checkEvidence, readEvidence } from "@amparo/log/evidence.ts";
import type { Evidence } from "@amparo/log/evidence.ts";
import type { LogFollower } from "@amparo/log/follow.ts";
import type { Vault } from "@amparo/purse/vault.ts";
import { codeOf } from "../../log/tests/practice.ts";
import type { Checking } from "../src/checking.ts";
import { explain, proof } from "../src/checking.ts";
import type { Paper } from "../src/model.ts";

type Json = Record<string, unknown>;
interface Vectors {
  vkey: string;
  shared: Json;
  honest: { evidence: Json }[];
  lies: { lie: string; bundle: Evidence["bundle"]; batch: Evidence["batch"]; code: string }[];
}

const { vkey, shared, honest, lies } = JSON.parse(readFileSync(new URL("../../../vectors/amparo/rules/receipts.json", import.meta.url), "utf8")) as Vectors;

const told = { ...shared, ...honest[0]?.evidence } as unknown as Evidence;
const wrong = lies.filter(({ code }) => code !== "");

/** A phone with nothing kept, which follows a log that has these entries. */
function phone({ office, receipts, rule, batch, checkpoint }: Evidence, known = true): Checking {
  const bodyOf = ({ entry }: { entry: string }) => JSON.parse(Buffer.from(entry, "base64").toString()).entry.body as unknown;
  const view = {
    rule: () => (known ? { index: rule.index, body: bodyOf(rule) } : undefined),
    decisions: [{ index: batch.index, body: bodyOf(batch) }],
    key: (purpose: string) => ({ index: purpose === "office" ? office.index : receipts.index }),
    factsBefore: () => [],
    facts: [],
  };
  const log = { refresh: async () => view, proveAll: async () => ({ note: checkpoint, proofs: [office, receipts, rule, batch] }) };
  const vault = { read: () => undefined, change: async () => assert.fail("a false decision is not kept") };
  return { log: log as unknown as LogFollower, vault: vault as unknown as Vault, told: { vkey } as Checking["told"] };
}

test("a phone finds every lie of an office, and gives away what proves it to anybody", async () => {
  const alone: string[] = [];
  for (const { lie, bundle, batch, code } of wrong) {
    const given = phone({ ...told, bundle, batch });
    const paper = { bundle } as unknown as Paper;
    const finding = await codeOf(() => explain(given, paper));
    const saved = await proof(given, paper);
    if (saved === JSON.stringify(bundle)) {
      assert.equal(finding, "rules.not_in_batch", lie);
      alone.push(lie);
    } else {
      assert.equal(finding, code, lie);
      assert.equal(await codeOf(() => checkEvidence(readEvidence(saved), vkey)), code, lie);
    }
  }
  assert.deepEqual(alone, ["another rule", "another cycle"]); // of which the log has no batch
});

test("when the log lacks what a receipt names, the receipt itself is given away", async () => {
  const paper = { bundle: told.bundle } as unknown as Paper;
  assert.deepEqual(JSON.parse(await proof(phone(told, false), paper)), told.bundle);
});

test("without a connection there is no proof yet", async () => {
  const lost = { ...phone(told), log: { refresh: () => Promise.reject(Object.assign(new Error(), { code: "service.unreachable" })) } };
  assert.equal(await codeOf(() => proof(lost as unknown as Checking, { bundle: told.bundle } as unknown as Paper)), "service.unreachable");
});

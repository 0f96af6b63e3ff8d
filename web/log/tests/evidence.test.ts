// Receipts with their proofs: the vectors that tools/vectors_receipts.py makes with Python's answers, and the page of the format.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { fromBase64, toBase64 } from "@amparo/rules/base64.ts";
import { reasons } from "@amparo/rules/receipt.ts";

import { checkEvidence, readEvidence } from "../src/evidence.ts";
import { codeOf } from "./practice.ts";

type Json = Record<string, unknown>;
interface Patch {
  at: (string | number)[];
  sign?: number;
  byte?: number;
  bit: number;
  set?: unknown;
  code: string;
}
interface Vectors {
  vkey: string;
  shared: Json;
  rule: Json;
  honest: { evidence: Json; code: string }[];
  lies: { lie: string; bundle: Json; batch: Json; code: string }[];
  tampered: Patch[];
  tampered_second: Patch[];
}

const ROOT = new URL("../../../", import.meta.url);
const vectors = JSON.parse(readFileSync(new URL("vectors/amparo/rules/receipts.json", ROOT), "utf8")) as Vectors;
const honest = vectors.honest.map(({ evidence, code }) => ({ plain: { ...vectors.shared, ...evidence } as Json, code }));

function check(plain: Json): Promise<string> {
  return codeOf(() => checkEvidence(readEvidence(JSON.stringify(plain)), vectors.vkey));
}

function turned(data: Uint8Array, place: number, bit: number): Uint8Array {
  const changed = Uint8Array.from(data);
  changed[place] = (changed[place] ?? 0) ^ bit;
  return changed;
}

/** `plain` with one place changed, as `tampered` in tools/vectors_receipts.py. */
function patched(plain: Json, { at, sign, byte, bit, set }: Patch): Json {
  const changed = structuredClone(plain);
  let where = changed;
  for (const step of at.slice(0, -1)) where = where[step] as Json;
  const last = at.at(-1) ?? "";
  const old = where[last];
  if (sign !== undefined && typeof old === "string") {
    where[last] = old.slice(0, sign) + String.fromCharCode(old.charCodeAt(sign) ^ bit) + old.slice(sign + 1);
  } else if (byte !== undefined && typeof old === "string") {
    where[last] = toBase64(turned(fromBase64(old) ?? new Uint8Array(0), byte, bit));
  } else if (set !== null) {
    where[last] = set;
  } else if (Array.isArray(where)) {
    where.splice(Number(last), 1);
  } else {
    delete where[last];
  }
  return changed;
}

test("every honest receipt holds, yes or no, and tells the reasons of a no", async () => {
  for (const { plain, code } of honest) assert.equal(await check(plain), code);
  assert.ok(honest.every(({ code }) => code === ""));
  const { receipt, rule } = await checkEvidence(readEvidence(JSON.stringify(honest[2]?.plain)), vectors.vkey);
  assert.equal(receipt.eligible, false);
  assert.deepEqual(reasons(receipt, rule).map(({ text }) => text["en"]), ["A child under five lives here."]);
});

test("every lie of an office is found for what it is", async () => {
  for (const { lie, bundle, batch, code } of vectors.lies) {
    assert.equal(await check({ ...honest[0]?.plain, bundle, batch }), code, lie);
  }
  assert.equal(vectors.lies.find(({ lie }) => lie === "a wrongful refusal")?.code, "rules.does_not_follow_rule");
});

test("one turned bit anywhere, a proof of something else or a place that is not it are found", async () => {
  const second = honest[4]?.plain ?? {};
  for (const [base, patches] of [
    [honest[0]?.plain ?? {}, vectors.tampered],
    [second, vectors.tampered_second],
  ] as const) {
    for (const patch of patches) assert.equal(await check(patched(base, patch)), patch.code, JSON.stringify(patch).slice(0, 200));
  }
  const found = new Set([...vectors.tampered, ...vectors.tampered_second].map(({ code }) => code));
  assert.ok(found.size >= 8, [...found].join(" "));
});

test("a file of another shape is no evidence", async () => {
  for (const saved of ["", "[]", "null", "{}", JSON.stringify({ ...honest[0]?.plain, more: 1 })]) {
    assert.equal(await codeOf(() => readEvidence(saved)), "common.malformed_message", saved);
  }
});

test("the saved receipts on the page of the format hold, offline", async () => {
  const page = readFileSync(new URL("docs/formats/evidence.md", ROOT), "utf8");
  const vkey = /```text vkey\n(.*?)\n```/s.exec(page)?.[1] ?? "";
  const saved = [...page.matchAll(/```json Evidence\n(.*?)\n```/gs)].map(([, json = ""]) => json);
  assert.ok(saved.length > 0);
  for (const each of [...saved, readFileSync(new URL("docs/formats/examples/evidence.json", ROOT), "utf8")]) {
    assert.equal(await codeOf(() => checkEvidence(readEvidence(each), vkey)), "");
    assert.equal(await codeOf(() => checkEvidence(readEvidence(each), vectors.vkey)), "log.bad_note");
  }
});

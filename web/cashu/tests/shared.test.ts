// The vectors that Python makes (tools/vectors.py): what nobody published, and what must be decided alike when it is hostile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import * as base64url from "../src/base64url.ts";
import * as bech32 from "../src/bech32.ts";
import { hex, joined, unhex, utf8 } from "../src/bytes.ts";
import { showPoint } from "../src/curve.ts";
import { isError } from "../src/errors.ts";
import { readRaw, readToken, writeRaw, writeToken } from "../src/nut00_token.ts";
import { readCondition } from "../src/nut10_secret.ts";
import { checkProof } from "../src/nut12_dleq.ts";
import { UrReader, UrWriter } from "../src/nut16_ur.ts";
import { readRequest, writeRequest } from "../src/nut18_request.ts";
import { readRequestB, writeRequestB } from "../src/nut26_request.ts";
import { finish, messages } from "../src/outputs.ts";
import { derivedKey, qrText, readCode, seedOf, writeCode } from "../src/recovery_code.ts";
import { SpentFilter, filterItem } from "../src/spent_filter.ts";
import { generatorTimes, readPoint } from "../src/curve.ts";
import { document, refused, vectors } from "./support.ts";
import type { Vector } from "./support.ts";

// --- The recovery code

test("the recovery code, its seed and its keys are Python's", async () => {
  for (const vector of vectors("amparo/recovery_code")) {
    const entropy = unhex(vector["entropy_hex"]);
    assert.equal(writeCode(entropy), vector["code"]);
    assert.equal(qrText(vector["code"]), vector["qr"]);
    assert.deepEqual(readCode(vector["code"]), entropy);
    assert.deepEqual(readCode(vector["qr"]), entropy);
    const seed = await seedOf(entropy);
    assert.equal(hex(seed), vector["seed_hex"]);
    for (const [purpose, secret] of Object.entries(vector["keys"])) {
      assert.equal(hex(await derivedKey(seed, purpose)), secret);
    }
  }
});

const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^The code has ([0-9]+) digits/, "digits"],
  [/^Group ([0-9]+) of 14/, "group"],
  [/later version/, "later"],
  [/do not belong together/, "together"],
  [/sign that is no digit/, "sign"],
];

test("a recovery code is read or refused, at the same group, as Python does", () => {
  for (const { text, entropy_hex, error, what } of document("amparo/recovery_code")["typed"] as Vector[]) {
    if (entropy_hex) {
      assert.equal(hex(readCode(text)), entropy_hex);
      continue;
    }
    try {
      assert.fail(`${text} gave ${hex(readCode(text))}`);
    } catch (caught) {
      assert.ok(isError(caught, error), String(caught));
      const [pattern, slip] = SLIPS.find(([each]) => each.test(what)) ?? assert.fail(what);
      assert.equal(caught.values["slip"], slip, text);
      const number = pattern.exec(what)?.[1];
      assert.equal(caught.values[slip], number && Number(number));
    }
  }
});

test("digits of every script count as what they are", () => {
  const [vector] = vectors("amparo/recovery_code");
  const code = (vector?.["code"] as string).replaceAll(" ", "");
  const signs = document("amparo/recovery_code")["digits"] as [string, number][];
  for (const [sign, value] of signs) {
    const typed = code.replaceAll(String(value), sign);
    assert.equal(hex(readCode(typed)), vector?.["entropy_hex"], sign);
  }
});

test("the digits of every script stand in tens, so that their place tells their value", () => {
  const isDigit = (code: number) => /^\p{Nd}$/u.test(String.fromCodePoint(code));
  let start = 0;
  for (let code = 1; code <= 0x10ffff; code++) {
    start = isDigit(code) && !isDigit(code - 1) ? code : start;
    assert.ok(!isDigit(code - 1) || isDigit(code) || (code - start) % 10 === 0, code.toString(16));
  }
});

// --- Conditions

test("a condition is read, plain or refused as Python does", () => {
  const kinds = new Set<string>();
  for (const { secret, lock, error } of vectors("amparo/conditions")) {
    kinds.add(error ?? (lock ? "lock" : "plain"));
    if (error) {
      refused(() => assert.fail(`${JSON.stringify(secret)} gave ${JSON.stringify(readCondition(secret))}`), error);
      continue;
    }
    const found = readCondition(secret)?.lock;
    const { keys, needed, locktime, refund, refund_needed: refundNeeded, sig_all: sigAll } = (lock ?? {}) as Vector;
    assert.deepEqual(found ?? null, lock && { keys, needed, locktime, refund, refundNeeded, sigAll }, secret);
  }
  assert.deepEqual([...kinds].sort(), ["lock", "plain", "token.bad_point", "token.malformed"]);
});

// --- Outputs

test("a plan gives Python's messages, and its coins from the mint's answer", () => {
  const mint = document("amparo/outputs")["mint_point_hex"] as string;
  assert.equal(showPoint(generatorTimes(unhex(document("amparo/outputs")["mint_secret_hex"]))), mint);
  for (const vector of vectors("amparo/outputs")) {
    const seed = unhex(vector["seed_hex"]);
    assert.deepEqual(messages(vector["plan"], seed), vector["messages"]);
    const keys = Object.fromEntries((vector["plan"].amounts as number[]).map((amount) => [String(amount), mint]));
    const proofs = finish(vector["plan"], seed, vector["signatures"], keys);
    assert.deepEqual(proofs, vector["proofs"]);
    proofs.forEach((proof) => checkProof(proof, readPoint(mint)));
  }
});

// --- Tokens and requests

function change(data: Uint8Array, { at, byte, way }: Vector): Uint8Array {
  const middle = way === "remove" ? [] : [byte as number];
  return joined(data.subarray(0, at), Uint8Array.from(middle), data.subarray(way === "insert" ? at : at + 1));
}

function judge(changed: Vector[], bases: readonly Uint8Array[], reread: (data: Uint8Array) => string): void {
  for (const vector of changed) {
    const data = change(bases[vector["base"]] ?? assert.fail(), vector);
    if (vector["error"]) {
      refused(() => assert.fail(`${JSON.stringify(vector)} gave ${reread(data)}`), vector["error"]);
    } else {
      assert.equal(hex(sha256(utf8(reread(data)))).slice(0, 16), vector["sha256"], JSON.stringify(vector));
    }
  }
}

test("a token is written and read as Python does", () => {
  const { keysets } = document("amparo/tokens") as { keysets: string[] };
  for (const { token, text, raw_hex } of vectors("amparo/tokens")) {
    assert.equal(writeToken(token), text);
    assert.equal(hex(writeRaw(token)), raw_hex);
    const plain = { ...token, mint: token.mint.replace(/\/+$/, "") };
    const ofGroups = [...plain.proofs].sort((one, two) => order(plain.proofs, one.id) - order(plain.proofs, two.id));
    assert.deepEqual(readToken(text, { keysets }), { ...plain, proofs: ofGroups });
    assert.deepEqual(readRaw(unhex(raw_hex), { keysets }), { ...plain, proofs: ofGroups });
  }
  const { text, rewritten } = document("amparo/tokens")["version_3"] as Vector;
  assert.equal(writeToken(readToken(text, { keysets })), rewritten);
});

/** Coins stand in groups, in the order in which their keysets come first. */
function order(proofs: readonly { id: string }[], id: string): number {
  return proofs.findIndex((proof) => proof.id === id);
}

test("a token in which one byte is another is read or refused as Python does", () => {
  const found = document("amparo/tokens");
  const keysets = found["keysets"] as string[];
  const raws = vectors("amparo/tokens").map((vector) => unhex(vector["raw_hex"]));
  judge(found["changed"], raws, (data) => writeToken(readRaw(data, { keysets })));
  const old = base64url.decode(found["version_3"].text.slice(6));
  judge(found["changed_version_3"], [old], (data) => writeToken(readToken(`cashuA${base64url.encode(data)}`, { keysets })));
});

test("a payment request is written and read in both forms as Python does, also with a byte that is another", () => {
  const found = document("amparo/requests");
  for (const { form_a, form_b, form_b_as_a } of vectors("amparo/requests")) {
    assert.equal(writeRequest(readRequest(form_a)), form_a);
    assert.equal(writeRequest(readRequestB(form_b)), form_b_as_a);
    assert.equal(writeRequestB(readRequest(form_a)), form_b);
  }
  const formsA = vectors("amparo/requests").map((vector) => base64url.decode(vector["form_a"].slice(5)));
  const formsB = vectors("amparo/requests").map((vector) => bech32.decode(vector["form_b"], "creqb", bech32.BECH32M));
  judge(found["changed_a"], formsA, (data) => writeRequest(readRequest(`creqA${base64url.encode(data)}`)));
  judge(found["changed_b"], formsB, (data) => writeRequest(readRequestB(bech32.encode("creqb", data, bech32.BECH32M))));
});

// --- Series of codes, filters

test("a series of codes is Python's, far beyond the plain parts, and read from those alone", () => {
  for (const { content_hex, longest, count, parts, sha256: hashed } of vectors("amparo/series")) {
    const writer = new UrWriter(unhex(content_hex), { longest });
    assert.equal(writer.count, count);
    const shown = Array.from({ length: parts }, (_, place) => writer.part(place + 1));
    assert.equal(hex(sha256(utf8(shown.map((part) => `${part.toLowerCase()}\n`).join("")))), hashed);
    const reader = new UrReader();
    for (let number = parts; !reader.content; number--) {
      reader.take(shown[number - 1] ?? assert.fail("more parts than enough"));
    }
    assert.equal(hex(reader.content), content_hex);
  }
});

function answers(data: Uint8Array, items: readonly Uint8Array[]): string {
  const or = (action: () => string, otherwise: (code: string) => string) => {
    try {
      return action();
    } catch (error) {
      return isError(error) ? otherwise(error.code) : assert.fail(String(error));
    }
  };
  return or(
    () => {
      const filter = new SpentFilter(data);
      return items.map((item) => or(() => (filter.has(item) ? "1" : "0"), () => "x")).join("");
    },
    (code) => code,
  );
}

test("a filter answers as in Python, also when a byte of it is another", () => {
  const found = document("amparo/filters");
  const data = unhex(found["filter_hex"]);
  const items = (found["items_hex"] as string[]).map((item) => unhex(item));
  (found["points_hex"] as string[]).forEach((point, place) => {
    assert.deepEqual(filterItem(found["keyset_id"], unhex(point)), items[place]);
  });
  assert.equal(answers(data, items), found["answers"]);
  for (const { at, byte, answers: expected } of found["changed"] as Vector[]) {
    assert.equal(answers(data.with(at, byte), items), expected, `${at} ${byte}`);
  }
});

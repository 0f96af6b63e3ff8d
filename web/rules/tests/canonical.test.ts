// Canonical JSON and the readers of shapes.
import assert from "node:assert/strict";
import test from "node:test";

import { utf8 } from "@amparo/cashu/bytes.ts";

import type { Plain } from "../src/canonical.ts";
import { decode, digest, encode } from "../src/canonical.ts";
import { list, map, optional, otherwise, struct, text, whole } from "../src/shape.ts";

function codeOf(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function nested(depth: number): Plain {
  let found: Plain = 1;
  for (let level = 1; level < depth; level += 1) found = [found];
  return found;
}

test("values have one form: names sorted, no spaces, signs escaped only where they must be", () => {
  const value = { b: [1, -2, true, null], a: 'é"\\\n\u0001\u007f\u2028/😀', "": {}, A: 9007199254740991, __proto__x: [] };
  const written = '{"":{},"A":9007199254740991,"__proto__x":[],"a":"é\\"\\\\\\n\\u0001\u007f\u2028/😀","b":[1,-2,true,null]}';
  assert.deepEqual(encode(value), utf8(written));
  assert.deepEqual(decode(utf8(written)), value);
  assert.equal(digest({}), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
});

test("what has no one form is refused", () => {
  const values = [1.5, 2 ** 53, -(2 ** 53), NaN, Infinity, "\ud800", { é: 1 }, undefined, nested(65), 1n];
  for (const value of values) assert.equal(codeOf(() => encode(value as Plain)), "common.not_canonical", String(value));
  assert.equal(codeOf(() => encode(nested(64))), "");
});

test("text that is not in its one form is refused", () => {
  for (const written of [
    "",
    " 1",
    "1 ",
    "1.0",
    "1e3",
    "-0",
    "9007199254740993",
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a": 1}',
    '"\\u0041"',
    '"\\/"',
    '"\\ud800"',
    "\ufeff1",
    "[1,]",
    "'a'",
    '{"__proto__":1,"__proto__":2}',
  ]) {
    assert.equal(codeOf(() => decode(utf8(written))), "common.not_canonical", written);
  }
  assert.equal(codeOf(() => decode(Uint8Array.of(0x22, 0xff, 0x22))), "common.not_canonical");
  assert.deepEqual(Object.keys(decode(utf8('{"__proto__":1}')) as object), ["__proto__"]);
});

test("a shape refuses what is missing, unknown or of another type", () => {
  interface Shape {
    a: string;
    b: number[];
    c: Record<string, number>;
    d: string | null;
    e: number;
  }
  const read = struct<Shape>({ a: text, b: list(whole), c: map(whole), d: optional(text), e: otherwise(whole, 7) });
  assert.deepEqual(read({ a: "x", b: [1], c: { z: 2 } }), { a: "x", b: [1], c: { z: 2 }, d: null, e: 7 });
  const good = { a: "x", b: [], c: {}, d: null, e: 1 };
  for (const change of [{ a: 1 }, { a: null }, { b: {} }, { b: ["1"] }, { b: [true] }, { c: [] }, { c: { z: "1" } }, { d: 1 }, { e: null }, { f: 1 }, { toString: 1 }]) {
    assert.equal(codeOf(() => read({ ...good, ...change } as Plain)), "common.malformed_message", JSON.stringify(change));
  }
  const { a: _, ...without } = good;
  for (const plain of [without, [], null, "x", undefined]) assert.equal(codeOf(() => read(plain)), "common.malformed_message");
});

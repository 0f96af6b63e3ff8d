// The card's code on the phone, judged by the codes of docs/formats/card-code.md, which Python writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isError } from "@amparo/cashu/errors.ts";
import { MemoryBackend } from "@amparo/purse/backend.ts";
import { Vault } from "@amparo/purse/vault.ts";
import { cardIn, formOf } from "../src/card.ts";

const PAGE = readFileSync(new URL("../../../docs/formats/card-code.md", import.meta.url), "utf8");
const printed = (kind: string): string => new RegExp(`^\`\`\`text ${kind}\n(.*)\n`, "m").exec(PAGE)?.[1] ?? "";
const refused = (error: unknown) => isError(error, "credentials.malformed");

test("who can read a card is told from its code", async () => {
  assert.equal(await formOf(printed("sealed")), "sealed");
  assert.equal(await formOf(printed("open")), "open");
});

test("what is not a card code is refused", async () => {
  const sealed = printed("sealed");
  const false_ones = ["", "A", "cashuBo2Fteb", "6BF", sealed.slice(3), sealed.slice(0, -3), sealed.toLowerCase(), `${sealed}00`, "::::::", "0".repeat(6_002)];
  for (const code of false_ones) await assert.rejects(formOf(code), refused, code.slice(0, 20));
});

test("a code that unpacks into more than a card is refused", async () => {
  const packed = new Response(new Blob([new Uint8Array(2_000_000)]).stream().pipeThrough(new CompressionStream("deflate")));
  const bytes = new Uint8Array(await packed.arrayBuffer());
  const signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  let code = "";
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const value = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    code += [value % 45, Math.floor(value / 45) % 45, Math.floor(value / 2025)].map((each) => signs[each]).join("");
  }
  assert.ok(code.length < 6_000);
  await assert.rejects(formOf(code), refused);
});

test("a card is kept, replaced and forgotten, and a false code changes nothing", async () => {
  const backend = new MemoryBackend();
  const vault = await Vault.open({ backend, name: "card" });
  const shelf = cardIn(vault);
  assert.equal(shelf.kept(), null);
  await shelf.keep(printed("open"));
  await assert.rejects(shelf.keep("nothing"), refused);
  assert.deepEqual(shelf.kept(), { code: printed("open"), form: "open" });
  await shelf.keep(printed("sealed"));
  assert.equal(cardIn(await Vault.open({ backend, name: "card" })).kept()?.form, "sealed");
  await shelf.drop();
  assert.equal(shelf.kept(), null);
});

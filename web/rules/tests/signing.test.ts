// ES256 and compact JWS, also with a signature that Python made (the page of the format).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { utf8 } from "@amparo/cashu/bytes.ts";

import { b64url, fromBase64, toBase64, unb64url } from "../src/base64.ts";
import { generatePair, publicJwk, readKey, signCompact, signingKey, thumbprint, verifyCompact } from "../src/signing.ts";
import { readUnverified } from "../src/unverified.ts";

const TYP = "amparo-test+jws";

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

test("what is signed verifies with its key and its purpose only", async () => {
  const [one, two] = [await signingKey(await generatePair()), await signingKey(await generatePair())];
  const token = await signCompact(utf8("{}"), one, TYP);
  assert.deepEqual(await verifyCompact(token, one.public, TYP), utf8("{}"));
  assert.equal(readUnverified(token), "{}");
  assert.equal(await codeOf(() => verifyCompact(token, two.public, TYP)), "common.bad_signature");
  assert.equal(await codeOf(() => verifyCompact(token, one.public, "amparo-other+jws")), "common.bad_signature");
});

test("one turned bit anywhere, another spelling and another number of parts are refused", async () => {
  const key = await signingKey(await generatePair());
  const token = await signCompact(utf8("payload"), key, TYP);
  for (let at = 0; at < token.length; at += 1) {
    const changed = token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ 1) + token.slice(at + 1);
    assert.equal(await codeOf(() => verifyCompact(changed, key.public, TYP)), "common.bad_signature", `sign ${at}`);
  }
  for (const changed of [`${token}=`, `${token}.`, token.split(".").slice(0, 2).join("."), "", "..", `${token}A`, token.replace(".", " ."), `é${token}`]) {
    assert.equal(await codeOf(() => verifyCompact(changed, key.public, TYP)), "common.bad_signature", changed);
  }
});

test("a browser's key never leaves it, and signs after it was kept", async () => {
  const pair = await generatePair();
  assert.equal(pair.privateKey.extractable, false);
  const kept = await signingKey(structuredClone(pair));
  const first = await signingKey(pair);
  assert.equal(kept.public.kid, first.public.kid);
  await first.public.verify(utf8("x"), await kept.sign(utf8("x")));
});

test("the key and the receipt on the pages of the formats, which Python made, verify", async () => {
  const page = (name: string) => readFileSync(new URL(`../../../docs/formats/${name}.md`, import.meta.url), "utf8");
  const receipt = /```text Receipt\n(.*?)\n```/s.exec(page("receipt"))?.[1] ?? "";
  const keys = [...page("log-entries").matchAll(/```json LogEntry\n(.*?)\n```/gs)].map(([, json = ""]) => JSON.parse(json) as { entry: { body: { purpose?: string; jwk?: object } } });
  const jwk = publicJwk(keys.find(({ entry }) => entry.body.purpose === "receipts")?.entry.body.jwk as never);
  const key = await readKey(jwk);
  assert.match(new TextDecoder().decode(await verifyCompact(receipt, key, "amparo-receipt+jws")), /"programme":"bread"/);
  assert.equal(thumbprint(jwk), key.kid);
});

test("what is no point of P-256 is no key", async () => {
  const { jwk } = (await signingKey(await generatePair())).public;
  for (const change of [{ x: jwk.y, y: jwk.x }, { kty: "RSA" }, { crv: "P-384" }, { x: jwk.x.slice(1) }, { x: `${jwk.x}A` }, { y: "" }, { x: "+".repeat(43) }]) {
    assert.equal(await codeOf(() => readKey({ ...jwk, ...change })), "common.bad_key", JSON.stringify(change));
  }
});

test("base64 has one alphabet and whole groups", () => {
  for (const length of [0, 1, 2, 3, 32, 255]) {
    const data = Uint8Array.from({ length }, (_, at) => (at * 37) & 255);
    assert.deepEqual(fromBase64(toBase64(data)), data);
    assert.deepEqual(unb64url(b64url(data)), data);
  }
  for (const text of ["A", "AA", "AAA", "A===", "AA=A", "AA==AA==", "A A=", "-_8=", "AAAA\n"]) assert.equal(fromBase64(text), null, text);
});

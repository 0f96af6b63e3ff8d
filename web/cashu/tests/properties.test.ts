// What holds for any coins, texts and orders: round trips, sums, and one byte that is another is found. Same seed in every run.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as base64url from "../src/base64url.ts";
import { bigEndian, hex, joined, numberOf, unhex, utf8 } from "../src/bytes.ts";
import { readCbor, writeCbor } from "../src/cbor.ts";
import { generatorTimes, readPoint, scalarOf } from "../src/curve.ts";
import { isError } from "../src/errors.ts";
import { splitAmount } from "../src/nut00_blind.ts";
import { readToken, withoutDleq, writeToken } from "../src/nut00_token.ts";
import { checkLock, readLock, signLock } from "../src/nut10_secret.ts";
import { challenge, checkProof, checkSignature } from "../src/nut12_dleq.ts";
import { UrReader, UrWriter } from "../src/nut16_ur.ts";
import { readRequest, writeRequest } from "../src/nut18_request.ts";
import type { PaymentRequest } from "../src/nut18_request.ts";
import { readAnyRequest, readRequestB, writeRequestB } from "../src/nut26_request.ts";
import { signHidden } from "../src/nut28_p2bk.ts";
import { finish, messages } from "../src/outputs.ts";
import type { OutputPlan } from "../src/outputs.ts";
import type { BlindSignature, Proof } from "../src/wire.ts";
import { Dice, altered, key, pointOfKey, refused, signAll } from "./support.ts";

const KEYSET = `01${"ab".repeat(32)}`;
const [MINT, SHOP, PAYER, STRANGER] = [key(7_001), key(7_002), key(7_003), key(7_004)];
const NOW = 1_760_000_000;
const SEED = new Uint8Array(64).fill(5);
const mintPoint = generatorTimes(MINT);

function planOf(amounts: number[], lock: "none" | "open" | "hidden", counter = 0): OutputPlan {
  const to = { key: pointOfKey(SHOP), locktime: NOW, refund: pointOfKey(PAYER), hide: lock === "hidden" };
  return { keyset: KEYSET, counter, amounts, locks: amounts.map(() => (lock === "none" ? null : to)) };
}

function keysFor(amounts: readonly number[]): Record<string, string> {
  return Object.fromEntries(amounts.map((amount) => [String(amount), pointOfKey(MINT)]));
}

function coins(amounts: number[], lock: "none" | "open" | "hidden" = "none", counter = 0): Proof[] {
  const plan = planOf(amounts, lock, counter);
  return finish(plan, SEED, signAll(messages(plan, SEED), MINT), keysFor(amounts));
}

test("an amount is split into the fewest powers of two that add up to it", () => {
  const dice = new Dice("amounts");
  const denominations = Array.from({ length: 20 }, (_, power) => 2 ** power);
  for (let run = 0; run < 300; run++) {
    const amount = dice.below(2 ** 20);
    const parts = splitAmount(amount, dice.shuffled(denominations));
    assert.equal(parts.reduce((sum, part) => sum + part, 0), amount);
    assert.equal(parts.length, amount.toString(2).replaceAll("0", "").length);
    assert.deepEqual(parts, [...parts].sort((one, two) => one - two));
  }
  assert.deepEqual(splitAmount(2 ** 21, denominations), [2 ** 19, 2 ** 19, 2 ** 19, 2 ** 19]);
  for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) {
    refused(() => splitAmount(wrong, denominations), "token.amount_refused");
  }
  refused(() => splitAmount(3, [2, 4]), "token.amount_refused");
});

test("coins keep their sum and are proved, by the mint's own key only", () => {
  for (const lock of ["none", "open", "hidden"] as const) {
    const found = coins([1, 2, 4, 4], lock);
    assert.deepEqual(found.map((proof) => proof.amount), [1, 2, 4, 4]);
    assert.equal(new Set(found.map((proof) => proof.secret)).size, 4);
    for (const proof of found) {
      checkProof(proof, mintPoint);
      refused(() => checkProof(proof, generatorTimes(STRANGER)), "token.signature_not_proved");
    }
  }
});

test("a coin in which one digit is another is not proved", () => {
  const dice = new Dice("digits");
  const [proof = assert.fail()] = coins([8], "open");
  const { e = "", s = "", r = "" } = proof.dleq ?? {};
  for (let run = 0; run < 60; run++) {
    const at = dice.below(64);
    const wrong = dice.one<Partial<Proof>>([
      { secret: altered(proof.secret, dice.below(proof.secret.length)) },
      { C: altered(proof.C, 2 + at) },
      { C: (proof.C.startsWith("02") ? "03" : "02") + proof.C.slice(2) },
      { dleq: { e: altered(e, at), s, r } },
      { dleq: { e, s: altered(s, at), r } },
      { dleq: { e, s, r: altered(r, at) } },
    ]);
    refused(() => checkProof({ ...proof, ...wrong }, mintPoint), "token.signature_not_proved", "token.bad_point");
  }
  checkProof({ ...proof, amount: 16 }, mintPoint); // the amount is in the key: whoever verifies takes that amount's key
});

test("what a mint could mark somebody with is refused", () => {
  const plan = planOf([1, 2], "none");
  const good = signAll(messages(plan, SEED), MINT);
  const keys = keysFor([1, 2]);
  const [first = assert.fail(), second = assert.fail()] = good;
  const marked = signAll(messages(plan, SEED), STRANGER);
  const wrong: BlindSignature[][] = [
    [],
    [first],
    [...good, first],
    [second, first],
    marked,
    [first, marked[1] ?? assert.fail()],
    [first, { ...second, dleq: undefined }],
    [first, { ...second, dleq: first.dleq }],
    [first, { ...second, C_: first.C_ }],
    [first, { ...second, amount: 1 }],
    [first, { ...second, id: `01${"cd".repeat(32)}` }],
    [first, { ...second, dleq: { e: "", s: "" } }],
  ];
  wrong.forEach((signatures) => refused(() => finish(plan, SEED, signatures, keys), "token.signature_not_proved"));
  refused(() => finish(plan, SEED, good, { "1": pointOfKey(MINT) }), "token.signature_not_proved");
  refused(() => finish(plan, SEED, [first, { ...second, C_: "02" }], keys), "token.bad_point");
  refused(() => messages({ ...plan, locks: [null] }, SEED), "token.malformed");
  assert.equal(finish(plan, SEED, good, keys).length, 2);
});

test("a proof whose points are all at infinity proves nothing", () => {
  const plan = planOf([1], "none");
  const [made = assert.fail()] = messages(plan, SEED);
  const [good = assert.fail()] = signAll([made], MINT);
  const points = { key: mintPoint, blinded: readPoint(made.B_), signed: readPoint(good.C_) };
  checkSignature(good.dleq, points);
  const e = challenge(points.key, points.signed);
  const s = scalarOf(numberOf(e) * numberOf(MINT));
  refused(() => checkSignature({ e: hex(e), s: hex(s) }, points), "token.signature_not_proved");
});

test("a lock opens for the shop, after its time for the payer, and for nobody else", () => {
  const sign = { open: signLock, hidden: signHidden };
  for (const lock of ["open", "hidden"] as const) {
    for (const proof of coins([1, 2], lock)) {
      const byShop = sign[lock](proof, SHOP);
      assert.ok(!("p2pk_e" in byShop));
      checkLock(byShop, { now: NOW });
      checkLock(byShop, { now: NOW + 1 });
      const byPayer = sign[lock](proof, PAYER);
      refused(() => checkLock(byPayer, { now: NOW }), "token.lock_not_open");
      checkLock(byPayer, { now: NOW + 1 });
      refused(() => checkLock(proof, { now: NOW }), "token.lock_not_open");
      refused(() => checkLock(sign[lock](proof, STRANGER), { now: NOW + 1 }), "token.lock_not_open");
      refused(() => checkLock({ ...byShop, secret: altered(byShop.secret, 20) }, { now: NOW }), "token.lock_not_open");
      assert.equal(readLock(proof.secret)?.keys[0] === pointOfKey(SHOP), lock === "open");
    }
  }
  const [one, two] = coins([1, 2], "hidden").map((proof) => readLock(proof.secret)?.keys[0]);
  assert.notEqual(one, two);
});

test("a token survives its text, and one sign that is another gives another token or our error", () => {
  const dice = new Dice("tokens");
  const all = [...coins([1, 2]), ...coins([4], "open", 10), ...coins([8], "hidden", 20)];
  const signed = signLock(all[2] ?? assert.fail(), SHOP);
  const token = { mint: "https://mint.example.org", unit: "usd", proofs: [...all, signed] };
  const text = writeToken(token);
  assert.deepEqual(readToken(text, { keysets: [] }), token);
  for (let run = 0; run < 300; run++) {
    const at = 6 + dice.below(text.length - 6);
    const wrong = altered(text, at);
    try {
      assert.notDeepEqual(readToken(wrong, { keysets: [KEYSET] }), token);
    } catch (error) {
      assert.ok(isError(error, "token.malformed"), String(error));
    }
  }
});

test("a token of version 3 with a malformed coin, or of two mints, is refused", () => {
  const [proof = assert.fail()] = coins([8]);
  const { dleq = assert.fail() } = proof;
  const entry = (changes: object, mint = "https://mint.example.org") => ({ mint, proofs: [{ ...proof, ...changes }] });
  const text = (...token: object[]) => `cashuA${base64url.encode(utf8(JSON.stringify({ token })))}`;
  const read = (written: string) => readToken(written, { keysets: [KEYSET] });
  assert.deepEqual(read(text(entry({}))), { mint: "https://mint.example.org", unit: "sat", proofs: [proof] });
  assert.equal(read(text(entry({}), entry({}, "https://mint.example.org/"))).proofs.length, 2);
  const malformed: object[] = [
    ...[proof.C.toUpperCase(), "zz".repeat(33), `04${proof.C.slice(2)}`, 5].map((C) => ({ C })),
    ...[0, -1, 2 ** 53, true, "8", 0.5, null].map((amount) => ({ amount })),
    ...[KEYSET.toUpperCase(), "zz", KEYSET.slice(0, 18), "I2yN+iRYfkzT", KEYSET.slice(0, 16).toUpperCase(), ""].map((id) => ({ id })),
    ...[{ e: "zz".repeat(32) }, { s: dleq.s.slice(2) }, { r: "" }, { e: dleq.e.toUpperCase() }].map((wrong) => ({ dleq: { ...dleq, ...wrong } })),
    { dleq: 5 },
    { p2pk_e: "02" },
    { secret: 5 },
  ];
  malformed.forEach((changes) => refused(() => read(text(entry(changes))), "token.malformed"));
  for (const wrong of [text(), text({ mint: "m", proofs: [] }), text(entry({}), entry({}, "https://other.example.org"))]) {
    refused(() => read(wrong), "token.malformed");
  }
  refused(() => read(text({ ...entry({}), proofs: Array<Proof>(201).fill(proof) })), "token.malformed");
});

test("what a mint must not learn is taken off", () => {
  const [proof = assert.fail()] = coins([1], "hidden");
  assert.ok(proof.dleq && proof.p2pk_e);
  assert.deepEqual(Object.keys(withoutDleq(signLock(proof, SHOP))).sort(), ["C", "amount", "id", "secret", "witness"]);
});

test("bytes survive base64, CBOR and numbers", () => {
  const dice = new Dice("bytes");
  for (let size = 1; size < 300; size += 7) {
    const data = dice.bytes(size);
    assert.deepEqual(base64url.decode(base64url.encode(data)), data);
    assert.deepEqual(base64url.decode(`${base64url.encode(data)}==`), data);
    assert.deepEqual(readCbor(writeCbor(data)), data);
    assert.deepEqual(unhex(hex(data)), data);
    assert.deepEqual(bigEndian(numberOf(data), size), data);
  }
  for (const number of [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    assert.equal(readCbor(writeCbor(number)), number);
    assert.ok(writeCbor(number).length <= 9);
  }
  for (const number of [-1, 0.5, 2 ** 53, Number.NaN]) {
    refused(() => writeCbor(number), "token.malformed");
  }
  for (const text of ["A", "AAAAA", "A A", "A\nA", "AA=A", "ñ"]) {
    refused(() => base64url.decode(text), "token.malformed");
  }
});

test("content is nested down to the published depth, and no claim takes memory", () => {
  const nested = (depth: number, start: number[], end: number[]) => Uint8Array.from([...Array<number[]>(depth).fill(start).flat(), 0, ...Array<number[]>(depth).fill(end).flat()]);
  for (const [start, end] of [[[0x81], []], [[0x9f], [0xff]], [[0xa1, 0], []], [[0xbf, 0], [0xff]]] as [number[], number[]][]) {
    assert.notEqual(readCbor(nested(15, start, end)), null);
    refused(() => readCbor(nested(16, start, end)), "token.malformed");
  }
  const huge = ["9affffffff", "9bffffffffffffffff", "bbffffffffffffffff", "5b7fffffffffffffff", "7affffffff", "a19affffffff", "d81c81d81d00"];
  const more = ["a2616100616101", "bf616100616101ff", "a1f600", "a1f500", "a18000", "61ff", "7f4161ff", "5f5f4161ffff", "1c", "1f", "f820", "c000"];
  for (const wrong of [...huge, ...more, "81".repeat(70_000), "9f".repeat(70_000), "c1".repeat(70_000)]) {
    refused(() => readCbor(unhex(wrong)), "token.malformed");
  }
});

function anyRequest(dice: Dice): PaymentRequest {
  const tags = () => Array.from({ length: dice.below(3) }, () => Array.from({ length: 1 + dice.below(2) }, () => dice.text()));
  const maybe = <T>(name: string, value: T) => (dice.below(2) ? { [name]: value } : {});
  return {
    transports: Array.from({ length: dice.below(3) }, () => ({ kind: dice.one(["post", "2", "255"]), target: dice.text(), tags: tags() })),
    mints: Array.from({ length: dice.below(3) }, () => dice.text()),
    unit: dice.below(2) ? "sat" : dice.text(),
    ...maybe("id", dice.text()),
    ...maybe("amount", 1 + dice.below(2 ** 53 - 1)),
    ...maybe("description", dice.text(60)),
    ...maybe("singleUse", !!dice.below(2)),
    ...maybe("lock", { kind: dice.one(["P2PK", "HTLC", "9"]), data: dice.text(), tags: tags() }),
  };
}

test("a request survives both forms", () => {
  const dice = new Dice("requests");
  for (let run = 0; run < 200; run++) {
    const request = anyRequest(dice);
    assert.deepEqual(readRequest(writeRequest(request)), request);
    if (request.unit === "\u0000") {
      continue; // in form B this text is the sign for sat
    }
    const written = writeRequestB(request);
    assert.equal(written, written.toUpperCase());
    assert.deepEqual(readAnyRequest(written), request);
    assert.deepEqual(readRequestB(written.toLowerCase()), request);
    refused(() => readRequestB(altered(written.toLowerCase(), 10 + dice.below(written.length - 10))), "token.malformed");
  }
});

// --- A series of codes

test("a message is read from any parts that suffice, in any order, whichever were missed", () => {
  const dice = new Dice("series");
  for (let run = 0; run < 25; run++) {
    const content = dice.bytes(1 + dice.below(2_000));
    const writer = new UrWriter(content, { longest: 10 + dice.below(110) });
    const reader = new UrReader();
    const numbers = dice.shuffled(Array.from({ length: 8 * writer.count + 20 }, (_, place) => place + 1));
    let shown = 0;
    for (const number of numbers) {
      if (reader.content) {
        break;
      }
      const before = reader.progress;
      const part = writer.part(number);
      reader.take(number % 2 ? part : part.toLowerCase());
      shown += 1;
      assert.ok(before <= reader.progress && reader.progress <= 1);
      assert.match(part, /^[A-Z0-9:/-]+$/); // the alphanumeric set of QR codes
    }
    assert.deepEqual(reader.content, content);
    assert.ok(shown >= writer.count);
  }
});

test("parts of two messages are not mixed, and a part again and again adds nothing", () => {
  const [one, two] = ["a", "b"].map((sign) => new UrWriter(new Uint8Array(500).fill(sign.charCodeAt(0)), { longest: 50 })) as [UrWriter, UrWriter];
  const reader = new UrReader();
  for (let run = 0; run < 20; run++) {
    reader.take(one.part(1));
    assert.deepEqual([reader.content, reader.progress], [null, 1 / one.count]);
  }
  refused(() => reader.take(two.part(2)), "token.malformed");
  for (let number = 2; number <= one.count; number++) {
    reader.take(one.part(number));
  }
  assert.deepEqual(reader.content, new Uint8Array(500).fill(97));
  reader.take(new UrWriter(Uint8Array.of(1)).part(1));
  assert.deepEqual(reader.content, new Uint8Array(500).fill(97));
});

test("a part with a letter that is another, or that claims the impossible, is refused", () => {
  const dice = new Dice("parts");
  const writer = new UrWriter(dice.bytes(300), { longest: 60 });
  for (let run = 0; run < 100; run++) {
    const part = writer.part(1 + dice.below(20));
    const at = 9 + dice.below(part.length - 9);
    const wrong = part.slice(0, at) + (part[at] === "A" ? "B" : "A") + part.slice(at + 1);
    refused(() => new UrReader().take(wrong), "token.malformed");
    refused(() => new UrReader().take(part.slice(0, at)), "token.malformed");
  }
  for (const wrong of ["", "ur:bytes/", "ur:bytes/1-2/", "ur:crypto-seed/1-2/aeae", "lnbc1", `ur:bytes/${"ae".repeat(50_000)}`]) {
    refused(() => new UrReader().take(wrong), "token.malformed");
  }
  const good = [1, 2, 20, 5, new Uint8Array(10)] as const;
  const claims: (readonly [readonly (number | Uint8Array | string)[], string])[] = [
    [[1, 2, 20, 5], "1-2"],
    [[1, 2, 20, 5, "text"], "1-2"],
    [[0, 2, 20, 5, new Uint8Array(10)], "0-2"],
    [[1, 0, 20, 5, new Uint8Array(10)], "1-0"],
    [[1, 2, 20, 5, new Uint8Array(0)], "1-2"],
    [[1, 2, 0, 5, new Uint8Array(10)], "1-2"],
    [[1, 2, 21, 5, new Uint8Array(10)], "1-2"],
    [[1, 3, 20, 5, new Uint8Array(10)], "1-3"],
    [[1, 2, 20, 2 ** 32, new Uint8Array(10)], "1-2"],
    [[2 ** 32, 2, 20, 5, new Uint8Array(10)], "4294967296-2"],
    [[1, 1_025, 1_025, 5, new Uint8Array(1)], "1-1025"],
    [[1, 1, 200_000, 5, new Uint8Array(200)], "1-1"],
    [good, "2-2"],
    [good, "1-3"],
    [good, "x"],
  ];
  for (const [content, sequence] of claims) {
    const reader = new UrReader();
    refused(() => reader.take(partOf(content, sequence)), "token.malformed");
    assert.deepEqual([reader.content, reader.progress], [null, 0]);
  }
  const reader = new UrReader();
  reader.take(partOf(good, "1-2"));
  refused(() => reader.take(partOf([2, 2, 20, 5, new Uint8Array(10).fill(1)], "2-2")), "token.malformed");
  assert.deepEqual([reader.content, reader.progress], [null, 0]);
  for (const content of [new Uint8Array(0), new Uint8Array(100_001)]) {
    refused(() => new UrWriter(content), "token.malformed");
  }
  refused(() => new UrWriter(new Uint8Array(50_000), { longest: 10 }), "token.malformed");
});

/** A part with any content and a right checksum, its words read off a writer: a single part is the words of its own CBOR. */
function partOf(content: readonly (number | Uint8Array | string)[], sequence: string): string {
  const alphabet = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const words = new UrWriter(alphabet, { longest: 1_000 }).part(1).slice(9);
  const wordOf = new Map([...writeCbor(alphabet)].map((byte, place) => [byte, words.slice(2 * place, 2 * place + 2)]));
  const data = writeCbor(content);
  return `ur:bytes/${sequence}/${[...joined(data, checksum(data))].map((byte) => wordOf.get(byte)).join("")}`;
}

function checksum(data: Uint8Array): Uint8Array {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return bigEndian((crc ^ 0xffffffff) >>> 0, 4);
}

// The published vectors of CBOR, Bech32, NUT-16, 18, 26, 28, 29, the error table and the spent filter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import * as bech32 from "../src/bech32.ts";
import { bigEndian, hex, joined, unhex, utf8 } from "../src/bytes.ts";
import { readCbor, writeCbor } from "../src/cbor.ts";
import type { Cbor, Writable } from "../src/cbor.ts";
import { generatorTimes, hashToCurve, multiply, readPoint, schnorrVerify, showPoint } from "../src/curve.ts";
import { AmparoError, codeOf } from "../src/errors.ts";
import { checkLock } from "../src/nut10_secret.ts";
import { UrReader, UrWriter } from "../src/nut16_ur.ts";
import { readRequest, writeRequest } from "../src/nut18_request.ts";
import type { PaymentRequest } from "../src/nut18_request.ts";
import { message } from "../src/nut20_quote.ts";
import { readAnyRequest, readRequestB, writeRequestB } from "../src/nut26_request.ts";
import { findSecretKey, hideKeys, signHidden } from "../src/nut28_p2bk.ts";
import { checkBatch } from "../src/nut29_batch.ts";
import { SpentFilter, filterItem } from "../src/spent_filter.ts";
import { readProof } from "../src/wire.ts";
import type { BatchMintRequest } from "../src/wire.ts";
import { document, refused, vectors } from "./support.ts";
import type { Vector } from "./support.ts";

const NOW = 1_760_000_000;

test("every number of the published table has a code of its own, or none where no mint of ours says it", () => {
  const table = vectors("cashu/error_codes").map((vector) => vector["code"] as number);
  const known = table.filter((number) => codeOf(number) !== "token.error");
  assert.deepEqual(table.filter((number) => !known.includes(number)), [11004, 11011, 11012, 20003, 20004, 20007]);
  assert.equal(new Set(known.map(codeOf)).size, known.length);
  assert.equal(codeOf(10000), "token.error");
});

function isPlain(decoded: unknown): boolean {
  if (typeof decoded === "object" && decoded !== null) {
    return Object.values(decoded).every(isPlain);
  }
  return typeof decoded !== "number" || Number.isInteger(decoded);
}

/** Maps as objects, so that what was read compares with JSON. */
function asJson(value: Cbor): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, each]) => [String(name), asJson(each)]));
  }
  return Array.isArray(value) ? value.map(asJson) : value;
}

function isWritable(value: unknown): value is Writable {
  return !(value instanceof Map) && (!Array.isArray(value) || value.every(isWritable)) && (typeof value !== "number" || value >= 0);
}

test("CBOR is read as published or refused on purpose", () => {
  for (const vector of vectors("cashu/rfc8949_cbor")) {
    const data = unhex(vector["hex"]);
    const [first = 0] = data;
    const isFloat = first >= 0xf9 && first <= 0xfb;
    const isWide = typeof vector["decoded"] === "number" && !Number.isSafeInteger(vector["decoded"]);
    const plain = "decoded" in vector && isPlain(vector["decoded"]) && first >> 5 !== 6 && first !== 0xf6 && !isFloat;
    if (plain && isWide) {
      assert.equal(typeof readCbor(data), "bigint");
    } else if (plain) {
      const found = readCbor(data);
      assert.deepEqual(asJson(found), vector["decoded"]);
      if (vector["roundtrip"] && isWritable(vector["decoded"])) {
        assert.deepEqual(writeCbor(vector["decoded"]), data);
      }
    } else if (first === 0xf6 || first === 0xf7) {
      assert.equal(readCbor(data), null);
    } else if ([2, 3, 5].includes(first >> 5)) {
      assert.notEqual(readCbor(data), null);
    } else {
      refused(() => readCbor(data), "token.malformed");
    }
    data.forEach((_, length) => refused(() => readCbor(data.subarray(0, length)), "token.malformed"));
    refused(() => readCbor(joined(data, Uint8Array.of(0))), "token.malformed");
  }
});

test("a published Bech32 text has a right or wrong checksum", () => {
  for (const { text, variant, valid } of vectors("cashu/bip350_bech32m")) {
    const prefix = text.toLowerCase().slice(0, Math.max(0, text.lastIndexOf("1")));
    const [constant, other] = variant === "bech32m" ? [bech32.BECH32M, bech32.BECH32] : [bech32.BECH32, bech32.BECH32M];
    refused(() => bech32.decode(text, prefix, other), "token.malformed");
    if (!valid) {
      refused(() => bech32.decode(text, prefix || "x", constant), "token.malformed");
      continue;
    }
    try {
      assert.equal(bech32.encode(prefix, bech32.decode(text, prefix, constant), constant), text.toLowerCase());
    } catch (error) {
      assert.match(String(error), /padded/); // right, but no whole bytes
    }
  }
});

test("a text is padded in one way only", () => {
  const signs = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  const written = (values: number[]) => {
    const head = [3, 0, "x".charCodeAt(0) & 31];
    const checksum = polymod([...head, ...values, 0, 0, 0, 0, 0, 0]) ^ bech32.BECH32M;
    const all = [...values, ...[5, 4, 3, 2, 1, 0].map((place) => (checksum >>> (5 * place)) & 31)];
    return `x1${all.map((value) => signs[value]).join("")}`;
  };
  assert.deepEqual(bech32.decode(written([0, 4]), "x", bech32.BECH32M), Uint8Array.of(1));
  assert.equal(bech32.encode("x", Uint8Array.of(1), bech32.BECH32M), written([0, 4]));
  for (const wrong of [[0, 5], [0, 4, 0], [0], Array<number>(9).fill(0)]) {
    refused(() => bech32.decode(written(wrong), "x", bech32.BECH32M), "token.malformed");
  }
});

/** The checksum's remainder, as BIP 173 states it: over the field of 32 elements, bit by bit. */
function polymod(values: number[]): number {
  return values.reduce((check, value) => {
    const low = ((check & 0x1ffffff) << 5) ^ value;
    const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
    return generators.reduce((sum, each, bit) => sum ^ (((check >>> 25) >> bit) & 1 ? each : 0), low);
  }, 1);
}

// --- NUT-16

test("a message is shown as the published parts and read from any that suffice", () => {
  for (const vector of vectors("cashu/nut16_ur")) {
    const parts = vector["parts"] as string[];
    const writer = new UrWriter(unhex(vector["message_hex"]), { longest: vector["longest_fragment"] });
    assert.deepEqual(parts.map((_, place) => writer.part(place + 1)), parts.map((part) => part.toUpperCase()));
    for (const order of [parts, [...parts].reverse(), [...parts.filter((_, place) => place % 2), ...parts]]) {
      const reader = new UrReader();
      order.forEach((part) => reader.take(part));
      assert.equal(hex(reader.content ?? new Uint8Array(0)), vector["message_hex"]);
      assert.equal(reader.progress, 1);
    }
  }
});

// --- NUT-18, 26

function packed(request: PaymentRequest): Vector {
  const { transports, id, amount, unit, mints, description, singleUse, lock } = request;
  const filled = (parts: readonly unknown[]) => (parts.length ? parts : undefined);
  const fields = {
    t: filled(transports.map(({ kind, target, tags }) => ({ t: kind, a: target, g: filled(tags) }))),
    i: id,
    a: amount,
    u: unit,
    m: filled(mints),
    d: description,
    s: singleUse,
    nut10: lock && { k: lock.kind, d: lock.data, t: filled(lock.tags) },
  };
  return JSON.parse(JSON.stringify(fields)) as Vector;
}

function unpacked(fields: Vector): PaymentRequest {
  const { t = [], i, a, u, m = [], d, s, nut10 } = fields;
  const transports = (t as Vector[]).map((each) => ({ kind: each["t"], target: each["a"], tags: each["g"] ?? [] }));
  const lock = nut10 && { kind: nut10.k, data: nut10.d, tags: nut10.t ?? [] };
  const all = { transports, mints: m, id: i, amount: a, unit: u, description: d, singleUse: s, lock };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as PaymentRequest;
}

test("a published request of form A holds the published content", () => {
  for (const vector of vectors("cashu/nut18_requests")) {
    const request = readRequest(vector["encoded"]);
    assert.deepEqual(packed(request), vector["encoded_request"] ?? vector["request"]);
    for (const each of [request, unpacked(vector["request"])]) {
      assert.deepEqual(readAnyRequest(` ${writeRequest(each)}\n`), each);
    }
  }
});

/** The key of an npub, or of an nprofile without relays. */
function keyIn(target: string): Uint8Array {
  return target.startsWith("npub") ? bech32.decode(target, "npub", bech32.BECH32) : bech32.decode(target, "nprofile", bech32.BECH32).slice(2);
}

/** The request with nostr targets that are keys without relays as bare keys: npub and nprofile both name them. */
function withPlainKeys(request: Vector): Vector {
  const bare = (each: Vector) => (each["t"] === "nostr" && keyIn(each["a"]).length === 32 ? { ...each, a: hex(keyIn(each["a"])) } : each);
  return request["t"] ? { ...request, t: (request["t"] as Vector[]).map(bare) } : request;
}

test("a published request of form B holds the published content and is written alike", () => {
  for (const vector of vectors("cashu/nut26_requests")) {
    const encoded = vector["encoded"] as string;
    const request = readRequestB(encoded);
    assert.deepEqual(withPlainKeys(packed(request)), withPlainKeys(vector["request"]));
    assert.equal(writeRequestB(request), encoded);
    assert.equal(writeRequestB(unpacked(vector["request"])), encoded);
    assert.deepEqual(readAnyRequest(encoded.toLowerCase()), request);
    for (const wrong of [encoded.slice(0, -1), `${encoded}Q`, encoded.slice(0, 20) + encoded.slice(20).toLowerCase(), encoded.replace("CREQB", "CREQC")]) {
      refused(() => readAnyRequest(wrong), "token.malformed");
    }
    refused(() => readRequestB(encoded.slice(0, 30) + (encoded[30] === "Q" ? "P" : "Q") + encoded.slice(31)), "token.malformed");
  }
});

test("a request is found in the published URIs", () => {
  const found = document("cashu/nut26_requests");
  const encodedOf = (name: string) => (found["vectors"] as Vector[]).find((vector) => vector["name"] === name)?.["encoded"] as string;
  for (const { uri, request_of } of found["uris"] as { uri: string; request_of: string }[]) {
    assert.deepEqual(readAnyRequest(uri), readRequestB(encodedOf(request_of)));
  }
  const encoded = (found["vectors"] as Vector[])[0]?.["encoded"] as string;
  for (const uri of ["bitcoin:", "bitcoin:?creq=", `bitcoin:?creq=${encoded}&creq=${encoded}`, `bitcoin:${encoded}`]) {
    refused(() => readAnyRequest(uri), "token.malformed");
  }
});

// --- NUT-28, 29

test("a key is hidden and found as published", () => {
  const found = document("cashu/nut28_p2bk");
  const ephemeral = unhex(found["ephemeral_secret_hex"]);
  const secretKey = unhex(found["receiver_secret_hex"]);
  const ephemeralPoint = found["ephemeral_point_hex"] as string;
  const point = found["receiver_point_hex"] as string;
  const natural = showPoint(generatorTimes(secretKey));
  assert.equal(showPoint(generatorTimes(ephemeral)), ephemeralPoint);
  assert.equal(showPoint(multiply(readPoint(point), ephemeral)).slice(2), found["shared_x_hex"]);
  const all = (each: string) => hideKeys(Array<string>(11).fill(each), ephemeral);
  const [hiddenKeys, fromX, others] = [all(point), all(point.slice(2)), all(natural)];
  for (const { slot, blinded_point_hex: hidden, secret_negated_hex, secret_standard_hex } of vectors("cashu/nut28_p2bk")) {
    assert.equal(hiddenKeys[slot], hidden);
    assert.equal(fromX[slot], hidden);
    const secret = findSecretKey(hidden, slot, { ephemeralPoint, secretKey });
    assert.equal(hex(secret), secret_negated_hex);
    assert.equal(showPoint(generatorTimes(secret)).slice(2), hidden.slice(2));
    // The same for the key with the other parity: then the standard secret is the one.
    assert.equal(hex(findSecretKey(others[slot] ?? "", slot, { ephemeralPoint, secretKey })), secret_standard_hex);
    refused(() => findSecretKey(hidden, slot + 1, { ephemeralPoint, secretKey }), "token.lock_not_open");
    refused(() => findSecretKey(hidden, slot, { ephemeralPoint, secretKey: ephemeral }), "token.lock_not_open");
    refused(() => findSecretKey(hidden, slot, { ephemeralPoint: point, secretKey }), "token.lock_not_open");
  }
  refused(() => hideKeys(Array<string>(12).fill(point), ephemeral), "token.malformed");
});

test("the published hidden token is opened by its receiver alone", () => {
  const found = document("cashu/nut28_p2bk");
  const proof = readProof(found["proof"]);
  const signed = signHidden(proof, unhex(found["receiver_secret_hex"]));
  assert.ok(!("p2pk_e" in signed));
  checkLock(signed, { now: NOW });
  refused(() => signHidden(proof, unhex(found["ephemeral_secret_hex"])), "token.lock_not_open");
  refused(() => signHidden(signed, unhex(found["receiver_secret_hex"])), "token.malformed");
});

const REFUSALS: Record<string, string> = {
  "empty quotes array": "token.malformed",
  "duplicate quote IDs": "token.duplicate_quotes",
  "signature length mismatch": "token.quote_signature_false",
  "signed in the form before version 1": "token.quote_signature_false",
};

test("a published batch is accepted or refused as published", () => {
  for (const vector of vectors("cashu/nut29_batch_mint")) {
    const request = vector["mint_request"] as BatchMintRequest;
    const owners = vector["quote_pubkeys_hex"] as (string | null)[];
    if (vector["valid"]) {
      checkBatch(request, owners, { most: 10 });
      if (vector["msg_to_sign_hex"]) {
        const signed = message(request.quotes[0] ?? "", request.outputs);
        assert.deepEqual([hex(signed), hex(sha256(signed))], [vector["msg_to_sign_hex"], vector["msg_to_sign_sha256_hex"]]);
      }
      continue;
    }
    const code = REFUSALS[vector["name"]] ?? assert.fail(vector["name"]);
    refused(() => checkBatch(request, owners, { most: 10 }), code);
    assert.ok(vector["code"] === undefined || codeOf(vector["code"]) === code);
  }
});

test("the old published batch is signed for another quote than it names", () => {
  const vector = vectors("cashu/nut29_batch_mint").find((each) => each["name"] === "signed in the form before version 1");
  const { outputs, signatures } = vector?.["mint_request"] as BatchMintRequest;
  const points = outputs.map((output) => output.B_).join("");
  schnorrVerify(utf8(`locked-quote${points}`), signatures?.[0] ?? "", readPoint(vector?.["quote_pubkeys_hex"][0]));
});

// --- the filter of spent tokens

test("the published filters have the recorded tokens and take no others for spent than recorded", () => {
  for (const vector of vectors("cashu/spent_filter_v1")) {
    const keyset = vector["keyset_id"] as string;
    const filter = new SpentFilter(unhex(vector["filter_hex"]));
    assert.deepEqual([filter.keyset, filter.day, filter.count, filter.bits], [keyset, vector["day"], vector["count"], vector["bits"]]);
    const point = (number: number) => hashToCurve(utf8(`spent filter ${number}`)).toBytes(true);
    const spent = Array.from({ length: vector["count"] }, (_, number) => point(number));
    const items = spent.map((each) => filterItem(keyset, each));
    assert.deepEqual(spent.slice(0, 3).map(hex), vector["first_Ys_hex"]);
    assert.deepEqual(items.slice(0, 3).map(hex), vector["first_items_hex"]);
    assert.ok(items.every((item) => filter.has(item)));
    const strangers = Array.from({ length: 40 }, (_, place) => 10_000 + place);
    assert.deepEqual(strangers.filter((number) => filter.has(filterItem(keyset, point(number)))), vector["not_spent_taken_for_spent"]);
  }
});

test("a filter that is cut, longer or of another version is refused", () => {
  const [, vector] = vectors("cashu/spent_filter_v1");
  const data = unhex(vector?.["filter_hex"]);
  for (let length = 0; length < data.length; length++) {
    const cut = data.subarray(0, length);
    if (length < 59) {
      refused(() => new SpentFilter(cut), "token.filter_malformed");
    } else {
      judged(cut, unhex(vector?.["first_items_hex"][0]));
    }
  }
  refused(() => new SpentFilter(joined(data, new Uint8Array(400))), "token.filter_malformed");
  for (const place of [0, 1, 2, 3, 4, 5, 43, 44, 49, 51, 54, 55, 58]) {
    judged(data.map((byte, at) => (at === place ? byte ^ 0x80 : byte)), unhex(vector?.["first_items_hex"][0]));
  }
});

/** A damaged filter answers or refuses in our words; it never breaks. */
function judged(data: Uint8Array, item: Uint8Array): void {
  try {
    assert.equal(typeof new SpentFilter(data).has(item), "boolean");
  } catch (error) {
    assert.ok(error instanceof AmparoError && error.code === "token.filter_malformed", String(error));
  }
}

/** A filter of one bucket with this code. */
function oneBucket(bits: number, count: number, code: string): Uint8Array {
  const numbers = joined(bigEndian(20_500, 4), bigEndian(count, 8), bigEndian(1, 4), bigEndian(0, 4));
  return joined(unhex("414d534601"), Uint8Array.of(bits), unhex(`01${"ab".repeat(32)}`), numbers, unhex(code));
}

test("a bucket is read to its last bit and no further, and has no room for more than it says", () => {
  // One item of 8 bits: 0, then the remainder 00000001, then ones to the end of the byte.
  const item = (number: number) => bigEndian(BigInt(number) << 56n, 8);
  assert.ok(new SpentFilter(oneBucket(8, 1, "00ff")).has(item(1)));
  assert.ok(!new SpentFilter(oneBucket(8, 1, "00ff")).has(item(2)));
  refused(() => new SpentFilter(oneBucket(8, 1, "00")).has(item(0)), "token.filter_malformed");
  refused(() => new SpentFilter(oneBucket(6, 8, "ff".repeat(10))), "token.filter_malformed");
  assert.ok(!new SpentFilter(oneBucket(6, 8, "ff".repeat(9))).has(item(0)));
  refused(() => new SpentFilter(oneBucket(8, 1, "00ff")).has(new Uint8Array(7)), "token.filter_malformed");
});

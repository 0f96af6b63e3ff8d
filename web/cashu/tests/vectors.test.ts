// Every published vector of NUT-00 to NUT-13 and NUT-20, valid and invalid, and the smallest changes that break a valid one.
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import * as base64url from "../src/base64url.ts";
import { hex, unhex, utf8 } from "../src/bytes.ts";
import { add, generatorTimes, hashToCurve, multiply, readPoint, schnorrVerify, showPoint, subtract } from "../src/curve.ts";
import { blind, unblind } from "../src/nut00_blind.ts";
import { readRaw, readToken, writeRaw, writeToken } from "../src/nut00_token.ts";
import type { Token } from "../src/nut00_token.ts";
import { checkKeyset, keysetId } from "../src/nut02_keyset.ts";
import { checkLock, checkLocks, readLock, sigAllMessage } from "../src/nut10_secret.ts";
import { challenge, checkProof, checkSignature } from "../src/nut12_dleq.ts";
import { derive } from "../src/nut13_secrets.ts";
import { checkClaim, message } from "../src/nut20_quote.ts";
import { readProof } from "../src/wire.ts";
import type { BlindedMessage, Keyset, Proof } from "../src/wire.ts";
import { altered, document, key, namesOf, refused, vectors } from "./support.ts";
import type { Vector } from "./support.ts";

const NOW = 1_760_000_000;

/** Cases that need the quotes of a mint. */
const AT_A_MINT = ["nut29_mint_cases"];

test("every published file of vectors is run by a test of this package", () => {
  const folder = new URL(".", import.meta.url);
  const tests = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8")).join("");
  assert.deepEqual(namesOf("cashu").filter((name) => !tests.includes(`"cashu/${name}"`)), AT_A_MINT);
});

// --- NUT-00

test("a message becomes the published point", () => {
  for (const vector of vectors("cashu/nut00_hash_to_curve")) {
    assert.equal(showPoint(hashToCurve(unhex(vector["message_hex"]))), vector["point_Y_hex"]);
  }
});

test("a secret is blinded to the published point", () => {
  for (const vector of vectors("cashu/nut00_blinded_messages")) {
    const factor = unhex(vector["blinding_factor_r_hex"]);
    assert.equal(showPoint(add(hashToCurve(unhex(vector["secret_x_hex"])), generatorTimes(factor))), vector["B__hex"]);
    assert.deepEqual(showPoint(blind("ñ", factor)), showPoint(add(hashToCurve(utf8("ñ")), generatorTimes(factor))));
  }
});

test("a blind signature is the published point and unblinds", () => {
  for (const vector of vectors("cashu/nut00_blind_signatures")) {
    const mint = unhex(vector["mint_private_key_hex"]);
    const signed = multiply(readPoint(vector["B__hex"]), mint);
    assert.equal(showPoint(signed), vector["C__hex"]);
    const plain = unblind(signed, key(5), generatorTimes(mint));
    assert.equal(showPoint(plain), showPoint(subtract(signed, multiply(generatorTimes(mint), key(5)))));
  }
});

function contentOf(packed: Vector): Token {
  const groups = packed["t"] as Vector[];
  const proofs = groups.flatMap((group) =>
    (group["p"] as Vector[]).map((proof) => ({
      amount: proof["a"] as number,
      id: group["i"].$bytes_hex as string,
      secret: proof["s"] as string,
      C: proof["c"].$bytes_hex as string,
    })),
  );
  return { mint: packed["m"], unit: packed["u"], proofs };
}

function textOf(vector: Vector): string {
  const raw = unhex(vector["serialized_raw_hex"] ?? "");
  return vector["serialized"] ?? "cashuB" + base64url.encode(raw.subarray(5));
}

test("a published token holds the published content, under known keysets only", () => {
  for (const vector of vectors("cashu/nut00_token_v4")) {
    const expected = contentOf(vector["token"]);
    const keysets = expected.proofs.map((proof) => proof.id).filter((id, place, all) => all.indexOf(id) === place);
    const text = textOf(vector);
    for (const each of [text, `cashu:${text.replace(/=+$/, "")}\n`, writeToken(readToken(text, { keysets }))]) {
      assert.deepEqual(readToken(each, { keysets }), expected);
    }
    const [short = "", ...others] = keysets;
    for (const known of [others, [altered(short), ...others], [`${short}00`, `${short}01`, ...others]]) {
      refused(() => readToken(text, { keysets: known }), "token.malformed");
    }
    const plain = text.replace(/=+$/, "");
    for (let length = 0; length < plain.length; length++) {
      refused(() => readToken(plain.slice(0, length), { keysets }), "token.malformed");
    }
    for (const wrong of [`${plain}AAAA`, plain.replace("cashuB", "cashuA"), plain.replace("cashuB", "")]) {
      refused(() => readToken(wrong, { keysets }), "token.malformed");
    }
    if (vector["serialized_raw_hex"]) {
      const data = unhex(vector["serialized_raw_hex"]);
      assert.deepEqual(readRaw(data, { keysets }), expected);
      assert.deepEqual(readRaw(writeRaw(expected), { keysets }), expected);
      data.forEach((_, length) => refused(() => readRaw(data.subarray(0, length), { keysets }), "token.malformed"));
    }
  }
});

test("a published token of version 3 is read, and refused without its prefix", () => {
  for (const vector of vectors("cashu/nut00_token_v3")) {
    if (!vector["valid"]) {
      refused(() => readToken(vector["serialized"], { keysets: ["009a1f293253e41e"] }), "token.malformed");
      continue;
    }
    const [entry] = vector["token"].token as Vector[];
    const keysets = (entry?.["proofs"] as Proof[]).map((proof) => proof.id).filter((id, place, all) => all.indexOf(id) === place);
    const token = readToken(vector["serialized"], { keysets });
    assert.deepEqual(token, { mint: entry?.["mint"], unit: vector["token"].unit, proofs: entry?.["proofs"] });
    assert.deepEqual(readRaw(writeRaw(token), { keysets }), token);
    refused(() => readToken(vector["serialized"], { keysets: [] }), "token.malformed");
  }
});

// --- NUT-01, 02

test("published keys are points or refused", () => {
  for (const vector of vectors("cashu/nut01_keys")) {
    const keyset = { id: keysetId(vector["keys"], { unit: "sat" }), unit: "sat", active: true, keys: vector["keys"] };
    if (vector["valid"]) {
      checkKeyset(keyset);
    } else {
      refused(() => checkKeyset(keyset), "token.keyset_unknown");
      assert.throws(() => checkKeyset(keyset), /no point/);
    }
  }
});

function keysetOf(vector: Vector): Keyset {
  const { keyset_id: id, unit = "sat", keys, input_fee_ppk, final_expiry } = vector;
  return { id, unit, active: true, keys, input_fee_ppk, final_expiry };
}

test("a keyset has the published id and no changed one has", () => {
  for (const vector of vectors("cashu/nut02_keyset_id_v2")) {
    const good = keysetOf(vector);
    assert.equal(keysetId(good.keys, good), good.id);
    checkKeyset(good);
    const [last = "", own = ""] = Object.entries(good.keys).at(-1) ?? [];
    const changes: Partial<Keyset>[] = [
      { id: altered(good.id) },
      { id: "00" + good.id.slice(2, 16) },
      { unit: "usd" },
      { input_fee_ppk: (good.input_fee_ppk ?? 0) + 1 },
      { final_expiry: (good.final_expiry ?? 0) + 1 },
      { keys: { ...good.keys, [last]: altered(own) } },
      { keys: Object.fromEntries(Object.entries(good.keys).slice(0, -1)) },
      ...["3", "x", "01", "+1", " 1", "1 ", "0001", "١", "１"].map((amount) => ({ keys: { ...good.keys, [amount]: own } })),
      { keys: {} },
    ];
    changes.forEach((change) => refused(() => checkKeyset({ ...good, ...change }, { foreign: true }), "token.keyset_unknown"));
  }
});

test("a published keyset of version 1 is known only as somebody else's", () => {
  for (const vector of vectors("cashu/nut02_keyset_id_v1")) {
    const keyset = keysetOf(vector);
    checkKeyset(keyset, { foreign: true });
    refused(() => checkKeyset(keyset), "token.keyset_unknown");
    const fewer = Object.fromEntries(Object.entries(keyset.keys).slice(0, -1));
    refused(() => checkKeyset({ ...keyset, keys: fewer }, { foreign: true }), "token.keyset_unknown");
    for (const id of ["02" + "00".repeat(32), "", "00", keyset.id.toUpperCase() + "0"]) {
      refused(() => checkKeyset({ ...keyset, id }, { foreign: true }), "token.keyset_unknown");
    }
  }
});

// --- NUT-11

const LOCKS = vectors("cashu/nut11_p2pk");
const PROOFS = LOCKS.filter((vector) => vector["type"] === "proof");
const REQUESTS = LOCKS.filter((vector) => vector["type"] === "swap" || vector["type"] === "melt");

test("a published lock that is open opens, with these signatures only, and one that is shut stays shut", () => {
  assert.equal(PROOFS.length + REQUESTS.length, LOCKS.length);
  for (const vector of PROOFS) {
    const proof = readProof(vector["proof"]);
    if (!vector["valid"]) {
      refused(() => checkLock(proof, { now: NOW }), "token.lock_not_open");
      continue;
    }
    checkLock(proof, { now: NOW });
    const lock = readLock(proof.secret);
    if (vector["pathway"] === "refund") {
      refused(() => checkLock(proof, { now: (lock?.locktime ?? 0) - 1 }), "token.lock_not_open");
    }
    // At the lock time itself only the main keys count: after it, a refund key among them would open it on its own.
    const now = lock?.locktime === null || vector["pathway"] === "refund" ? NOW : (lock?.locktime ?? NOW);
    const signatures = (JSON.parse(proof.witness ?? "") as { signatures: string[] }).signatures;
    signatures.forEach((signature, place) => {
      for (const wrong of [altered(signature), altered(signature, 0), "", signature.slice(0, -2), `${signature}00`, `zz${signature.slice(2)}`]) {
        const witness = JSON.stringify({ signatures: signatures.with(place, wrong) });
        refused(() => checkLock({ ...proof, witness }, { now }), "token.lock_not_open");
      }
    });
    for (const witness of [undefined, "", "{}", "[]", '{"signatures":[]}', '{"signatures":5}', '{"signatures":[5]}']) {
      refused(() => checkLock({ ...proof, witness }, { now }), "token.lock_not_open");
    }
  }
});

test("one signature given twice counts once", () => {
  const vector = PROOFS.find((each) => each["name"] === "SIG_INPUTS: 2-of-3 with one signature");
  const proof = readProof(vector?.["proof"]);
  const [signature = ""] = (JSON.parse(proof.witness ?? "") as { signatures: string[] }).signatures;
  const witness = JSON.stringify({ signatures: [signature, signature, signature.toUpperCase()] });
  refused(() => checkLock({ ...proof, witness }, { now: NOW }), "token.lock_not_open");
});

function requestOf(vector: Vector): { inputs: Proof[]; outputs: BlindedMessage[]; quote: string | undefined } {
  const { inputs, outputs, quote } = vector["request"] as Vector;
  return { inputs: (inputs as unknown[]).map((each) => readProof(each)), outputs: outputs ?? [], quote };
}

test("a published request that is signed as a whole opens, and no other request does", () => {
  for (const vector of REQUESTS.filter((each) => each["kind"] !== "HTLC")) {
    const { inputs, outputs, quote } = requestOf(vector);
    const check = (some: Proof[], more: BlindedMessage[], other?: string) => checkLocks(some, { outputs: more, quote: other }, { now: NOW });
    if (!vector["valid"]) {
      refused(() => check(inputs, outputs, quote), "token.lock_not_open");
      continue;
    }
    check(inputs, outputs, quote);
    const signed = sigAllMessage(inputs, { outputs, quote });
    if (vector["msg_to_sign"]) {
      assert.deepEqual(signed, utf8(vector["msg_to_sign"]));
      assert.equal(hex(sha256(signed)), vector["msg_to_sign_sha256_hex"]);
    }
    const [first, ...rest] = inputs as [Proof, ...Proof[]];
    refused(() => check([...inputs, first], outputs, quote), "token.lock_not_open");
    refused(() => check([{ ...first, witness: undefined }, ...rest], outputs, quote), "token.lock_not_open");
    refused(() => check(inputs, [...outputs, { amount: 1, id: first.id, B_: first.C }], quote), "token.lock_not_open");
    refused(() => check(inputs, outputs, "another quote"), "token.lock_not_open");
  }
});

test("a coin that is signed with the whole request, or of another kind, is refused where coins are judged one by one", () => {
  for (const vector of REQUESTS) {
    for (const proof of requestOf(vector).inputs) {
      refused(() => checkLock(proof, { now: NOW }), "token.malformed");
      refused(() => readLock(proof.secret), "token.malformed");
    }
    if (vector["kind"] === "HTLC") {
      const { inputs, outputs, quote } = requestOf(vector);
      refused(() => checkLocks(inputs, { outputs, quote }, { now: NOW }), "token.malformed");
    }
  }
});

test("a request judges a published proof as it stands alone", () => {
  for (const vector of PROOFS) {
    const proof = readProof(vector["proof"]);
    const both = [{ amount: 1, id: proof.id, secret: "plain", C: proof.C }, proof];
    if (vector["valid"]) {
      checkLocks(both, {}, { now: NOW });
    } else {
      refused(() => checkLocks(both, {}, { now: NOW }), "token.lock_not_open");
    }
  }
});

// --- NUT-12

function dleqVector(type: string): Vector {
  return vectors("cashu/nut12_dleq").find((vector) => vector["type"] === type) ?? assert.fail(type);
}

test("a challenge is the published hash", () => {
  const vector = dleqVector("hash_e");
  const points = ["R1", "R2", "K", "C_"].map((name) => readPoint(vector[name]));
  assert.equal(hex(challenge(...points)), vector["hash_hex"]);
  assert.notEqual(hex(challenge(...points.reverse())), vector["hash_hex"]);
});

test("the published deterministic proof of a mint is proved", () => {
  const vector = dleqVector("deterministic_nonce");
  const points = { key: readPoint(vector["A_hex"]), blinded: readPoint(vector["B__hex"]), signed: readPoint(vector["C__hex"]) };
  checkSignature({ e: vector["e_hex"], s: vector["s_hex"] }, points);
});

test("a published blind signature is proved and one changed digit is not", () => {
  const vector = dleqVector("blind_signature");
  const { dleq, C_ } = vector["blind_signature"] as Vector;
  const points = { key: readPoint(vector["A_hex"]), blinded: readPoint(vector["B__hex"]), signed: readPoint(C_) };
  checkSignature(dleq, points);
  for (let place = 0; place < 64; place += 7) {
    for (const name of ["e", "s"]) {
      refused(() => checkSignature({ ...dleq, [name]: altered(dleq[name], place) }, points), "token.signature_not_proved");
    }
  }
  for (const name of ["key", "blinded", "signed"]) {
    refused(() => checkSignature(dleq, { ...points, [name]: generatorTimes(key(9)) }), "token.signature_not_proved");
  }
  refused(() => checkSignature(undefined, points), "token.signature_not_proved");
});

test("a published token is proved and one changed digit is not", () => {
  const vector = dleqVector("proof");
  const mint = readPoint(vector["A_hex"]);
  const proof = readProof(vector["proof"]);
  checkProof(proof, mint);
  const { e = "", s = "", r = "" } = proof.dleq ?? {};
  const wrong: Partial<Proof>[] = [
    { secret: altered(proof.secret) },
    { C: vector["A_hex"] },
    { dleq: undefined },
    { dleq: { e, s } },
    { dleq: { e, s, r: altered(r) } },
    { dleq: { e: altered(e), s, r } },
    { dleq: { e, s: altered(s), r } },
  ];
  wrong.forEach((change) => refused(() => checkProof({ ...proof, ...change }, mint), "token.signature_not_proved"));
  refused(() => checkProof(proof, generatorTimes(key(9))), "token.signature_not_proved");
});

// --- NUT-13

function seedIn(found: Vector): Uint8Array {
  return pbkdf2Sync(found["mnemonic"], `mnemonic${found["passphrase"] ?? ""}`, 2_048, 64, "sha512");
}

test("a seed gives the published secrets", () => {
  const found = document("cashu/nut13_v2");
  const seed = seedIn(found);
  for (const { counter, secret, r_hex } of vectors("cashu/nut13_v2")) {
    const blank = derive(seed, found["keyset_id"], counter);
    assert.deepEqual([blank.secret, hex(blank.factor)], [secret, r_hex]);
    assert.notEqual(derive(seed, altered(found["keyset_id"]), counter).secret, secret);
  }
});

test("a seed of another length gives no secret", () => {
  const found = document("cashu/nut13_v2")["keyset_id"] as string;
  for (const length of [0, 32, 63, 65]) assert.throws(() => derive(new Uint8Array(length), found, 0), { code: "token.malformed" });
});

test("secrets are derived for keysets of version 2 only, by a whole number", () => {
  const found = document("cashu/nut13_v1");
  assert.equal(found["supported"], false);
  const seed = seedIn(found);
  const good = document("cashu/nut13_v2")["keyset_id"] as string;
  for (const keyset of [found["keyset_id"], "", "01" + "0".repeat(62), "00" + "0".repeat(64), "01" + "z".repeat(64), `${good}\n`]) {
    refused(() => derive(seed, keyset, 0), "token.malformed");
  }
  for (const counter of [-1, 0.5, Number.NaN, 2 ** 53]) {
    refused(() => derive(seed, good, counter), "token.malformed");
  }
});

// --- NUT-20

test("a claim signs the published message and no other", () => {
  for (const vector of vectors("cashu/nut20_mint_quote_signature_v1")) {
    const { quote, outputs, signature } = vector["mint_request"] as { quote: string; outputs: BlindedMessage[]; signature: string };
    const owner = vector["quote_pubkey_hex"] as string;
    assert.equal(hex(message(quote, outputs)), vector["msg_to_sign_hex"]);
    assert.equal(hex(sha256(message(quote, outputs))), vector["msg_to_sign_sha256_hex"]);
    checkClaim(quote, outputs, signature, owner);
    const [first, ...rest] = outputs as [BlindedMessage, ...BlindedMessage[]];
    for (const changed of [[], rest, [...outputs].reverse(), [...outputs, first], [{ ...first, amount: first.amount + 1 }, ...rest], [{ ...first, B_: owner }, ...rest]]) {
      refused(() => checkClaim(quote, changed, signature, owner), "token.quote_signature_false");
    }
    for (const wrong of [undefined, null, "", "zz", altered(signature), altered(signature, 0), signature.slice(0, -2)]) {
      refused(() => checkClaim(quote, outputs, wrong, owner), "token.quote_signature_false");
    }
    refused(() => checkClaim(`${quote}0`, outputs, signature, owner), "token.quote_signature_false");
    refused(() => checkClaim(quote, outputs, signature, first.B_), "token.quote_signature_false");
    for (const amount of [-1, 0.5, 2 ** 60]) {
      refused(() => message(quote, [{ ...first, amount }]), "token.amount_refused");
    }
  }
});

test("a claim over the old message is refused even when well signed", () => {
  for (const vector of vectors("cashu/nut20_mint_quote_signature_legacy")) {
    const { quote, outputs, signature } = vector["mint_request"] as { quote: string; outputs: BlindedMessage[]; signature: string };
    const old = utf8(quote + outputs.map((output) => output.B_).join(""));
    const owner = vector["quote_pubkey_hex"] as string;
    if (vector["valid"]) {
      schnorrVerify(old, signature, readPoint(owner));
    } else {
      refused(() => schnorrVerify(old, signature, readPoint(owner)), "token.lock_not_open");
    }
    refused(() => checkClaim(quote, outputs, signature, owner), "token.quote_signature_false");
  }
});

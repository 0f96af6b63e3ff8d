// Payment requests and the payments that answer them (NUT-18, 26), and what a mint answers (wire.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as bech32 from "../src/bech32.ts";
import { joined, unhex, utf8 } from "../src/bytes.ts";
import { AmparoError, codeOf, isError, renamed } from "../src/errors.ts";
import { checkLocks, readLock, signLock, writeLock } from "../src/nut10_secret.ts";
import { checkPayment, lockSecret, readPayment, writeRequest } from "../src/nut18_request.ts";
import type { Payment, PaymentRequest } from "../src/nut18_request.ts";
import { readAnyRequest, readRequestB, writeRequestB } from "../src/nut26_request.ts";
import { checkBatch, checkQuotes, signBatch } from "../src/nut29_batch.ts";
import { readJson } from "../src/shapes.ts";
import { readClaimQuote, readKeys, readKeyset, readKeysets, readMeltQuote, readProof, readRefusal, readRestored, readSignatures, readStates } from "../src/wire.ts";
import type { Proof } from "../src/wire.ts";
import { key, pointOfKey, refused } from "./support.ts";

const NOW = 1_760_000_000;
const KEYSET = `01${"ab".repeat(32)}`;
const MINT = "https://mint.example.org";
const [SHOP, PAYER, THIEF] = [pointOfKey(key(6_001)), pointOfKey(key(6_002)), pointOfKey(key(6_003))];
const REQUEST: PaymentRequest = {
  id: "7f4a2b39",
  amount: 700,
  unit: "food",
  mints: [`${MINT}/`],
  transports: [{ kind: "post", target: "https://shop.example.org/pay", tags: [["a", "b", "c"]] }],
  lock: { kind: "P2PK", data: SHOP, tags: [] },
};

function coin(secret: string, amount = 700): Proof {
  return { amount, id: KEYSET, secret, C: pointOfKey(key(1)) };
}

function locked(more: { to?: string; locktime?: number; refund?: string } = {}): string {
  const { to = SHOP, locktime = NOW + 100, refund = PAYER } = more;
  return writeLock("5f", to, { locktime, refund });
}

function payment(proofs: Proof[], changes: Partial<Payment> = {}): Payment {
  return { mint: MINT, unit: "food", proofs, id: "7f4a2b39", ...changes };
}

test("a payment that is what was asked for is taken", () => {
  const check = (request: PaymentRequest, answer: Payment) => checkPayment(request, answer, { lockedUntil: NOW + 100 });
  check(REQUEST, payment([coin(locked(), 300), coin(locked(), 400)]));
  check(REQUEST, payment([coin(locked({ locktime: NOW + 200, refund: THIEF }))], { mint: `${MINT}//`, id: undefined }));
  check(REQUEST, payment([coin(JSON.stringify(["P2PK", { nonce: "5f", data: `03${SHOP.slice(2)}` }]))]));
  check({ mints: [], transports: [] }, payment([coin("plain", 1)]));
  check({ ...REQUEST, lock: undefined }, payment([coin("plain")]));
});

test("a payment that is something else is refused", () => {
  const check = (proofs: Proof[], changes: Partial<Payment> = {}) =>
    refused(() => checkPayment(REQUEST, payment(proofs, changes), { lockedUntil: NOW + 100 }), "token.request_not_met");
  const good = coin(locked());
  check([good], { mint: "https://other.example.org" });
  check([good], { unit: "usd" });
  check([good], { id: "another" });
  check([coin(locked(), 699)]);
  check([coin(locked(), 0), good]);
  check([]);
  check([coin("plain")]);
  check([coin(locked({ to: THIEF }))]);
  check([coin(locked({ locktime: NOW + 99 }))]);
  check([good, coin('["P2PK",{"nonce":"5f","data":"02"}]')]);
  check([good, coin('["HTLC",{"nonce":"5f","data":"02"}]')]);
  check([coin(JSON.stringify(["P2PK", { nonce: "5f", data: SHOP, tags: [["pubkeys", THIEF]] }]))]);
  check([coin(JSON.stringify(["P2PK", { nonce: "5f", data: SHOP, tags: [["sigflag", "SIG_ALL"]] }]))]);
});

test("a lock that we cannot make is refused by the payer, never left out", () => {
  assert.deepEqual(readLock(lockSecret({ kind: "P2PK", data: SHOP, tags: [["locktime", "5"]] }, "5f"))?.locktime, 5);
  for (const option of [{ kind: "HTLC", data: SHOP, tags: [] }, { kind: "2", data: SHOP, tags: [] }, { kind: "P2PK", data: SHOP, tags: [["n_sigs", "2"]] }]) {
    refused(() => lockSecret(option, "5f"), "token.malformed");
    refused(() => checkPayment({ ...REQUEST, lock: option }, payment([coin(locked())]), { lockedUntil: NOW }), "token.malformed");
  }
  refused(() => lockSecret({ kind: "P2PK", data: "02", tags: [] }, "5f"), "token.bad_point");
});

test("a request out of bounds is not written", () => {
  const tag = ["t"];
  const changes: Partial<PaymentRequest>[] = [
    { unit: undefined },
    { amount: 0 },
    { amount: -1 },
    { amount: 0.5 },
    { amount: 2 ** 53 },
    { mints: Array<string>(33).fill("m") },
    { transports: Array(33).fill({ kind: "post", target: "x", tags: [] }) },
    { lock: { kind: "P2PK", data: SHOP, tags: Array<string[]>(33).fill(tag) } },
    { lock: { kind: "P2PK", data: SHOP, tags: [Array<string>(33).fill("t")] } },
    { lock: { kind: "P2PK", data: SHOP, tags: [[]] } },
    { description: "x".repeat(2_049) },
    { id: "ñ".repeat(1_025) },
    { description: "\ud800" },
  ];
  for (const change of changes) {
    refused(() => writeRequest({ ...REQUEST, ...change }), "token.malformed");
    refused(() => writeRequestB({ ...REQUEST, ...change }), "token.malformed");
  }
  for (const kind of ["tor", "256", "-1", "1000", "²", "", "01"]) {
    refused(() => writeRequestB({ ...REQUEST, lock: { kind, data: "x", tags: [] } }), "token.malformed");
  }
  const withTag = (length: number) => ({ ...REQUEST, lock: { kind: "P2PK", data: SHOP, tags: [["t", "x".repeat(length)]] } });
  assert.deepEqual(readAnyRequest(writeRequestB(withTag(255))), withTag(255));
  refused(() => writeRequestB(withTag(256)), "token.malformed");
});

test("form B is cut, doubled or padded nowhere", () => {
  const read = (content: string) => readRequestB(bech32.encode("creqb", unhex(content), bech32.BECH32M));
  assert.deepEqual(read("7f0003616263"), { transports: [], mints: [] }); // unknown fields are skipped
  for (const wrong of ["01", "0100", "010002 61".replace(" ", ""), "01000161010001 62".replace(" ", ""), "02000101", "0400010205", "04000102", "080003010001", "0700020100", "010001ff"]) {
    refused(() => read(wrong), "token.malformed");
  }
  refused(() => read("0200080020000000000000030001 00".replace(" ", "")), "token.malformed"); // 2^53
  for (const wrong of ["creqb1", "CREQB1" + "Q".repeat(8_000), "creqA" + "A".repeat(100_000), "lnbc1", "", "creqA", "creqA!"]) {
    refused(() => readAnyRequest(wrong), "token.malformed");
  }
});

test("a payment is read from its JSON, with amounts as numbers or text", () => {
  const proofs = [{ ...coin("a", 8), dleq: null }, { ...coin("b"), amount: "512", extra: 1 }];
  const found = readPayment(utf8(JSON.stringify({ mint: MINT, unit: "usd", proofs, id: null, memo: "x" })));
  assert.deepEqual(found, { mint: MINT, unit: "usd", proofs: [coin("a", 8), coin("b", 512)] });
  const one = JSON.stringify(coin("a"));
  const text = (list: string) => `{"mint":"m","unit":"u","proofs":[${list}]}`;
  assert.equal(readPayment(text(one)).proofs.length, 1);
  const amounts = ["true", "-1", "0.5", '"9007199254740993"', '"-1"', '""', "null", "9007199254740992"];
  const broken = ["", "{", "[]", "null", '{"mint":"m"}', text(""), text("5"), text("null"), text(Array<string>(201).fill(one).join(",")), "[".repeat(70_000)];
  for (const wrong of [...broken, ...amounts.map((amount) => text(one.replace("700", amount)))]) {
    refused(() => readPayment(wrong), "token.malformed");
  }
  refused(() => readPayment(joined(utf8(text(one)), Uint8Array.of(0xff))), "token.malformed");
  refused(() => readPayment(" ".repeat(262_145)), "token.malformed");
});

// --- What a mint answers

const ANSWERS: readonly (readonly [(value: unknown) => unknown, Record<string, unknown>])[] = [
  [readKeysets, { keysets: [{ id: KEYSET, unit: "usd", active: true, input_fee_ppk: 0, final_expiry: NOW }] }],
  [readKeyset, { id: KEYSET, unit: "usd", active: true, keys: { "1": SHOP } }],
  [readKeys, { keysets: [{ id: KEYSET, unit: "usd", active: false, keys: { "1": SHOP, "2": PAYER } }] }],
  [readSignatures, { signatures: [{ amount: 1, id: KEYSET, C_: SHOP, dleq: { e: "e", s: "s" } }] }],
  [readClaimQuote, { quote: "q", request: "r", unit: "u", method: "benefit", amount: 5, amount_paid: 5, amount_issued: 0, updated_at: NOW, pubkey: SHOP, crowd: 3, crowd_needed: 5, window_ends: NOW }],
  [readMeltQuote, { quote: "q", request: "r", amount: 5, unit: "u", method: "settle", state: "PAID", expiry: NOW, fee_reserve: 0 }],
  [readStates, { states: [{ Y: SHOP, state: "SPENT", witness: "{}" }, { Y: PAYER, state: "UNSPENT" }] }],
  [readRestored, { outputs: [{ amount: 1, id: KEYSET, B_: SHOP }], signatures: [] }],
  [readProof, { ...coin("a"), witness: "{}", p2pk_e: SHOP, dleq: { e: "e", s: "s", r: "r" } }],
  [readRefusal, { code: 11_001, detail: "spent" }],
];

test("what a mint answers is read as it is, without what nobody knows", () => {
  for (const [read, answer] of ANSWERS) {
    assert.deepEqual(read(answer), answer);
    assert.deepEqual(read({ ...answer, unknown: { deep: 1 }, __proto__: null }), answer);
    for (const wrong of [null, undefined, 5, "text", [], true, new Map(), Object.create(answer)]) {
      refused(() => read(wrong), "token.malformed");
    }
  }
});

test("an answer without a field or with another kind of value is refused or has what it may lack", () => {
  const optionals = ["input_fee_ppk", "final_expiry", "dleq", "pubkey", "crowd", "crowd_needed", "window_ends", "fee_reserve", "witness", "p2pk_e", "detail", "active"];
  for (const [read, answer] of ANSWERS) {
    for (const name of Object.keys(answer)) {
      const { [name]: _left, ...rest } = answer;
      if (!optionals.includes(name)) {
        refused(() => read(rest), "token.malformed");
        refused(() => read({ ...rest, [name]: null }), "token.malformed");
      } else if (name !== "active" || read === readKeyset) {
        read(rest);
      }
      refused(() => read({ ...rest, [name]: Symbol("x") }), "token.malformed");
      refused(() => read({ ...rest, [name]: -1 }), "token.malformed");
    }
  }
  assert.equal((readClaimQuote({ ...ANSWERS[4]?.[1], crowd: null }) as { crowd: number }).crowd, 0);
  assert.deepEqual(readRefusal({ code: "11001" }), { code: 11_001, detail: "" });
  refused(() => readMeltQuote({ ...ANSWERS[5]?.[1], state: "paid" }), "token.malformed");
  refused(() => readJson("{", readRefusal), "token.malformed");
});

test("a refusal's number has one code here, and our errors are told from others", () => {
  assert.equal(codeOf(11_001), "token.already_spent");
  assert.equal(codeOf(-1), "token.error");
  const error = new AmparoError("a.b", "what", { why: "why", todo: "todo", values: { count: 1 } });
  assert.deepEqual([error.code, error.message, error.why, error.todo, error.values], ["a.b", "what", "why", "todo", { count: 1 }]);
  assert.ok(isError(error) && isError(error, "x", "a.b") && !isError(error, "x") && !isError(new Error("x")));
  assert.throws(() => renamed("a.b", "what", () => assert.fail("another")), /another/);
  refused(() => renamed("a.b", "what", () => readJson("", readRefusal)), "a.b");
});

// --- NUT-11 of whole requests, NUT-29

test("a request takes a bounded number of checks of signatures", () => {
  const others = Array.from({ length: 9 }, (_, place) => pointOfKey(key(100 + place)));
  const [first = "", ...rest] = others;
  const secret = JSON.stringify(["P2PK", { nonce: "5f", data: first, tags: [["pubkeys", ...rest, pointOfKey(key(6_001))]] }]);
  const own = JSON.parse(signLock(coin(secret), key(6_001)).witness ?? "") as { signatures: string[] };
  const slow = { ...coin(secret), witness: JSON.stringify({ signatures: [...Array<string>(19).fill(""), ...own.signatures] }) };
  checkLocks(Array<Proof>(5).fill(slow), {}, { now: NOW }); // 200 checks each
  refused(() => checkLocks(Array<Proof>(6).fill(slow), {}, { now: NOW }), "token.too_many");
  const more = JSON.stringify({ signatures: [...Array<string>(20).fill(""), ...own.signatures] });
  refused(() => checkLocks([{ ...slow, witness: more }], {}, { now: NOW }), "token.lock_not_open");
  refused(() => checkLocks([{ ...slow, witness: `${slow.witness}${" ".repeat(4_096)}` }], {}, { now: NOW }), "token.lock_not_open");
});

test("a batch is signed by each quote's key over all outputs", () => {
  const outputs = [{ amount: 1, id: KEYSET, B_: SHOP }, { amount: 2, id: KEYSET, B_: PAYER }];
  const quotes = ["a", "b", "c"];
  const signatures = signBatch(quotes, outputs, [key(5), null, key(6)]);
  const owners = [pointOfKey(key(5)), null, pointOfKey(key(6))];
  checkBatch({ quotes, outputs, signatures, quote_amounts: [1, 1, 1] }, owners, { most: 3 });
  refused(() => checkBatch({ quotes, outputs, signatures }, owners, { most: 2 }), "token.too_many_quotes");
  refused(() => checkBatch({ quotes, outputs, signatures, quote_amounts: [1, 1, 2] }, owners, { most: 3 }), "token.not_balanced");
  refused(() => checkBatch({ quotes, outputs, signatures, quote_amounts: [3, 0, 0] }, owners, { most: 3 }), "token.not_balanced");
  refused(() => checkBatch({ quotes, outputs: outputs.slice(1), signatures }, owners, { most: 3 }), "token.quote_signature_false");
  refused(() => checkBatch({ quotes, outputs }, owners, { most: 3 }), "token.quote_signature_false");
  refused(() => checkBatch({ quotes, outputs, signatures }, [owners[0] ?? null, null, null], { most: 3 }), "token.quote_signature_false");
  refused(() => checkQuotes([], { most: 3 }), "token.malformed");
  refused(() => signBatch(quotes, outputs, [null]), "token.malformed");
});

// The spare verifier of Ed25519 against another library's, where signatures are made to be read in two ways.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bigEndian, joined, numberOf, unhex, utf8 } from "@amparo/cashu/bytes.ts";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { verify } from "../src/ed25519_spare.ts";

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const P = Point.Fp.ORDER;
const MESSAGE = utf8("a head");
const SECRET = new Uint8Array(32).fill(7);
const KEY = ed25519.getPublicKey(SECRET);
const SIGNED = ed25519.sign(MESSAGE, SECRET);
// A point of order 8: its multiples are all the points of small order.
const SMALL = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");

function little(value: bigint): Uint8Array {
  return bigEndian(value, 32).reverse();
}

function number(data: Uint8Array): bigint {
  return numberOf(data.toReversed());
}

function altered(data: Uint8Array, place: number): Uint8Array {
  return data.with(place, (data[place] ?? 0) ^ 1);
}

/** The right S for this nonce and key as they are written. */
function answer(nonce: bigint, secret: bigint, start: Uint8Array, key: Uint8Array, message = MESSAGE): Uint8Array {
  return little((nonce + number(sha512(joined(start, key, message))) * secret) % L);
}

/** What both verifiers say; they agree. */
async function verdict(signature: Uint8Array, message: Uint8Array, key: Uint8Array): Promise<boolean> {
  const said = await verify(signature, message, key);
  assert.equal(said, ed25519.verify(signature, message, key, { zip215: false }));
  return said;
}

test("the signatures of RFC 8032 are valid, and with one byte changed they are not", async () => {
  const known = [
    ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"],
    ["3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"],
    ["fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"],
  ] as const;
  for (const [key, message, signature] of known) {
    const [one, two, three] = [unhex(signature), unhex(message), unhex(key)];
    assert.equal(await verdict(one, two, three), true);
    assert.equal(await verdict(one, joined(two, Uint8Array.of(0)), three), false);
    for (let place = 0; place < 64; place += 7) {
      assert.equal(await verdict(altered(one, place), two, three), false);
      assert.equal(await verdict(one, two, altered(three, place % 32)), false);
    }
  }
});

test("a second way to write the same S is refused", async () => {
  assert.equal(await verdict(SIGNED, MESSAGE, KEY), true);
  const s = number(SIGNED.slice(32));
  for (let times = 1n; s + times * L < 2n ** 256n; times++) {
    assert.equal(await verdict(joined(SIGNED.slice(0, 32), little(s + times * L)), MESSAGE, KEY), false);
  }
  const nonce = Point.BASE.multiply(5n).toBytes();
  for (const [wrong, expected] of [[0n, false], [L, false], [2n ** 256n - 1n, false], [number(answer(5n, number(ed25519.utils.getExtendedPublicKey(SECRET).head) % L, nonce, KEY)), true]] as const) {
    assert.equal(await verdict(joined(nonce, little(wrong)), MESSAGE, KEY), expected);
  }
});

test("a key of small order signs nothing", async () => {
  let key = Point.ZERO;
  for (let order = 0; order < 8; order++, key = key.add(SMALL)) {
    for (let start = Point.ZERO, count = 0; count < 8; count++, start = start.add(SMALL)) {
      assert.equal(await verdict(joined(start.toBytes(), little(0n)), MESSAGE, key.toBytes()), false);
    }
    const nonce = Point.BASE.multiply(9n).toBytes();
    assert.equal(await verdict(joined(nonce, little(9n)), MESSAGE, key.toBytes()), false);
  }
});

test("a key or a nonce with a part of small order is judged by the equation of RFC 8032, times eight", async () => {
  const secret = 11n;
  for (let part = SMALL, count = 1; count < 8; count++, part = part.add(SMALL)) {
    const mixed = Point.BASE.multiply(secret).add(part).toBytes();
    const plain = Point.BASE.multiply(secret).toBytes();
    for (const [start, key] of [[Point.BASE.multiply(3n).toBytes(), mixed], [Point.BASE.multiply(3n).add(part).toBytes(), plain], [part.toBytes(), plain]] as const) {
      const nonce = start.every((byte, place) => byte === part.toBytes()[place]) ? 0n : 3n;
      assert.equal(await verdict(joined(start, answer(nonce, secret, start, key)), MESSAGE, key), true);
      assert.equal(await verdict(joined(start, answer(nonce + 1n, secret, start, key)), MESSAGE, key), false);
    }
  }
});

test("points that are not written in the one right way are refused, as a key and in a signature", async () => {
  const top = (value: bigint) => value | (1n << 255n);
  const wrong = [P, P + 1n, P + 3n, P + 18n, 2n ** 255n - 1n, top(1n), top(P), top(P - 1n), top(P + 1n), 2n, 2n ** 256n - 1n].map(little);
  for (const written of wrong) {
    assert.equal(await verdict(SIGNED, MESSAGE, written), false);
    assert.equal(await verdict(joined(written, SIGNED.slice(32)), MESSAGE, KEY), false);
    assert.equal(await verdict(joined(written, answer(0n, 11n, written, Point.BASE.multiply(11n).toBytes())), MESSAGE, Point.BASE.multiply(11n).toBytes()), false);
    assert.equal(await verdict(joined(written, little(0n)), MESSAGE, written), false);
  }
});

test("what has the wrong length is no signature and no key", async () => {
  for (const length of [0, 31, 32, 33, 63, 65, 128]) {
    assert.equal(await verify(new Uint8Array(length), MESSAGE, KEY), false);
    assert.equal(await verify(SIGNED, MESSAGE, length === 32 ? KEY.slice(1) : new Uint8Array(length)), false);
  }
});

// Our arithmetic on public points against the library's, where it is easy to be wrong: edges, cancelling, infinity.
import assert from "node:assert/strict";
import { test } from "node:test";
import { schnorr, secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, hex, numberOf, unhex, utf8 } from "../src/bytes.ts";
import { ORDER, add, generatorTimes, multiply, pointOf, publicSums, readPoint, readScalar, scalarOf, schnorrSign, schnorrVerify, showPoint, subtract } from "../src/curve.ts";
import type { Point } from "../src/curve.ts";
import { lifted } from "../src/public_points.ts";
import { Dice, altered, key, pointOfKey, refused } from "./support.ts";

const Library = secp256k1.Point;
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;
const EDGES = [0n, 1n, 2n, 3n, ORDER - 1n, ORDER - 2n, ORDER, ORDER + 1n, ORDER / 2n, ORDER / 2n + 1n, LAMBDA, LAMBDA - 1n, LAMBDA + 1n, ORDER - LAMBDA];
const POWERS = Array.from({ length: 257 }, (_, power) => 2n ** BigInt(power));

function librarySum(...terms: (readonly [bigint, Point])[]): string | null {
  const sum = terms.reduce((total, [scalar, { x, y }]) => {
    const rest = ((scalar % ORDER) + ORDER) % ORDER;
    return total.add(Library.fromAffine({ x, y }).multiplyUnsafe(rest));
  }, Library.ZERO);
  return sum.is0() ? null : sum.toHex(true);
}

function oneSum(...terms: (readonly [bigint, Point])[]): string | null {
  const [sum] = publicSums(terms);
  return sum ? showPoint(sum) : null;
}

const G = readPoint(Library.BASE.toHex(true));

test("multiples of one point are the library's, at every edge", () => {
  const point = generatorTimes(key(7_001));
  for (const scalar of [...EDGES, ...POWERS, ...POWERS.map((power) => power - 1n), ...EDGES.map((edge) => -edge)]) {
    assert.equal(oneSum([scalar, point]), librarySum([scalar, point]), String(scalar));
    const [byName] = publicSums([[scalar, "G"]]);
    assert.equal(byName ? showPoint(byName) : null, librarySum([scalar, G]), String(scalar));
  }
});

test("sums of several multiples are the library's", () => {
  const dice = new Dice("sums");
  const points = Array.from({ length: 6 }, () => generatorTimes(dice.scalar()));
  for (let run = 0; run < 60; run++) {
    const terms = Array.from({ length: 1 + dice.below(5) }, () => [dice.below(4) ? numberOf(dice.scalar()) : dice.one(EDGES), dice.one(points)] as const);
    assert.equal(oneSum(...terms), librarySum(...terms));
  }
});

test("sums whose parts meet or cancel each other on the way are right", () => {
  const point = generatorTimes(key(5));
  const other = readPoint(showPoint(point)); // the same point as another object
  const opposite = point.negated();
  const turned = readPoint(showPoint(multiply(point, scalarOf(LAMBDA))));
  for (const one of [0n, 1n, 2n, 3n, 15n, 2n ** 64n, ORDER - 1n, LAMBDA]) {
    for (const two of [0n, 1n, 2n, 3n, 15n, 2n ** 64n, ORDER - 1n, LAMBDA]) {
      for (const second of [point, other, opposite, turned, G]) {
        assert.equal(oneSum([one, point], [two, second]), librarySum([one, point], [two, second]));
      }
    }
  }
  assert.deepEqual(publicSums([[5n, "G"], [-1n, point]], [], [[1n, point], [1n, opposite]]), [null, null, null]);
});

test("sums made together are those made alone", () => {
  const [one, two] = [generatorTimes(key(11)), generatorTimes(key(12))];
  const together = publicSums([[3n, one]], [[0n, one]], [[4n, two], [5n, "G"]]);
  assert.deepEqual(together.map((point) => point && showPoint(point)), [oneSum([3n, one]), null, oneSum([4n, two], [5n, G])]);
});

test("secret multiples are the public ones, and out of range is refused", () => {
  const dice = new Dice("secrets");
  for (const scalar of [key(1), key(2), bigEndian(ORDER - 1n, 32), ...Array.from({ length: 8 }, () => dice.scalar())]) {
    assert.equal(showPoint(generatorTimes(scalar)), librarySum([numberOf(scalar), G]));
    assert.equal(showPoint(multiply(generatorTimes(key(3)), scalar)), librarySum([numberOf(scalar) * 3n, G]));
  }
  for (const wrong of [new Uint8Array(32), bigEndian(ORDER, 32), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)]) {
    refused(() => generatorTimes(wrong), "token.bad_point");
    refused(() => multiply(G, wrong), "token.bad_point");
    refused(() => schnorrSign(utf8("x"), wrong), "token.bad_point");
  }
});

test("whatever number blinds a multiplication, its result is the same", (context) => {
  const point = generatorTimes(key(3));
  let chance = 0;
  context.mock.method(crypto, "getRandomValues", (data: Uint8Array) => data.fill(chance));
  for (chance of [0, 1, 127, 255]) {
    const blinding = (numberOf(new Uint8Array(32).fill(chance)) % (ORDER - 1n)) + 1n;
    for (const scalar of [1n, 2n, blinding, ORDER - blinding, ORDER - 1n]) {
      assert.equal(showPoint(generatorTimes(scalarOf(scalar))), librarySum([scalar, G]));
      assert.equal(showPoint(multiply(point, scalarOf(scalar))), librarySum([scalar, point]));
    }
  }
});

test("points are added and taken away as the library does, and never cancel silently", () => {
  const [one, two] = [generatorTimes(key(21)), generatorTimes(key(22))];
  assert.equal(showPoint(add(one, two)), pointOfKey(key(43)));
  assert.equal(showPoint(add(one, readPoint(showPoint(one)))), pointOfKey(key(42)));
  assert.equal(showPoint(subtract(two, one)), pointOfKey(key(1)));
  refused(() => subtract(one, readPoint(showPoint(one))), "token.bad_point");
  refused(() => add(one, one.negated()), "token.bad_point");
});

test("every x has a point or none as in the library", () => {
  const dice = new Dice("lifted");
  const field = 2n ** 256n - 0x1000003d1n;
  for (const x of [0n, 1n, 2n, 3n, 4n, 5n, field - 1n, field, field + 1n, ...Array.from({ length: 60 }, () => numberOf(dice.bytes(32)))]) {
    for (const kind of [2, 3]) {
      const data = Uint8Array.of(kind, ...bigEndian(x, 32));
      const known = Library.fromHex.bind(Library, hex(data));
      let expected: string | null = null;
      try {
        expected = known().toHex(true);
      } catch {
        refused(() => pointOf(data), "token.bad_point");
      }
      const point = lifted(x, kind === 3);
      assert.equal(point && showPoint(point), expected);
    }
  }
});

test("only compressed points in hex are read, and whole ones where bytes are", () => {
  const good = pointOfKey(key(31));
  const whole = readPoint(good).toBytes(false);
  assert.equal(showPoint(readPoint(good.toUpperCase())), good);
  assert.equal(showPoint(pointOf(whole)), good);
  for (const wrong of ["", good.slice(2), `${good}00`, `04${good.slice(2)}`, `05${good.slice(2)}`, `zz${good.slice(2)}`, hex(whole), ` ${good.slice(1)}`, "02" + "ff".repeat(32)]) {
    refused(() => readPoint(wrong), "token.bad_point");
  }
  for (const wrong of [new Uint8Array(0), new Uint8Array(33), whole.slice(0, 64), whole.with(64, (whole[64] ?? 0) ^ 1), whole.with(0, 6)]) {
    refused(() => pointOf(wrong), "token.bad_point");
  }
});

test("scalars are read in range only", () => {
  assert.deepEqual(readScalar("01".padStart(64, "0")), key(1));
  for (const wrong of ["", "00".repeat(32), hex(bigEndian(ORDER, 32)), "ff".repeat(32), "1".repeat(63), "zz".repeat(32), "01".padStart(66, "0")]) {
    refused(() => readScalar(wrong), "token.malformed");
  }
  refused(() => scalarOf(ORDER), "token.malformed");
});

test("the library verifies our signatures and we verify its, and neither a changed one", () => {
  const dice = new Dice("signatures");
  for (let run = 0; run < 12; run++) {
    const secret = dice.scalar();
    const message = dice.bytes(run);
    const owner = generatorTimes(secret);
    const x = owner.toBytes().slice(1);
    const ours = schnorrSign(message, secret);
    assert.ok(schnorr.verify(unhex(ours), sha256(message), x));
    assert.notEqual(ours, schnorrSign(message, secret));
    for (const signature of [ours, hex(schnorr.sign(sha256(message), secret))]) {
      schnorrVerify(message, signature, owner);
      schnorrVerify(message, signature.toUpperCase(), owner.negated()); // BIP340 knows x alone
      for (const wrong of [altered(signature, run), altered(signature, 64 + run), signature.slice(2), `${signature}00`, "", "zz".repeat(64)]) {
        refused(() => schnorrVerify(message, wrong, owner), "token.lock_not_open");
      }
      refused(() => schnorrVerify(dice.bytes(5), signature, owner), "token.lock_not_open");
      refused(() => schnorrVerify(message, signature, generatorTimes(key(9))), "token.lock_not_open");
    }
  }
  for (const number of [3, 4, 5, 6, 7, 8]) {
    // Right but for the nonce's point, whose y is odd or even: only the even one is valid.
    const nonce = generatorTimes(key(number));
    const start = bigEndian(nonce.x, 32);
    const x = G.toBytes().slice(1);
    const challenge = schnorr.utils.taggedHash("BIP0340/challenge", start, x, sha256(utf8("x")));
    const written = hex(start) + hex(bigEndian((BigInt(number) + numberOf(challenge)) % ORDER, 32));
    if (nonce.y & 1n) {
      refused(() => schnorrVerify(utf8("x"), written, G), "token.lock_not_open");
    } else {
      schnorrVerify(utf8("x"), written, G);
    }
  }
  const beyond = schnorrSign(utf8("x"), key(4));
  const tooLarge = beyond.slice(0, 64) + hex(bigEndian(ORDER, 32));
  refused(() => schnorrVerify(utf8("x"), tooLarge, generatorTimes(key(4))), "token.lock_not_open");
});

// secp256k1 as the protocol uses it (NUT-00, BIP340): points, and scalars as 32 bytes.
//
// `multiply` and `generatorTimes` take secret scalars: they go through @noble/secp256k1, whose multiplication does the same steps
// for every scalar (as far as a browser's numbers allow). Keys that last are multiplied by G alone, where the scalar is split at random;
// `multiply` is for scalars of one use, and blinds the point's coordinates only. All else is about public points. Not here: anything that holds a mint key.
import { sha256 } from "@noble/hashes/sha2.js";
import { Point as SecretPoint } from "@noble/secp256k1";
import { bigEndian, hex, joined, numberOf, unhex, utf8 } from "./bytes.ts";
import { fail, malformed } from "./errors.ts";
import { FIELD, ORDER, Point, lifted, pointIn, publicSums, sumOf } from "./public_points.ts";

export { ORDER, Point, publicSums };

const DOMAIN = /* @__PURE__ */ utf8("Secp256k1_HashToCurve_Cashu_");
const TRIES = 2 ** 16;

// --- Multiplication by secrets

/** scalar * point, for a secret scalar (32 bytes, 0 < scalar < order). Throws `token.bad_point`. */
export function multiply({ x, y }: Point, scalar: Uint8Array): Point {
  const z = mask(); // the same point in coordinates that nobody can foresee
  return plain(new SecretPoint((x * z) % FIELD, (y * z) % FIELD, z).multiply(inRange(scalar)));
}

/** scalar * G, for a secret scalar. Throws `token.bad_point`. */
export function generatorTimes(scalar: Uint8Array): Point {
  const first = mask(); // the scalar in two parts, each of which is any number
  const rest = (inRange(scalar) + ORDER - first) % ORDER;
  // The library's own flag: a part may be zero. Multiples of G come from its table by the same steps with and without it.
  return plain(SecretPoint.BASE.multiply(first).add(SecretPoint.BASE.multiply(rest, false)));
}

/** A fresh number, 0 < number < order. */
function mask(): bigint {
  return (numberOf(crypto.getRandomValues(new Uint8Array(32))) % (ORDER - 1n)) + 1n;
}

function plain(found: SecretPoint): Point {
  const { x, y } = found.toAffine();
  return new Point(x, y);
}

function inRange(scalar: Uint8Array): bigint {
  const value = scalar.length === 32 ? numberOf(scalar) : 0n;
  return 0n < value && value < ORDER ? value : fail("token.bad_point", "A scalar is out of range.");
}

// --- Points

/** one + two. Throws `token.bad_point` when they cancel each other. */
export function add(one: Point, two: Point): Point {
  return sumOf(one, two) ?? fail("token.bad_point", "Two points cancel each other.");
}

/** one - two. Throws `token.bad_point` when they are equal. */
export function subtract(one: Point, two: Point): Point {
  return add(one, two.negated());
}

/** NUT-00: the point whose discrete logarithm nobody knows. */
export function hashToCurve(message: Uint8Array): Point {
  const hashed = sha256(joined(DOMAIN, message));
  const counter = new Uint8Array(4);
  for (let count = 0; count < TRIES; count++) {
    new DataView(counter.buffer).setUint32(0, count, true);
    const point = lifted(numberOf(sha256(joined(hashed, counter))), false);
    if (point) {
      return point;
    }
  }
  return fail("token.bad_point", "No point was found for a message."); // chance 2^-65536
}

/** A compressed point in hex (66 digits). Throws `token.bad_point`. */
export function readPoint(text: string): Point {
  return pointOf(text.length === 66 ? unhex(text, "token.bad_point") : fail("token.bad_point", "A point is not 33 bytes long."));
}

/** A point from its 33 (or 65) bytes. Throws `token.bad_point`. */
export function pointOf(data: Uint8Array): Point {
  return pointIn(data) ?? fail("token.bad_point", "A value is not a point of the curve.");
}

/** A compressed point as 66 hex digits. */
export function showPoint(point: Point): string {
  return hex(point.toBytes());
}

// --- Scalars

/** A scalar in hex (64 digits), 0 < scalar < order. Throws `token.malformed`. */
export function readScalar(text: string): Uint8Array {
  const data = text.length === 64 ? unhex(text) : malformed("A scalar is not 32 bytes long.");
  const value = numberOf(data);
  return 0n < value && value < ORDER ? data : malformed("A scalar is out of range.");
}

/** A number from 0 as a scalar, reduced by the order. Throws `token.malformed` for zero. */
export function scalarOf(value: bigint): Uint8Array {
  const scalar = value % ORDER;
  return scalar ? bigEndian(scalar, 32) : malformed("A scalar is zero.");
}

// --- BIP340

function tagged(tag: string, ...parts: Uint8Array[]): Uint8Array {
  const start = sha256(utf8(`BIP0340/${tag}`));
  return sha256(joined(start, start, ...parts));
}

/** The scalar whose multiple of G has an even y, and that multiple's x. */
function evenKey(scalar: Uint8Array): { secret: bigint; x: Uint8Array } {
  const { x, y } = generatorTimes(scalar);
  return { secret: y & 1n ? ORDER - numberOf(scalar) : numberOf(scalar), x: bigEndian(x, 32) };
}

/** A BIP340 signature over SHA-256(message), hex, with the secret key of 32 bytes. Throws `token.bad_point`. */
export function schnorrSign(message: Uint8Array, secretKey: Uint8Array): string {
  const digest = sha256(message);
  const { secret, x } = evenKey(secretKey);
  const mask = tagged("aux", crypto.getRandomValues(new Uint8Array(32)));
  const masked = bigEndian(secret ^ numberOf(mask), 32);
  const nonce = evenKey(scalarOf(numberOf(tagged("nonce", masked, x, digest))));
  const challenge = numberOf(tagged("challenge", nonce.x, x, digest));
  const signature = hex(joined(nonce.x, bigEndian((nonce.secret + challenge * secret) % ORDER, 32)));
  schnorrVerifyDigest(digest, signature, lifted(numberOf(x), false) ?? fail("token.bad_point", "A key is no point."));
  return signature;
}

/** Throws `token.lock_not_open` unless `signature` (hex) is a BIP340 signature of `key` over SHA-256(message). */
export function schnorrVerify(message: Uint8Array, signature: string, key: Point): void {
  schnorrVerifyDigest(sha256(message), signature, key);
}

/** The same for a message whose SHA-256 is known. Throws `token.lock_not_open`. */
export function schnorrVerifyDigest(digest: Uint8Array, signature: string, key: Point): void {
  const data = unhex(signature.length === 128 ? signature : "", "token.lock_not_open");
  const start = data.subarray(0, 32);
  const s = numberOf(data.subarray(32));
  const even = key.y & 1n ? key.negated() : key;
  const challenge = () => numberOf(tagged("challenge", start, bigEndian(key.x, 32), digest));
  const [found] = data.length && s < ORDER ? publicSums([[s, "G"], [-challenge(), even]]) : [];
  if (!found || found.y & 1n || found.x !== numberOf(start)) {
    fail("token.lock_not_open", "A signature is not valid.");
  }
}

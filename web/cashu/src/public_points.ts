// Points of secp256k1 (SEC 2) and sums of their multiples, for what everybody may know: keys, signatures, proofs. Its time
// depends on the numbers, so no secret goes in here; `curve.ts` multiplies by secrets.
//
// A sum of many multiples walks all scalars at once (Straus), each split in two of half the length by the curve's endomorphism
// (Gallant, Lambert, Vanstone 2001) and written with few digits (wNAF). Coordinates are Jacobian on the way, null is the point at
// infinity. Held to the library's arithmetic by tests/curve.test.ts.
import { bigEndian, joined, numberOf } from "./bytes.ts";

/** Coordinates count modulo this. */
export const FIELD = 2n ** 256n - 0x1000003d1n;
const P = FIELD;
const FOLD = 0x1000003d1n;
const LOW = 2n ** 256n - 1n;

/** How many points there are: scalars count modulo this. */
export const ORDER = 2n ** 256n - 0x14551231950b75fc4402da1732fc9bebfn;

/** A point of the curve, never infinity. Make one with `pointOf` or by sums of others. */
export class Point {
  readonly x: bigint;
  readonly y: bigint;

  constructor(x: bigint, y: bigint) {
    this.x = x;
    this.y = y;
  }

  /** 33 bytes, or 65 uncompressed. */
  toBytes(isCompressed = true): Uint8Array {
    const x = bigEndian(this.x, 32);
    return isCompressed ? joined(Uint8Array.of(this.y & 1n ? 3 : 2), x) : joined(Uint8Array.of(4), x, bigEndian(this.y, 32));
  }

  negated(): Point {
    return new Point(this.x, P - this.y);
  }
}

const GENERATOR = /* @__PURE__ */ new Point(
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
);

// --- The field: products are brought near 2^256 by folding, `exact` brings them below P.

function fold(value: bigint): bigint {
  const once = (value & LOW) + (value >> 256n) * FOLD;
  return (once & LOW) + (once >> 256n) * FOLD;
}

function exact(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function squared(value: bigint, times: number): bigint {
  let found = value;
  for (let count = 0; count < times; count++) {
    found = fold(found * found);
  }
  return found;
}

/** A square root, if there is one: value^((P+1)/4), whose exponent is 223 ones, 0, 22 ones, 0000, 11, 00. */
function root(value: bigint): bigint | null {
  const more = (ones: bigint, times: number, tail: bigint) => fold(squared(ones, times) * tail);
  const ones2 = more(value, 1, value);
  const ones3 = more(ones2, 1, value);
  const ones6 = more(ones3, 3, ones3);
  const ones11 = more(more(ones6, 3, ones3), 2, ones2);
  const ones22 = more(ones11, 11, ones11);
  const ones44 = more(ones22, 22, ones22);
  const ones88 = more(ones44, 44, ones44);
  const ones220 = more(more(ones88, 88, ones88), 44, ones44);
  const ones223 = more(ones220, 3, ones3);
  const found = exact(squared(more(more(ones223, 23, ones22), 6, ones2), 2));
  return exact(found * found - value) ? null : found;
}

function inverse(value: bigint): bigint {
  let [one, two, factor, next] = [exact(value), P, 1n, 0n];
  while (one) {
    const times = two / one;
    [one, two] = [two - times * one, one];
    [factor, next] = [next - times * factor, factor];
  }
  return exact(next);
}

/** The inverses of many numbers for the price of one (Montgomery's trick). None may be 0. */
function inverses(values: readonly bigint[]): bigint[] {
  const products: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    products.push(product);
    product = fold(product * value);
  }
  let back = inverse(product);
  const found: bigint[] = [];
  for (let place = values.length - 1; place >= 0; place--) {
    found[place] = fold(back * (products[place] ?? 1n));
    back = fold(back * (values[place] ?? 1n));
  }
  return found;
}

/** The point with this x (below P) whose y is odd or even, null when there is none. */
export function lifted(x: bigint, isOdd: boolean): Point | null {
  const y = x < P ? root(fold(fold(x * x) * x + 7n)) : null;
  if (y === null) {
    return null;
  }
  return new Point(x, (y & 1n) === (isOdd ? 1n : 0n) ? y : P - y);
}

/** The point of 33 bytes, or of 65 uncompressed; null when they are none. */
export function pointIn(data: Uint8Array): Point | null {
  const [kind] = data;
  const x = numberOf(data.subarray(1, 33));
  if (data.length === 33 && (kind === 2 || kind === 3)) {
    return lifted(x, kind === 3);
  }
  const y = numberOf(data.subarray(33));
  const isPoint = data.length === 65 && kind === 4 && x < P && y < P && !exact(x * x * x + 7n - y * y);
  return isPoint ? new Point(x, y) : null;
}

// --- Sums

type Jacobian = { readonly x: bigint; readonly y: bigint; readonly z: bigint } | null;

function doubled(point: Jacobian): Jacobian {
  if (!point) {
    return null; // no point of this curve has y = 0
  }
  const { x, y, z } = point;
  const yy = fold(y * y);
  const between = fold(x * yy) << 2n;
  const slope = fold(x * x) * 3n;
  const newX = fold(slope * slope - (between << 1n));
  return { x: newX, y: fold(slope * (between - newX) - ((yy * yy) << 3n)), z: fold((y * z) << 1n) };
}

function withAffine(one: Jacobian, x: bigint, y: bigint): Jacobian {
  if (!one) {
    return { x, y, z: 1n };
  }
  const zz = fold(one.z * one.z);
  const across = fold(x * zz) - one.x;
  const up = fold(fold(y * one.z) * zz) - one.y;
  if (!(across % P)) {
    return up % P ? null : doubled(one);
  }
  const square = fold(across * across);
  const cube = fold(square * across);
  const scaled = fold(one.x * square);
  const newX = fold(up * up - cube - (scaled << 1n));
  return { x: newX, y: fold(up * (scaled - newX) - one.y * cube), z: fold(one.z * across) };
}

function affine(points: readonly Jacobian[]): (Point | null)[] {
  const turned = inverses(points.map((point) => point?.z ?? 1n));
  return points.map((point, place) => {
    const back = turned[place] ?? 1n;
    const square = fold(back * back);
    return point && new Point(exact(point.x * square), exact(fold(point.y * square) * back));
  });
}

/** one + two, null for the point at infinity. */
export function sumOf(one: Point, two: Point): Point | null {
  return affine([withAffine({ x: one.x, y: one.y, z: 1n }, two.x, two.y)])[0] ?? null;
}

// The endomorphism: LAMBDA * (x, y) = (BETA * x, y); a scalar k is k1 + k2 * LAMBDA with both of about 128 bits.
const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een;
const A1 = 0x3086d221a7d46bcde86c90e49284eb15n;
const B1 = 0xe4437ed6010e88286f547fa90abfe4c3n; // subtracted
const A2 = 0x114ca50f7a8e2f3f657c1108d9d44cfd8n;

function halves(scalar: bigint): [bigint, bigint] {
  const rounded = (value: bigint) => (value + ORDER / 2n) / ORDER;
  const c1 = rounded(A1 * scalar);
  const c2 = rounded(B1 * scalar);
  return [scalar - c1 * A1 - c2 * A2, c1 * B1 - c2 * A1];
}

const LONGEST = 132;

/** A number's digits, lowest first: odd or 0, below 2^(width-1) in size, and after each that is not 0 at least width-1 that are. */
function digitsOf(value: bigint, width: number): Int16Array {
  const sign = value < 0n ? -1 : 1;
  const bits = (value < 0n ? -value : value).toString(2);
  const bit = (place: number) => (bits.charCodeAt(bits.length - 1 - place) === 49 ? 1 : 0);
  const digits = new Int16Array(LONGEST);
  let carry = 0;
  for (let place = 0; place < LONGEST; ) {
    if (bit(place) === carry) {
      place++;
      continue;
    }
    let word = carry;
    for (let at = 0; at < width; at++) {
      word += bit(place + at) << at;
    }
    carry = word >> (width - 1);
    digits[place] = sign * (word - (carry << width));
    place += width;
  }
  return digits;
}

/** The odd multiples 1, 3, 5, ... of a point, and of LAMBDA times it. */
type Table = {
  readonly width: number;
  readonly ys: readonly bigint[];
  readonly xs: readonly [readonly bigint[], readonly bigint[]];
};

const GENERATOR_WIDTH = 8;
const KEY_WIDTH = 5;
// A table is kept as long as its point: a mint's key is the same object for many tokens.
const tables = new WeakMap<Point, Table>();

function oddMultiples(point: Point, width: number, twice: Point): Jacobian[] {
  const found: Jacobian[] = [{ x: point.x, y: point.y, z: 1n }];
  for (let count = 1; count < 1 << (width - 2); count++) {
    found.push(withAffine(found.at(-1) ?? null, twice.x, twice.y));
  }
  return found;
}

/** Makes the tables of the points that have none yet. */
function prepare(points: readonly Point[]): void {
  const fresh = points.filter((point, place) => !tables.has(point) && points.indexOf(point) === place);
  const width = (point: Point) => (point === GENERATOR ? GENERATOR_WIDTH : KEY_WIDTH);
  const twice = affine(fresh.map(({ x, y }) => doubled({ x, y, z: 1n })));
  const multiples = affine(fresh.flatMap((point, place) => oddMultiples(point, width(point), twice[place] ?? point)));
  let start = 0;
  for (const point of fresh) {
    const own = multiples.slice(start, (start += 1 << (width(point) - 2))).map((each) => each ?? point);
    const xs = own.map(({ x }) => x);
    tables.set(point, { width: width(point), ys: own.map(({ y }) => y), xs: [xs, xs.map((x) => fold(x * BETA))] });
  }
}

/** Scalars (any whole numbers) and what each multiplies; "G" is the generator. */
export type Terms = readonly (readonly [scalar: bigint, point: Point | "G"])[];

type Walk = { readonly digits: Int16Array; readonly xs: readonly bigint[]; readonly ys: readonly bigint[] };

function walksOf(terms: Terms): Walk[] {
  return terms.flatMap(([scalar, named]) => {
    const table = tables.get(named === "G" ? GENERATOR : named);
    const parts = halves(((scalar % ORDER) + ORDER) % ORDER);
    return table ? parts.map((part, half) => walkOf(table, part, table.xs[half] ?? [])) : [];
  });
}

function walkOf({ width, ys }: Table, part: bigint, xs: readonly bigint[]): Walk {
  return { digits: digitsOf(part, width), xs, ys };
}

function summed(terms: Terms): Jacobian {
  const walks = walksOf(terms);
  let sum: Jacobian = null;
  for (let place = LONGEST - 1; place >= 0; place--) {
    sum = doubled(sum);
    for (const { digits, xs, ys } of walks) {
      const digit = digits[place] ?? 0;
      if (digit) {
        const y = ys[Math.abs(digit) >> 1] ?? 0n;
        sum = withAffine(sum, xs[Math.abs(digit) >> 1] ?? 0n, digit < 0 ? P - y : y);
      }
    }
  }
  return sum;
}

/** Each sum of scalar * point over its terms, null where it is the point at infinity. Many at once cost less than one by one. */
export function publicSums(...sums: readonly Terms[]): (Point | null)[] {
  prepare(sums.flatMap((terms) => terms.map(([, point]) => (point === "G" ? GENERATOR : point))));
  return affine(sums.map(summed));
}

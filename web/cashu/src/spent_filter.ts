// The published filter of spent tokens (docs of the form: packages/cashu spent_filter.py), with which a till without a network
// catches codes that were used before: read and asked here, built by the mint only.
//
// A Golomb-coded set in buckets: a look-up decodes one bucket. Whoever holds a token can compute its item; nobody can go back
// from an item to a token. Not here: fetching it, and whether the public log names it.
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, joined, numberOf, unhex, utf8 } from "./bytes.ts";
import { fail } from "./errors.ts";

const ITEM_BYTES = 8;
const LONGEST = 2 ** 30;
const LONGEST_BUCKET = 2 ** 20;
const DOMAIN = utf8("Amparo_spent_filter_v1");
const MAGIC = "414d5346";
const VERSION = 1;
const BUCKET = 512;
// magic 4, version 1, bits 1, keyset id 33, day of the edition 4, items 8, buckets 4; then each bucket's place
const HEAD = 55;
const PLACE_BYTES = 4;

/** The item of a token: `keyset` is its id (66 digits), `point` its Y (33 bytes, compressed). */
export function filterItem(keyset: string, point: Uint8Array): Uint8Array {
  return sha256(joined(DOMAIN, unhex(keyset), point)).slice(0, ITEM_BYTES);
}

/** A published filter. `keyset`, `day` (since 1970) and `count` (spent tokens) are as published; `bits` is its precision. */
export class SpentFilter {
  readonly keyset: string;
  readonly day: number;
  readonly count: number;
  readonly bits: number;
  readonly #data: Uint8Array;
  readonly #view: DataView;
  readonly #buckets: number;

  /** Throws `token.filter_malformed`. */
  constructor(data: Uint8Array) {
    if (data.length < HEAD || data.length > LONGEST) {
      malformed("A filter is cut or too long.");
    }
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    this.bits = view.getUint8(5);
    this.keyset = hex(data.subarray(6, 39));
    this.day = view.getUint32(39);
    this.count = Number(view.getBigUint64(43));
    this.#buckets = view.getUint32(51);
    this.#data = data;
    this.#view = view;
    if (hex(data.subarray(0, 4)) !== MAGIC || view.getUint8(4) !== VERSION || this.bits < 1 || this.bits > 32) {
      malformed("A filter is of an unknown version.");
    }
    this.#checkLengths();
  }

  #checkLengths(): void {
    const start = HEAD + PLACE_BYTES * this.#buckets;
    const end = this.#data.length;
    if (this.#buckets !== Math.ceil(this.count / BUCKET) || start > end) {
      malformed("A filter contradicts itself.");
    }
    // Each item takes its bits and a zero, all quotients together are no more than the items, a bucket is filled up to a byte.
    // One with more in it than it says takes many good tokens for spent.
    if (8 * (end - start) > (this.bits + 2) * this.count + 8 * this.#buckets) {
      malformed("A filter has more items than it says.");
    }
    if (this.#place(0) !== start) {
      malformed("The buckets of a filter are out of order.");
    }
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      const size = this.#place(bucket + 1) - this.#place(bucket);
      if (size < 0 || size > LONGEST_BUCKET) {
        malformed("A bucket of a filter has an impossible length.");
      }
    }
  }

  #place(bucket: number): number {
    const start = HEAD + PLACE_BYTES * this.#buckets;
    return bucket === this.#buckets ? this.#data.length : start + this.#view.getUint32(HEAD + PLACE_BYTES * bucket);
  }

  /** Whether the token of this item was spent: never wrongly no, wrongly yes with chance 2^-`bits`. Throws
   * `token.filter_malformed` when the filter is damaged there. */
  has(item: Uint8Array): boolean {
    if (item.length !== ITEM_BYTES) {
      malformed(`An item of a filter has ${ITEM_BYTES} bytes.`);
    }
    if (!this.count) {
      return false;
    }
    const range = BigInt(this.count) << BigInt(this.bits);
    const width = (range + BigInt(this.#buckets) - 1n) / BigInt(this.#buckets);
    const number = (numberOf(item) * range) >> 64n;
    const bucket = Number(number / width);
    const wanted = Number(number % width);
    for (const found of numbersOf(this.#data.subarray(this.#place(bucket), this.#place(bucket + 1)), this.bits)) {
      if (found >= wanted) {
        return found === wanted;
      }
    }
    return false;
  }
}

/** The numbers of a bucket, ascending: differences in Rice code, quotient as ones and a zero, remainder in `bits` bits. */
function* numbersOf(code: Uint8Array, bits: number): Generator<number> {
  const end = 8 * code.length;
  const bit = (place: number) => ((code[place >> 3] ?? 0) >> (7 - (place & 7))) & 1;
  let number = 0;
  for (let place = 0; ; ) {
    let quotient = 0;
    while (place < end && bit(place)) {
      place++;
      quotient++;
    }
    if (place === end) {
      return; // filled up with ones
    }
    if (place + bits >= end) {
      malformed("A bucket of a filter is cut.");
    }
    let rest = 0;
    for (const stop = ++place + bits; place < stop; place++) {
      rest = 2 * rest + bit(place);
    }
    number += quotient * 2 ** bits + rest;
    yield number;
  }
}

function malformed(what: string): never {
  return fail("token.filter_malformed", what);
}

// The Merkle tree of RFC 6962 and its proofs (RFC 9162 section 2.1), as functions over hashes, and the right edge of a tree, from which
// it can grow. Twin of amparo_log.tree. Not here: network, signatures. Sizes are safe integers, so no bit operations (they end at 2^32).
import { joined, same } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { sha256 } from "@noble/hashes/sha2.js";

/** read(level, index): the root of the complete subtree of 2^level leaves that starts at leaf index * 2^level. */
export type ReadNode = (level: number, index: number) => Uint8Array | Promise<Uint8Array>;

export const EMPTY_ROOT = sha256(new Uint8Array(0));
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** RFC 6962 section 2.1: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256.create().update(LEAF).update(entry).digest();
}

/** RFC 6962 section 2.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(joined(NODE, left, right));
}

/** The right edge of a growing tree: the roots of its complete subtrees, largest first; at most 53 hashes whatever its size. */
export class Edge {
  readonly hashes: Uint8Array[];
  size: number;

  constructor(size = 0, hashes: readonly Uint8Array[] = []) {
    if (hashes.length !== bits(size) || hashes.some((each) => each.length !== 32)) fail("log.bad_proof", "This is no edge of a tree.");
    this.size = size;
    this.hashes = [...hashes];
  }

  /** One leaf more. */
  append(leaf: Uint8Array): void {
    let hashed = leaf;
    for (let left = this.size; left % 2 === 1; left = (left - 1) / 2) hashed = nodeHash(this.hashes.pop() ?? EMPTY_ROOT, hashed);
    this.hashes.push(hashed);
    this.size += 1;
  }

  /** The tree's root. */
  root(): Uint8Array {
    return this.hashes.length === 0 ? EMPTY_ROOT : this.hashes.reduceRight((right, left) => nodeHash(left, right));
  }

  /** The edge of this tree's first `size` leaves, where `size` is this tree's size without its last few bits (a multiple of a power
   * of two above them), so that no complete subtree is cut. */
  before(size: number): Edge {
    return new Edge(size, this.hashes.slice(0, bits(size)));
  }
}

function bits(size: number): number {
  let found = 0;
  for (let left = size; left > 0; left = Math.floor(left / 2)) found += left % 2;
  return found;
}

/** The Merkle tree hash over leaves start..end (end excluded), where start is a boundary RFC 6962 would split at. */
async function rangeRoot(read: ReadNode, start: number, end: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    for (let size = 2; at % size === 0 && at + size <= end; size *= 2) level += 1;
    parts.push(await read(level, at / 2 ** level));
    at += 2 ** level;
  }
  return parts.reduceRight((right, left) => nodeHash(left, right));
}

/** The root of the tree with `size` leaves. */
export async function rootOf(read: ReadNode, size: number): Promise<Uint8Array> {
  return size ? rangeRoot(read, 0, size) : EMPTY_ROOT;
}

/** RFC 9162 section 2.1.3.1, leaf to root. Fails with `log.bad_proof` when the tree has no such leaf. */
export async function inclusionProof(read: ReadNode, index: number, size: number): Promise<Uint8Array[]> {
  if (!isPlace(index, size)) fail("log.bad_proof", "The tree has no such entry.");
  const proof: Uint8Array[] = [];
  for (let start = 0, end = size; end - start > 1; ) {
    const middle = start + largestPowerBelow(end - start);
    proof.push(await (index < middle ? rangeRoot(read, middle, end) : rangeRoot(read, start, middle)));
    if (index < middle) end = middle;
    else start = middle;
  }
  return proof.reverse();
}

/** RFC 9162 section 2.1.4.1: shows that the tree of `old` leaves is the beginning of the tree of `size` leaves. */
export async function consistencyProof(read: ReadNode, old: number, size: number): Promise<Uint8Array[]> {
  if (!(0 < old && old <= size)) fail("log.bad_proof", "There is no such pair of trees.");
  const proof: Uint8Array[] = [];
  let [start, end, whole] = [0, size, true];
  while (end !== old) {
    const middle = start + largestPowerBelow(end - start);
    if (old <= middle) {
      proof.push(await rangeRoot(read, middle, end));
      end = middle;
    } else {
      proof.push(await rangeRoot(read, start, middle));
      [start, whole] = [middle, false];
    }
  }
  if (!whole) proof.push(await rangeRoot(read, start, end));
  return proof.reverse();
}

/** RFC 9162 section 2.1.3.2. Fails with `log.bad_proof` unless the leaf hash is at `index` in the tree of `size` and `root`. */
export function checkInclusion(leaf: Uint8Array, index: number, size: number, proof: readonly Uint8Array[], root: Uint8Array): void {
  if (!isPlace(index, size) || leaf.length !== 32) fail("log.bad_proof", "The tree has no such entry.");
  const way = new Way(index, size - 1);
  let hashed = leaf;
  for (const part of proof) hashed = way.stepIsLeft() ? nodeHash(part, hashed) : nodeHash(hashed, part);
  if (!way.done() || !same(hashed, root)) fail("log.bad_proof", "The entry is not in the tree.");
}

/** RFC 9162 section 2.1.4.2. Fails with `log.bad_proof` unless the old tree is the beginning of the new one. */
export function checkConsistency(
  old: number,
  oldRoot: Uint8Array,
  size: number,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  if (old === size) {
    if (proof.length || !same(oldRoot, root) || (old === 0 && !same(oldRoot, EMPTY_ROOT))) {
      fail("log.bad_proof", "Two trees of the same size differ.");
    }
    return;
  }
  // An old tree of size 0 is the beginning of everything: a proof for it would say nothing.
  const path = bits(old) === 1 ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (!isPlace(old, size) || old === 0 || first === undefined || !proof.length) fail("log.bad_proof", "There is no such pair of trees.");
  const way = new Way(old - 1, size - 1);
  way.skipWhole();
  let [older, newer] = [first, first];
  for (const part of rest) {
    if (way.stepIsLeft()) [older, newer] = [nodeHash(part, older), nodeHash(part, newer)];
    else newer = nodeHash(newer, part);
  }
  if (!way.done() || !same(older, oldRoot) || !same(newer, root)) {
    fail("log.bad_proof", "The old tree is not the beginning of the new one.");
  }
}

/** The way from a leaf up to the root of a tree whose last leaf is `last`. */
class Way {
  #at: number;
  #last: number;

  constructor(at: number, last: number) {
    this.#at = at;
    this.#last = last;
  }

  /** One step up: whether the sibling stands on the left. */
  stepIsLeft(): boolean {
    if (this.#last === 0) fail("log.bad_proof", "The proof is too long.");
    const left = this.#at % 2 === 1 || this.#at === this.#last;
    if (left) while (this.#at % 2 === 0 && this.#at > 0) this.#up();
    this.#up();
    return left;
  }

  /** Up to where the place is a left child: complete subtrees on the way are roots already. */
  skipWhole(): void {
    while (this.#at % 2 === 1) this.#up();
  }

  /** Whether the root is reached. */
  done(): boolean {
    return this.#last === 0;
  }

  #up(): void {
    this.#at = Math.floor(this.#at / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}

function isPlace(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size;
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

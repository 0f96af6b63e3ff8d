// NUT-16: a token too long for one QR code, as a series of codes (UR of the type `bytes`; BCR-2020-005, -012 and BCR-2024-001).
//
// A message is cut into equal fragments. Part 1 to n hold one each; every later part holds the XOR of some, chosen by a generator
// that sender and receiver share, so that any n parts or few more give the message, whichever a camera missed. `UrReader` solves
// for the fragments by elimination: it keeps at most one row a fragment, whatever it is shown. The checksum (CRC-32) finds slips,
// not forgeries: what comes out is read as any token from a stranger. Parts are written in capitals, which makes small QR codes.
import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, joined, same } from "./bytes.ts";
import { readCbor, writeCbor } from "./cbor.ts";
import { malformed } from "./errors.ts";

const LONGEST_MESSAGE = 100_000;
const LONGEST_PART = 8_192;
const MOST_FRAGMENTS = 1_024;
const PREFIX = "ur:bytes/";
const LAST_NUMBER = 2 ** 32 - 1;
// Bytewords: the first and last letter of each byte's word
const LETTERS =
  "aeadaoaxaaahamatayasbkbdbnbtbabsbebybgbwbbbzcmchcscfcycwcecackctcxclcpcndkdadsdidedtdrdndwdpdmdl" +
  "dyeheyeoeeecenemetesftfrfnfsfmfhfzfpfwfxfyfefgflfdgagegrgsgtglgwgdgygmgughgohfhghdhkhthphhhlhyhe" +
  "hnhsidiaieihiyioisinimjejzjnjtjljojsjpjkjykpkoktkskkknkgkekikblblalylflslrlplnltloldlelulklgmnmy" +
  "mhmemomumwmdmtmsmknlnyndnsntnnnenboyoeotoxonolospdptpkpypspmplpepfpaprqdqzrerprlrorhrdrkrfryrnrs" +
  "rtsesasrssskswstspsosgsbsfsntotktitttdtetytltbtstptatnuyuoutueurvtvyvovlvevwvavdvswlwdwmwpwewyws" +
  "wtwnwzwfwkykynylyaytzszoztzczezm";

type Lookup = { readonly pairs: readonly string[]; readonly bytes: ReadonlyMap<string, number> };

let lookup: Lookup | undefined;

function letters(): Lookup {
  if (!lookup) {
    const pairs = LETTERS.match(/../g) ?? [];
    lookup = { pairs, bytes: new Map(pairs.map((pair, byte) => [pair, byte])) };
  }
  return lookup;
}

function crc32(data: Uint8Array): number {
  let rest = ~0;
  for (const byte of data) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
    }
  }
  return ~rest >>> 0;
}

function writeWords(data: Uint8Array): string {
  const { pairs } = letters();
  return Array.from(joined(data, bigEndian(crc32(data), 4)), (byte) => pairs[byte]).join("");
}

function readWords(text: string): Uint8Array {
  const { bytes } = letters();
  const pairs = text.match(/..?/gs) ?? [];
  const found = pairs.map((pair) => bytes.get(pair) ?? malformed("A part of a message has letters that no part has."));
  const data = Uint8Array.from(found);
  const content = data.subarray(0, -4);
  if (data.length < 5 || !same(bigEndian(crc32(content), 4), data.subarray(-4))) {
    malformed("A part of a message has a wrong checksum.");
  }
  return content;
}

/** A message as parts. `longest` is the greatest length of a fragment in bytes: a part has about twice as many letters and 60
 * more. */
export class UrWriter {
  readonly #message: Uint8Array;
  readonly #fragments: Uint8Array[] = [];
  readonly #checksum: number;
  readonly #chooser: Chooser;

  /** Throws `token.malformed` for an empty or too long message. */
  constructor(content: Uint8Array, { longest = 200 }: { longest?: number } = {}) {
    this.#message = writeCbor(content);
    if (!content.length || this.#message.length > LONGEST_MESSAGE) {
      malformed("A message of this length is not shown as a series of codes.");
    }
    const size = fragmentLength(this.#message.length, longest);
    for (let at = 0; at < this.#message.length; at += size) {
      const fragment = new Uint8Array(size);
      fragment.set(this.#message.subarray(at, at + size));
      this.#fragments.push(fragment);
    }
    this.#checksum = crc32(this.#message);
    this.#chooser = new Chooser(this.count, this.#checksum);
  }

  /** How many parts give the message when none is missed. */
  get count(): number {
    return this.#fragments.length;
  }

  /** Part `number`, from 1, without end: show them one after the other. A message of one fragment has one part only. */
  part(number: number): string {
    return this.#part(number).toUpperCase();
  }

  #part(number: number): string {
    if (this.count === 1) {
      return PREFIX + writeWords(this.#message);
    }
    const mixed = new Uint8Array(this.#fragments[0]?.length ?? 0);
    for (const index of this.#chooser.indexes(number)) {
      mixInto(mixed, this.#fragments[index]);
    }
    const content = writeCbor([number, this.count, this.#message.length, this.#checksum, mixed]);
    return `${PREFIX}${number}-${this.count}/${writeWords(content)}`;
  }
}

function mixInto(target: Uint8Array, other: Uint8Array | undefined): void {
  other?.forEach((byte, place) => {
    target[place] = (target[place] ?? 0) ^ byte;
  });
}

/** What every part of one message says of it. */
type Head = { readonly count: number; readonly length: number; readonly checksum: number; readonly size: number };

/** Which fragments are mixed in a row (one bit each), and their XOR. */
type Row = { readonly mask: bigint; readonly value: Uint8Array };

type Collected = { readonly head: Head; readonly chooser: Chooser; readonly rows: Map<bigint, Row> };

/** Collects parts in any order until the message is complete. Bounded: at most `MOST_FRAGMENTS` rows of one fragment. */
export class UrReader {
  #content: Uint8Array | null = null;
  #collected: Collected | null = null;

  /** The message, null until it is complete. */
  get content(): Uint8Array | null {
    return this.#content;
  }

  /** The share of the message that is known, 0 to 1. */
  get progress(): number {
    return this.#content ? 1 : this.#collected ? this.#collected.rows.size / this.#collected.head.count : 0;
  }

  /** One part that was scanned. Sets `content` when the message is complete. Throws `token.malformed` for what is no part, or is
   * a part of another message; what was collected stays. */
  take(part: string): void {
    const text = part.trim().toLowerCase();
    if (text.length > LONGEST_PART || !text.startsWith(PREFIX)) {
      malformed("This is not a part of a message.");
    }
    const rest = text.slice(PREFIX.length);
    const end = rest.lastIndexOf("/");
    const data = readWords(rest.slice(end + 1));
    if (!this.#content && end <= 0) {
      this.#content = contentOf(data);
    } else if (!this.#content) {
      this.#takeFragment(data, rest.slice(0, end));
    }
  }

  #takeFragment(data: Uint8Array, sequence: string): void {
    const { number, head, fragment } = readPart(data);
    if (sequence !== `${number}-${head.count}`) {
      malformed("A part of a message contradicts itself.");
    }
    this.#collected ??= { head, chooser: new Chooser(head.count, head.checksum), rows: new Map() };
    const { chooser, rows, head: known } = this.#collected;
    if (JSON.stringify(known) !== JSON.stringify(head)) {
      malformed("A part belongs to another message.");
    }
    addRow(rows, { mask: chooser.indexes(number).reduce((mask, index) => mask | (1n << BigInt(index)), 0n), value: fragment });
    if (rows.size === head.count) {
      this.#solve(this.#collected);
    }
  }

  #solve({ head, rows }: Collected): void {
    const solved = new Map<bigint, Uint8Array>();
    for (let bit = 1n << BigInt(head.count - 1); bit; bit >>= 1n) {
      const { mask = bit, value = new Uint8Array(head.size) } = rows.get(bit) ?? {};
      for (let left = mask ^ bit; left; left &= left - 1n) {
        mixInto(value, solved.get(left & -left));
      }
      solved.set(bit, value);
    }
    const message = joined(...[...solved.values()].reverse()).subarray(0, head.length);
    if (crc32(message) !== head.checksum) {
      this.#collected = null;
      malformed("The parts of a message do not fit together; begin again.");
    }
    this.#content = contentOf(message);
  }
}

/** Brings a row into the elimination: each row stands under its lowest fragment, which no other row has as its lowest. */
function addRow(rows: Map<bigint, Row>, { mask, value }: Row): void {
  for (let left = mask, mixed = value; left; ) {
    const lowest = left & -left;
    const known = rows.get(lowest);
    if (!known) {
      rows.set(lowest, { mask: left, value: mixed });
      return;
    }
    left ^= known.mask;
    mixInto(mixed, known.value);
  }
}

function contentOf(message: Uint8Array): Uint8Array {
  const content = readCbor(message);
  return content instanceof Uint8Array ? content : malformed("A message is not a byte string.");
}

function readPart(data: Uint8Array): { number: number; head: Head; fragment: Uint8Array } {
  const content = readCbor(data);
  const [number, count, length, checksum, fragment] = Array.isArray(content) && content.length === 5 ? (content as unknown[]) : [];
  if (
    !isWithin(number, 1, LAST_NUMBER) ||
    !isWithin(count, 1, MOST_FRAGMENTS) ||
    !isWithin(length, 1, LONGEST_MESSAGE) ||
    !isWithin(checksum, 0, LAST_NUMBER) ||
    !(fragment instanceof Uint8Array) ||
    count !== Math.ceil(length / fragment.length)
  ) {
    return malformed("A part of a message is malformed.");
  }
  return { number, head: { count, length, checksum, size: fragment.length }, fragment };
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && least <= value && value <= most;
}

/** The length of equal fragments, none longer than `longest`, as the standard's writer chooses it. */
function fragmentLength(length: number, longest: number): number {
  for (let count = 1; count <= MOST_FRAGMENTS; count++) {
    const size = Math.ceil(length / count);
    if (size <= longest) {
      return size;
    }
  }
  return malformed("A message is too long for fragments of this length.");
}

/** Which fragments are mixed into a part: agreed by both sides from its number and the message's checksum. */
class Chooser {
  readonly #count: number;
  readonly #checksum: number;
  readonly #chances: readonly number[];
  readonly #aliases: readonly number[];

  constructor(count: number, checksum: number) {
    this.#count = count;
    this.#checksum = checksum;
    [this.#chances, this.#aliases] = aliasTable(count);
  }

  /** The fragments of part `number`, from 0. */
  indexes(number: number): number[] {
    if (number <= this.#count) {
      return [number - 1];
    }
    const draw = draws(sha256(joined(bigEndian(number, 4), bigEndian(this.#checksum, 4))));
    const place = indexOf(draw(), this.#count);
    const degree = (draw() < (this.#chances[place] ?? 1) ? place : (this.#aliases[place] ?? 0)) + 1;
    const left = Array.from({ length: this.#count }, (_, index) => index);
    return Array.from({ length: degree }, () => left.splice(indexOf(draw(), left.length), 1)).flat();
  }
}

function indexOf(draw: number, count: number): number {
  return Math.min(Math.floor(draw * count), count - 1);
}

/** Walker's table for choosing 1 to `count` fragments with chances as 1 : 1/2 : 1/3 ... In the standard's order of steps: both
 * sides must round alike. */
function aliasTable(count: number): [chances: number[], aliases: number[]] {
  let total = 0;
  for (let degree = 1; degree <= count; degree++) {
    total += 1 / degree;
  }
  const weights = Array.from({ length: count }, (_, place) => ((1 / (place + 1)) * count) / total);
  const weight = (place: number) => weights[place] ?? 0;
  const places = weights.map((_, place) => place).reverse();
  const small = places.filter((place) => weight(place) < 1);
  const large = places.filter((place) => weight(place) >= 1);
  const chances = Array<number>(count).fill(1);
  const aliases = Array<number>(count).fill(0);
  while (small.length && large.length) {
    const [less, more] = [small.pop() ?? 0, large.pop() ?? 0];
    chances[less] = weight(less);
    aliases[less] = more;
    weights[more] = weight(more) + (weight(less) - 1);
    (weight(more) < 1 ? small : large).push(more);
  }
  return [chances, aliases];
}

/** Numbers from 0 to 1 of the generator xoshiro256**, seeded with 32 bytes. */
function draws(seed: Uint8Array): () => number {
  const view = new DataView(seed.buffer, seed.byteOffset);
  let [a, b, c, d] = [view.getBigUint64(0), view.getBigUint64(8), view.getBigUint64(16), view.getBigUint64(24)];
  const cut = (value: bigint) => BigInt.asUintN(64, value);
  const turned = (value: bigint, by: bigint) => cut(value << by) | (value >> (64n - by));
  return () => {
    const drawn = cut(turned(cut(b * 5n), 7n) * 9n);
    const shifted = cut(b << 17n);
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = turned(d, 45n);
    return Number(drawn) / 2 ** 64;
  };
}

// The CBOR that tokens and payment requests are made of (RFC 8949): whole numbers, byte and text strings, arrays, maps, and the
// four simple values. Read with bounds, because these bytes come from strangers: a length never exceeds what is there, nothing is
// nested deeper than `DEEPEST`, a map has each key once, and everything else is refused. `undefined` is read as null. Written in
// the shortest form, maps in their own order.
import { bigEndian, fromUtf8, hex, joined, numberOf, utf8 } from "./bytes.ts";
import { malformed } from "./errors.ts";

export const DEEPEST = 16;
const SIMPLE = new Map([[20, false], [21, true], [22, null], [23, null]]);
const BREAK = 0xff;
const ENDLESS = 31;

/** What is read: a whole number beyond 2^53 is a bigint, a map may have keys of several kinds. */
export type Cbor = number | bigint | string | boolean | null | Uint8Array | readonly Cbor[] | ReadonlyMap<Cbor, Cbor>;

/** What is written: fields that are undefined are left out. */
export type Writable =
  | (number | string | boolean | null | Uint8Array)
  | readonly Writable[]
  | { readonly [name: string]: Writable | undefined };

/** The content as CBOR. Throws `token.malformed` for a number that is not whole and from 0. */
export function writeCbor(content: Writable): Uint8Array {
  if (typeof content === "number") {
    return head(0, Number.isSafeInteger(content) ? content : malformed("A number is not whole."));
  }
  if (typeof content === "string") {
    const data = utf8(content);
    return joined(head(3, data.length), data);
  }
  if (typeof content === "boolean" || content === null) {
    return Uint8Array.of(content === null ? 0xf6 : content ? 0xf5 : 0xf4);
  }
  if (content instanceof Uint8Array) {
    return joined(head(2, content.length), content);
  }
  if (isList(content)) {
    return joined(head(4, content.length), ...content.map(writeCbor));
  }
  const fields = Object.entries(content).filter((field): field is [string, Writable] => field[1] !== undefined);
  return joined(head(5, fields.length), ...fields.flatMap((field) => field.map(writeCbor)));
}

function isList(content: Writable): content is readonly Writable[] {
  return Array.isArray(content);
}

function head(kind: number, size: number): Uint8Array {
  if (size < 24) {
    return Uint8Array.of(kind * 32 + (size >= 0 ? size : malformed("A number is negative.")));
  }
  const power = size < 2 ** 8 ? 0 : size < 2 ** 16 ? 1 : size < 2 ** 32 ? 2 : 3;
  return joined(Uint8Array.of(kind * 32 + 24 + power), bigEndian(size, 1 << power));
}

/** The one value that `data` holds. Throws `token.malformed`. */
export function readCbor(data: Uint8Array): Cbor {
  const reader = new CborReader(data);
  const value = reader.value(DEEPEST);
  return reader.isAtEnd() ? value : malformed("Something follows the content.");
}

class CborReader {
  readonly #data: Uint8Array;
  #place = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  isAtEnd(): boolean {
    return this.#place === this.#data.length;
  }

  value(depth: number): Cbor {
    if (!depth) {
      malformed("The content is nested too deeply.");
    }
    const [kind, detail] = this.#first();
    if (kind === 7) {
      const simple = SIMPLE.get(detail);
      return simple === undefined ? malformed("The content has a value that no token has.") : simple;
    }
    const isEndless = detail === ENDLESS && 2 <= kind && kind <= 5;
    const size = isEndless ? null : this.#argument(detail);
    switch (kind) {
      case 0:
      case 1:
        return plain(kind ? -1n - (size ?? 0n) : (size ?? 0n));
      case 2:
        return this.#string(kind, size);
      case 3:
        return fromUtf8(this.#string(kind, size));
      case 4:
        return [...this.#repeated(size, () => this.value(depth - 1))];
      case 5:
        return this.#map(size, depth - 1);
    }
    return malformed("The content has a tag.");
  }

  #first(): [kind: number, detail: number] {
    const byte = this.#take(1n)[0] ?? 0;
    return [byte >> 5, byte & 31];
  }

  #take(size: bigint): Uint8Array {
    if (size > this.#data.length - this.#place) {
      malformed("The content is cut.");
    }
    this.#place += Number(size);
    return this.#data.slice(this.#place - Number(size), this.#place);
  }

  #argument(detail: number): bigint {
    if (detail > 27) {
      malformed("The content is malformed.");
    }
    return detail < 24 ? BigInt(detail) : numberOf(this.#take(1n << BigInt(detail - 24)));
  }

  #string(kind: number, size: bigint | null): Uint8Array {
    return size === null ? joined(...this.#repeated(null, () => this.#chunk(kind))) : this.#take(size);
  }

  #chunk(kind: number): Uint8Array {
    const [found, detail] = this.#first();
    return found === kind && detail !== ENDLESS ? this.#take(this.#argument(detail)) : malformed("The content is malformed.");
  }

  #ends(): boolean {
    const isBreak = this.#data[this.#place] === BREAK;
    this.#place += isBreak ? 1 : 0;
    return isBreak;
  }

  *#repeated<T>(size: bigint | null, read: () => T): Generator<T> {
    for (let count = 0n; size === null ? !this.#ends() : count < size; count++) {
      yield read();
    }
  }

  #map(size: bigint | null, depth: number): Map<Cbor, Cbor> {
    const known = new Set<string>();
    const fields = this.#repeated(size, (): [Cbor, Cbor] => {
      const key = this.value(depth);
      const name = nameOf(key);
      if (known.has(name)) {
        malformed("A name in the content stands twice.");
      }
      known.add(name);
      return [key, this.value(depth)];
    });
    return new Map(fields);
  }
}

function plain(value: bigint): number | bigint {
  const short = Number(value);
  return Number.isSafeInteger(short) ? short : value;
}

function nameOf(key: Cbor): string {
  if (key instanceof Uint8Array) {
    return `bytes ${hex(key)}`;
  }
  const isName = typeof key === "string" || typeof key === "number" || typeof key === "bigint";
  return isName ? `${typeof key === "string" ? "text" : "number"} ${key}` : malformed("A name in the content is malformed.");
}

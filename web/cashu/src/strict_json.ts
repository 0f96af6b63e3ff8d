// JSON as the mint's reader of spending conditions takes it: a field that stands twice is an error, and NaN and Infinity are
// values.
//
// `JSON.parse` lets the last of two fields win and refuses NaN. A till that reads a condition otherwise than the mint could take
// a coin that it cannot redeem, so both decide alike (vectors/amparo/conditions.json).
import { malformed } from "./errors.ts";

/** A JSON value; numbers are null here, since no condition holds one. */
export type Json = string | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const SPACE = /[ \t\n\r]*/y;
const WORD = /true|false|null|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** The value of a text, undefined when it is not JSON. Throws `token.malformed` for a field that stands twice. Whoever calls
 * bounds the depth. */
export function parseStrictly(text: string): Json | undefined {
  const reader = new StrictReader(text);
  const value = reader.value();
  return value !== undefined && reader.isAtEnd() ? value : undefined;
}

class StrictReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#take(SPACE);
    return this.#at === this.#text.length;
  }

  value(): Json | undefined {
    this.#take(SPACE);
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case "[":
        return this.#list();
      case "{":
        return this.#fields();
    }
    const word = this.#take(WORD);
    return word === undefined ? undefined : word === "true" || (word === "false" ? false : null);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #sign(sign: string): boolean {
    this.#take(SPACE);
    const isThere = this.#text[this.#at] === sign;
    this.#at += isThere ? 1 : 0;
    return isThere;
  }

  #string(): string | undefined {
    const found = this.#take(STRING);
    return found === undefined ? undefined : (JSON.parse(found) as string);
  }

  #list(): Json[] | undefined {
    const found: Json[] = [];
    this.#at += 1;
    if (this.#sign("]")) {
      return found;
    }
    do {
      const value = this.value();
      if (value === undefined) {
        return undefined;
      }
      found.push(value);
    } while (this.#sign(","));
    return this.#sign("]") ? found : undefined;
  }

  #fields(): { [name: string]: Json } | undefined {
    const found: [string, Json][] = [];
    this.#at += 1;
    if (!this.#sign("}")) {
      do {
        this.#take(SPACE);
        const name = this.#string();
        const value = name !== undefined && this.#sign(":") ? this.value() : undefined;
        if (name === undefined || value === undefined) {
          return undefined;
        }
        found.push([name, value]);
      } while (this.#sign(","));
      if (!this.#sign("}")) {
        return undefined;
      }
    }
    if (new Set(found.map(([name]) => name)).size !== found.length) {
      malformed("A field of a condition stands twice.");
    }
    return Object.fromEntries(found);
  }
}

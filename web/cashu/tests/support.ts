// What the tests of this package share: vectors, refusals, a seeded generator, a mint.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { sha256 } from "@noble/hashes/sha2.js";
import { bigEndian, hex, numberOf, utf8 } from "../src/bytes.ts";
import { ORDER, generatorTimes, multiply, readPoint, scalarOf, showPoint } from "../src/curve.ts";
import { isError } from "../src/errors.ts";
import { challenge } from "../src/nut12_dleq.ts";
import type { BlindSignature, BlindedMessage } from "../src/wire.ts";

const FOLDER = new URL("../../../vectors/", import.meta.url);

export type Vector = Record<string, any>; // a test's own reading of published JSON

/** A file of vectors, `cashu/nut12_dleq` or `amparo/recovery_code`. */
export function document(name: string): Vector {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as Vector;
}

export function vectors(name: string): Vector[] {
  const found = document(name)["vectors"] as Vector[];
  assert.ok(found.length);
  return found;
}

export function namesOf(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, FOLDER)).map((name) => name.replace(/\.json$/, ""));
}

/** Asserts that the action throws one of our errors, with one of these codes where any is named. */
export function refused(action: () => unknown, ...codes: string[]): void {
  assert.throws(action, (error) => {
    assert.ok(isError(error), String(error));
    assert.ok(!codes.length || codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  });
}

/** The text with one sign (of hex or base64) changed. */
export function altered(text: string, at = -1): string {
  const place = (at + text.length) % text.length;
  return text.slice(0, place) + (text[place] === "0" ? "1" : "0") + text.slice(place + 1);
}

export function key(number: number): Uint8Array {
  return bigEndian(number, 32);
}

export function pointOfKey(secret: Uint8Array): string {
  return showPoint(generatorTimes(secret));
}

/** Numbers that look random and are the same in every run. */
export class Dice {
  #state: Uint8Array;

  constructor(seed: string) {
    this.#state = sha256(utf8(seed));
  }

  bytes(size: number): Uint8Array {
    const found = new Uint8Array(size);
    for (let at = 0; at < size; at += 32) {
      this.#state = sha256(this.#state);
      found.set(this.#state.subarray(0, Math.min(32, size - at)), at);
    }
    return found;
  }

  /** From 0 to `below` - 1. */
  below(below: number): number {
    return Number(numberOf(this.bytes(8)) % BigInt(below));
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  shuffled<T>(all: readonly T[]): T[] {
    const left = [...all];
    return all.map(() => left.splice(this.below(left.length), 1)[0] as T);
  }

  scalar(): Uint8Array {
    return scalarOf(numberOf(this.bytes(32)));
  }

  text(most = 12): string {
    const signs = ["a", "Z", "0", " ", "ñ", "ع", "水", "😀", '"', "\\", "\n", "\u0000"];
    return Array.from({ length: 1 + this.below(most) }, () => this.one(signs)).join("");
  }
}

/** A mint's signatures with their proofs, by one key for every amount. */
export function signAll(outputs: readonly BlindedMessage[], mint: Uint8Array): BlindSignature[] {
  return outputs.map(({ amount, id, B_ }) => {
    const nonce = key(9);
    const blinded = readPoint(B_);
    const signed = multiply(blinded, mint);
    const e = challenge(generatorTimes(nonce), multiply(blinded, nonce), generatorTimes(mint), signed);
    const s = scalarOf((numberOf(nonce) + numberOf(e) * numberOf(mint)) % ORDER);
    return { amount, id, C_: showPoint(signed), dleq: { e: hex(e), s: hex(s) } };
  });
}

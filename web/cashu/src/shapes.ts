// Readers that turn what a stranger sent (parsed JSON, CBOR) into a type, or throw `token.malformed`. Fields nobody named are
// left out; null counts as absent; numbers are whole and exact.
import { malformed } from "./errors.ts";

export type Reader<T> = (value: unknown) => T;

export const text: Reader<string> = (value) => (typeof value === "string" ? value : wrong());

/** A whole number from 0 that a double holds exactly. */
export const whole: Reader<number> = (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : wrong());

export const flag: Reader<boolean> = (value) => (typeof value === "boolean" ? value : wrong());

/** One of these texts. */
export function oneOf<T extends string>(...texts: readonly T[]): Reader<T> {
  return (value) => texts.find((each) => each === value) ?? wrong();
}

export function listOf<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value) => (Array.isArray(value) ? value.map((each) => read(each)) : wrong());
}

export const bytes: Reader<Uint8Array> = (value) => (value instanceof Uint8Array ? value : wrong());

/** A field that may be absent or null. */
export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value) => (value === undefined || value === null ? undefined : read(value));
}

/** A field that is `otherwise` when it is absent or null. */
export function orElse<T>(read: Reader<T>, otherwise: T): Reader<T> {
  return (value) => (value === undefined || value === null ? otherwise : read(value));
}

/** A map of any texts. */
export function mapOf<T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value) => Object.fromEntries(Object.entries(record(value)).map(([name, each]) => [name, read(each)]));
}

/** An object with these fields. */
export function shape<T>(fields: { readonly [Name in keyof T]-?: Reader<T[Name]> }): Reader<T> {
  return (value) => {
    const content = record(value);
    const found: Partial<T> = {};
    for (const name in fields) {
      const field = fields[name](Object.hasOwn(content, name) ? content[name] : undefined);
      if (field !== undefined) {
        found[name] = field;
      }
    }
    return found as T; // every field was read by its reader
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (value instanceof Map) {
    return Object.fromEntries([...value].filter(([name]) => typeof name === "string"));
  }
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
  return isRecord ? (value as Record<string, unknown>) : wrong();
}

/** What a JSON text holds, read. Throws `token.malformed`. */
export function readJson<T>(content: string, read: Reader<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return malformed("A text is not JSON.");
  }
  return read(value);
}

function wrong(): never {
  return malformed("A message does not have the agreed shape.");
}

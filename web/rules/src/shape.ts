// What a message must look like: small readers that turn a plain JSON value into a type, or fail with `common.malformed_message`.
// The twin of msgspec's strict structs: unknown fields refused, missing ones only where there is a default.
import { fail } from "@amparo/cashu/errors.ts";

import type { Plain } from "./canonical.ts";

export type Read<T> = (plain: Plain | undefined) => T;
export type Fields<T> = { readonly [name in keyof T]-?: Read<T[name]> };

function malformed(): never {
  return fail("common.malformed_message", "A message has the wrong shape.");
}

export const text: Read<string> = (plain) => (typeof plain === "string" ? plain : malformed());

export const flag: Read<boolean> = (plain) => (typeof plain === "boolean" ? plain : malformed());

/** A whole number within 2^53-1. */
export const whole: Read<number> = (plain) => (typeof plain === "number" && Number.isSafeInteger(plain) ? plain : malformed());

/** One fixed text. */
export function exactly<T extends string>(wanted: T): Read<T> {
  return (plain) => (plain === wanted ? wanted : malformed());
}

/** `read`, or null; a missing field is null. */
export function optional<T>(read: Read<T>): Read<T | null> {
  return (plain) => (plain === null || plain === undefined ? null : read(plain));
}

/** `read`, where a missing field means `value`. */
export function otherwise<T>(read: Read<T>, value: T): Read<T> {
  return (plain) => (plain === undefined ? value : read(plain));
}

export function list<T>(read: Read<T>): Read<T[]> {
  return (plain) => (Array.isArray(plain) ? plain.map((item: Plain) => read(item)) : malformed());
}

/** An object with any names and one kind of value. */
export function map<T>(read: Read<T>): Read<Record<string, T>> {
  return (plain) => Object.fromEntries(Object.entries(object(plain)).map(([name, item]) => [name, read(item)]));
}

/** An object with exactly these fields. */
export function struct<T>(fields: Fields<T>): Read<T> {
  const readers = Object.entries(fields) as [string, Read<unknown>][];
  return (plain) => {
    const given = object(plain);
    if (Object.keys(given).some((name) => !Object.hasOwn(fields, name))) malformed();
    return Object.fromEntries(readers.map(([name, read]) => [name, read(Object.hasOwn(given, name) ? given[name] : undefined)])) as T;
  };
}

function object(plain: Plain | undefined): Record<string, Plain> {
  return typeof plain === "object" && plain !== null && !Array.isArray(plain) ? (plain as Record<string, Plain>) : malformed();
}

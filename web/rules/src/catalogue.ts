// The fact catalogue as a receipt's check needs it: types and ranges. A value is a scaled integer (days since 1970 for dates) and is
// shown as JSON. Twin of amparo_rules.catalogue; the data comes from it (`generated.ts`), the labels for people stand in `labels.ts`.
import { fail } from "@amparo/cashu/errors.ts";

import { dayOf, days, isDay } from "./days.ts";
import { refuseForbidden } from "./forbidden.ts";
import { CATALOGUE_TYPES } from "./generated.ts";
import type { Read } from "./shape.ts";
import { flag, otherwise, struct, whole } from "./shape.ts";

export type Entity = "person" | "household";
export type Shown = boolean | number | string | null;
export type FactKind = "bool" | "int" | "decimal" | "date";

/** Type and range of a fact. `min` and `max` are scaled integers, both included. */
export interface FactType {
  readonly kind: FactKind;
  readonly min: number;
  readonly max: number;
  readonly scale: number;
  readonly nullable: boolean;
}

export const ENTITIES: readonly Entity[] = ["person", "household"];

const factKind: Read<FactKind> = (plain) => {
  const found = (["bool", "int", "decimal", "date"] as const).find((each) => each === plain);
  return found ?? fail("common.malformed_message", "A fact is of no known kind.");
};
export const readFactType = struct<FactType>({
  kind: factKind,
  min: whole,
  max: whole,
  scale: otherwise(whole, 0),
  nullable: otherwise(flag, true),
});

/** By entity and name, as `key` writes it. */
export type Definitions = ReadonlyMap<string, FactType>;

/** The name of a fact in `Definitions`. */
export function key(entity: string, name: string): string {
  return `${entity} ${name}`;
}

export const CATALOGUE: Definitions = new Map(Object.entries(CATALOGUE_TYPES));

/** The type of a fact of the catalogue, or of `defined` (what stands in the log). Fails with `rules.forbidden_concept`,
 * `rules.unknown_fact`. */
export function fact(entity: Entity, name: string, defined: Definitions): FactType {
  const found = CATALOGUE.get(key(entity, name)) ?? defined.get(key(entity, name));
  if (found !== undefined) return found;
  refuseForbidden(name);
  return fail("rules.unknown_fact", "A fact is neither in the catalogue nor defined in the log.");
}

/** `value` itself when it is allowed. Fails with `rules.fact_out_of_range`. */
export function checkFact(type: FactType, value: bigint | null): bigint | null {
  if (value === null ? !type.nullable : value < type.min || value > type.max) fail("rules.fact_out_of_range", "A value is out of range.");
  return value;
}

/** The JSON form of a scaled integer. */
export function showFact(type: FactType, value: bigint | null): Shown {
  if (value === null) return null;
  switch (type.kind) {
    case "bool":
      return value === 1n;
    case "int":
      return Number(value);
    case "decimal":
      return showDecimal(value, type.scale);
    case "date":
      return dayOf(Number(value));
  }
}

/** The reverse of `showFact`. Fails with `rules.fact_out_of_range` for another form. */
export function readFact(type: FactType, shown: Shown): bigint | null {
  if (shown === null) return checkFact(type, null);
  if (type.kind === "bool" && typeof shown === "boolean") return checkFact(type, shown ? 1n : 0n);
  if (type.kind === "int" && typeof shown === "number") return checkFact(type, BigInt(shown));
  if (typeof shown === "string" && (type.kind === "decimal" || type.kind === "date")) {
    const value = checkFact(type, type.kind === "date" ? readDay(shown) : readDecimal(shown, type.scale));
    if (showFact(type, value) === shown) return value;
  }
  return fail("rules.fact_out_of_range", "A value is not written in its one form.");
}

/** Facts in their JSON form as scaled integers. Fails with `rules.fact_out_of_range`. */
export function readFacts(types: ReadonlyMap<string, FactType>, values: Readonly<Record<string, Shown>>): Map<string, bigint | null> {
  return new Map([...types].map(([name, type]) => [name, readFact(type, Object.hasOwn(values, name) ? (values[name] ?? null) : null)]));
}

/** A scaled integer as text: 1250, 2 -> "12.50". */
export function showDecimal(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function readDecimal(shown: string, scale: number): bigint {
  const [, sign = "", whole = "", part = ""] = /^(-?)([0-9]{1,16})(?:\.([0-9]*))?$/.exec(shown) ?? fail("rules.fact_out_of_range", "A number cannot be read.");
  if (part.replace(/0+$/, "").length > scale) fail("rules.fact_out_of_range", "A number has too many decimals.");
  return BigInt(sign + whole + part.slice(0, scale).padEnd(scale, "0"));
}

function readDay(shown: string): bigint {
  return isDay(shown) ? BigInt(days(shown)) : fail("rules.fact_out_of_range", "A date cannot be read.");
}


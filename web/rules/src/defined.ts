// Facts beside the catalogue of the release, as two people of the office defined them in the public log. Twin of amparo_rules.defined:
// the first entry of a name counts for good; one that is not allowed defines nothing.
import { utf8 } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";

import type { Plain } from "./canonical.ts";
import { decode } from "./canonical.ts";
import type { Definitions, FactType } from "./catalogue.ts";
import { CATALOGUE, ENTITIES, key, readFactType } from "./catalogue.ts";
import { days } from "./days.ts";
import { refuseForbidden } from "./forbidden.ts";
import { map, struct, text, whole } from "./shape.ts";
import { RESERVED, stripped } from "./syntax.ts";

/** An entry of the log; `definition` is the whole definition as canonical JSON. */
export interface FactDefined {
  readonly entity: string;
  readonly name: string;
  readonly definition: string;
  readonly approvals: number;
}

/** What a definition says. */
export interface FactDefinition {
  readonly name: string;
  readonly entity: string;
  readonly type: FactType;
  readonly label: Readonly<Record<string, string>>;
  readonly purpose: string;
  readonly retention_days: number;
}

const LANGUAGES = "ar en es fr pt";
const LONGEST_RETENTION = 3_650;
const MOST_DECIMALS = 6;
const TWO_PEOPLE = 2;
const LARGEST_VALUE = 10 ** 15;
const NAME = /^(?=.{2,60}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;

const readFactDefinition = struct<FactDefinition>({
  name: text,
  entity: text,
  type: readFactType,
  label: map(text),
  purpose: text,
  retention_days: whole,
});

/** The definition in an entry of the log. Fails with `rules.definition_not_allowed`, `rules.forbidden_concept`. */
export function readDefinition(logged: FactDefined): FactDefinition {
  refuseForbidden(logged.name);
  const found = read(logged.definition);
  const isItself = found.entity === logged.entity && found.name === logged.name && (ENTITIES as readonly string[]).includes(found.entity);
  if (!isItself || logged.approvals < TWO_PEOPLE) notAllowed();
  for (const said of [found.name, found.purpose, ...Object.values(found.label)]) refuseForbidden(said);
  return isWithinLimits(found) ? found : notAllowed();
}

function read(definition: string): FactDefinition {
  try {
    return readFactDefinition(decode(utf8(definition)));
  } catch (error) {
    if (!isError(error)) throw error;
    return notAllowed();
  }
}

function notAllowed(): never {
  return fail("rules.definition_not_allowed", "A fact is defined against the limits.");
}

function isWithinLimits(found: FactDefinition): boolean {
  const { name, type, label, purpose, retention_days: kept } = found;
  const isNamed = NAME.test(name) && !RESERVED.has(name) && !CATALOGUE.has(key(found.entity, name));
  const isLabelled = Object.keys(label).sort().join(" ") === LANGUAGES && Object.values(label).every((each) => stripped(each) !== "");
  return isNamed && isLabelled && stripped(purpose) !== "" && 0 < kept && kept <= LONGEST_RETENTION && holdsValues(type) && type.nullable;
}

function holdsValues({ kind, min, max, scale }: FactType): boolean {
  if (kind === "bool") return min === 0 && max === 1 && scale === 0;
  if (scale !== 0 && kind !== "decimal") return false;
  const [least, most] = kind === "date" ? [days("1900-01-01"), days("2100-01-01")] : [-LARGEST_VALUE, LARGEST_VALUE];
  return least <= min && min <= max && max <= most && 0 <= scale && scale <= MOST_DECIMALS;
}

/** Of these entries of the log, in its order, the one of each name that counts. */
export function firstOfEach<T extends FactDefined>(logged: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const entry of logged) {
    const name = key(entry.entity, entry.name);
    if (!found.has(name)) found.set(name, entry);
  }
  return found;
}

/** What these entries of the log, in its order, define, whole. One that is not allowed defines nothing. */
export function standing(logged: readonly FactDefined[]): ReadonlyMap<string, FactDefinition> {
  const found = new Map<string, FactDefinition>();
  for (const [name, entry] of firstOfEach(logged)) {
    try {
      found.set(name, readDefinition(entry));
    } catch (error) {
      if (!isError(error)) throw error;
    }
  }
  return found;
}

/** The types of definitions. */
export function typesOf(found: ReadonlyMap<string, FactDefinition>): Definitions {
  return new Map([...found].map(([name, { type }]) => [name, type]));
}

/** A definition as plain JSON, over which a rule's hash is taken. */
export function plainDefinition(found: FactDefinition): Plain {
  return found as unknown as Plain;
}

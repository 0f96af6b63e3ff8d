// A rule file: read, checked, hashed (`readRule`), and made ready for one cycle (`RuleFile.plan`). Twin of amparo_rules.rule; the format
// is docs/formats/rule-file.md. Not here: the examples of the file (the office and the audit check that they come true).
import { utf8 } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";

import type { Plain } from "./canonical.ts";
import { digest } from "./canonical.ts";
import type { Definitions, Entity, FactType } from "./catalogue.ts";
import { CATALOGUE, ENTITIES, fact, key } from "./catalogue.ts";
import type { Node, NodeKind, Scope } from "./check.ts";
import { check, condition, constant, greatest, least, node, roundHalfAway, within } from "./check.ts";
import { isDay } from "./days.ts";
import type { FactDefined, FactDefinition } from "./defined.ts";
import { firstOfEach, plainDefinition, standing, typesOf } from "./defined.ts";
import { forbiddenConcept, refuseForbidden } from "./forbidden.ts";
import { list, map, otherwise, struct, text } from "./shape.ts";
import type { Tree } from "./syntax.ts";
import { parse, plainTree, RESERVED, stripped } from "./syntax.ts";
import { readYaml } from "./yaml.ts";

/** One requirement as written: an id, a condition, and its sentence in every language of the programme. */
export interface ClauseText {
  readonly id: string;
  readonly when: string;
  readonly text: Readonly<Record<string, string>>;
}

/** A named number with the day it counts from and where it comes from. */
export interface Parameter {
  readonly value: string;
  readonly since: string;
  readonly reference: string;
}

/** An example household with the expected answer. */
export interface Example {
  readonly name: string;
  readonly as_of: string;
  readonly household: Readonly<Record<string, string>>;
  readonly members: readonly Readonly<Record<string, string>>[];
  readonly expect: { readonly failed: readonly string[]; readonly amount: string };
}

/** A rule file as written. All values are text until they are checked. */
export interface RuleText {
  readonly programme: string;
  readonly version: string;
  readonly language: string;
  readonly title: Readonly<Record<string, string>>;
  readonly purpose: Readonly<Record<string, string>>;
  readonly legal_basis: string;
  readonly unit: string;
  readonly budget: string;
  readonly notice_days: string;
  readonly inputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly facts: Readonly<Record<string, string>>;
  readonly require: readonly ClauseText[];
  readonly amount: string;
  readonly let: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly examples: readonly Example[];
}

/** One requirement, ready to compute. */
export interface Clause {
  readonly id: string;
  readonly when: Node;
}

/** A rule made ready for one cycle: what to compute, in order, with ages resolved against a day. */
export interface Plan {
  readonly personInputs: ReadonlyMap<string, FactType>;
  readonly householdInputs: ReadonlyMap<string, FactType>;
  readonly facts: readonly (readonly [string, Node])[];
  readonly steps: readonly (readonly [string, Node])[];
  readonly clauses: readonly Clause[];
  readonly amount: Node;
}

/** A checked rule. `defined`: the entries of the log that define those of its facts that are not in the catalogue. */
export interface RuleFile {
  readonly text: RuleText;
  readonly ruleHash: string;
  readonly noticeDays: number;
  readonly defined: readonly FactDefined[];
  /** The rule for the cycle that begins on `asOf` (YYYY-MM-DD). Fails with `rules.receipt_malformed` for what is no day. */
  plan(asOf: string): Plan;
}

const LANGUAGES: readonly string[] = ["1", "2"];
const LARGEST_FILE = 60_000;
/** How many people a household has at most. */
export const MOST_MEMBERS = 100;
const MOST_CLAUSES = 60;
const SHORTEST_NOTICE_DAYS = 7;
const AMOUNT_SCALE = 2;
const MOST_MINOR_UNITS = 2_100_000_000n;
// On which day a rule is checked: no check depends on it.
const ANY_DAY = "2000-02-29";
const SHORT_NAME = /^-*[a-z0-9][a-z0-9-]*$/;
const IDENTIFIER = /^[_\p{XID_Start}]\p{XID_Continue}*$/u;
const AMOUNT = /^(?:[0-9]{1,20}|[0-9]{1,3}(?:,[0-9]{3}){1,6})(?:\.[0-9]{1,2})?$/;
const NODE_KINDS: Readonly<Record<FactType["kind"], NodeKind>> = { bool: "bool", int: "number", decimal: "number", date: "date" };

const texts = map(text);
const readRuleText = struct<RuleText>({
  programme: text,
  version: text,
  language: text,
  title: texts,
  purpose: texts,
  legal_basis: text,
  unit: text,
  budget: text,
  notice_days: text,
  inputs: map(texts),
  facts: texts,
  require: list(struct<ClauseText>({ id: text, when: text, text: texts })),
  amount: text,
  let: otherwise(texts, {}),
  parameters: otherwise(map(struct<Parameter>({ value: text, since: text, reference: text })), {}),
  examples: otherwise(
    list(
      struct<Example>({
        name: text,
        as_of: text,
        household: texts,
        members: list(texts),
        expect: struct<Example["expect"]>({ failed: otherwise(list(text), []), amount: otherwise(text, "0.00") }),
      }),
    ),
    [],
  ),
});

/** A rule file, checked in every way but its examples. `defined` is what the log defines before the place of the rule, in its order.
 * Fails with `rules.not_readable`, `rules.refused`, `rules.unknown_fact`, `rules.forbidden_concept`, `common.not_canonical` or
 * `common.bad_money`, as Python does. */
export function readRule(source: string, defined: readonly FactDefined[] = []): RuleFile {
  const written = readText(source);
  checkNames(written);
  checkLanguages(written);
  const known = standing(defined);
  const types = typesOf(known);
  const plan = makePlan(written, types, ANY_DAY);
  const used = new Set(ENTITIES.flatMap((entity) => Object.keys(inputsOf(written, entity)).map((name) => key(entity, name))));
  for (const name of CATALOGUE.keys()) used.delete(name);
  const ruleHash = digest(content(written, plan, new Map([...known].filter(([name]) => used.has(name)))));
  const noticeDays = wholeNumber(written.notice_days);
  if (!AMOUNT.test(stripped(written.budget))) fail("common.bad_money", "The budget cannot be read.");
  if (noticeDays < SHORTEST_NOTICE_DAYS) fail("rules.refused", "The notice period is too short.");
  return {
    text: written,
    ruleHash,
    noticeDays,
    defined: [...firstOfEach(defined)].filter(([name]) => used.has(name)).map(([, entry]) => entry),
    plan: (asOf) => makePlan(written, types, isDay(asOf) ? asOf : fail("rules.receipt_malformed", "A day cannot be read.")),
  };
}

function notReadable(what: string): never {
  return fail("rules.not_readable", what);
}

function readText(source: string): RuleText {
  if (utf8(source).length > LARGEST_FILE) notReadable("A rule file is too large.");
  try {
    return readRuleText(readYaml(source));
  } catch (error) {
    if (!isError(error, "common.malformed_message")) throw error;
    return notReadable("The file has the wrong shape.");
  }
}

function checkNames(written: RuleText): void {
  if (!SHORT_NAME.test(written.programme) || !SHORT_NAME.test(written.unit)) notReadable("A name is not short.");
  if (!LANGUAGES.includes(written.language)) notReadable("This version does not read the language of the rule.");
  const own = [written.parameters, written.facts, written.let].flatMap((each) => Object.keys(each));
  const seen = new Set<string>();
  for (const name of [...Object.values(written.inputs).flatMap((each) => Object.keys(each)), ...own]) {
    if (seen.has(name) || RESERVED.has(name) || !IDENTIFIER.test(name) || name !== name.toLowerCase()) {
      notReadable("A name is used twice or is not allowed.");
    }
    seen.add(name);
  }
  for (const name of own) {
    // A need score may be a named step inside one decision; it is kept nowhere but in that decision's receipt.
    if (forbiddenConcept(name) !== "score") refuseForbidden(name);
  }
  const ids = new Set(written.require.map(({ id }) => id));
  if (ids.size !== written.require.length || ids.size === 0 || ids.size > MOST_CLAUSES) notReadable("A rule has 1 to 60 requirements.");
}

function checkLanguages(written: RuleText): void {
  const languages = Object.keys(written.title).sort().join("\n");
  for (const said of [written.purpose, ...written.require.map((clause) => clause.text)]) {
    const isWhole = Object.keys(said).sort().join("\n") === languages && Object.values(said).every((each) => stripped(each) !== "");
    if (!isWhole) notReadable("Every sentence is needed in every language of the programme.");
  }
}

function wholeNumber(written: string): number {
  return /^[0-9]{1,4}$/.test(written) ? Number(written) : notReadable("A field is no whole number.");
}

function inputsOf(written: RuleText, entity: Entity): Readonly<Record<string, string>> {
  return (Object.hasOwn(written.inputs, entity) ? written.inputs[entity] : undefined) ?? {};
}

function typesFor(written: RuleText, entity: Entity, defined: Definitions): Map<string, FactType> {
  if (Object.keys(written.inputs).some((name) => !(ENTITIES as readonly string[]).includes(name))) {
    notReadable("Inputs are listed under person and household.");
  }
  const found = new Map<string, FactType>();
  for (const [name, kind] of Object.entries(inputsOf(written, entity))) {
    const type = fact(entity, name, defined);
    if (written.language === "1" && !CATALOGUE.has(key(entity, name))) fail("rules.unknown_fact", "Language 1 knows the catalogue only.");
    if (type.kind !== kind) fail("rules.unknown_fact", "A fact is of another type than its definition says.");
    found.set(name, type);
  }
  return found;
}

function column(name: string, { kind, scale, min, max, nullable }: FactType): Node {
  return node("column", NODE_KINDS[kind], { name, scale, low: BigInt(min), high: BigInt(max), nullable });
}

function makePlan(written: RuleText, defined: Definitions, asOf: string): Plan {
  const personInputs = typesFor(written, "person", defined);
  const householdInputs = typesFor(written, "household", defined);
  const numbers = Object.entries(written.parameters).map(([name, { value }]): [string, Node] => [name, parameter(value)]);
  const memberScope = new Map([...[...personInputs].map(([name, type]): [string, Node] => [name, column(name, type)]), ...numbers]);
  const scope = new Map([...[...householdInputs].map(([name, type]): [string, Node] => [name, column(name, type)]), ...numbers]);
  const facts: [string, Node][] = [];
  for (const [name, expression] of Object.entries(written.facts)) {
    const found = aggregate(parse(expression), memberScope, asOf);
    facts.push([name, found]);
    scope.set(name, node("column", "number", { name, scale: found.scale, low: found.low, high: found.high }));
  }
  const steps: [string, Node][] = [];
  for (const [name, expression] of Object.entries(written.let)) {
    const found = knownValue(check(parse(expression), scope, asOf));
    steps.push([name, found]);
    scope.set(name, node("column", found.kind, { name, scale: found.scale, low: found.low, high: found.high }));
  }
  const clauses = written.require.map(({ id, when }) => ({ id, when: condition(check(parse(when), scope, asOf)) }));
  return { personInputs, householdInputs, facts, steps, clauses, amount: amount(check(parse(written.amount), scope, asOf)) };
}

function parameter(value: string): Node {
  const tree = parse(value);
  return tree.form === "number" ? constant(tree.value, tree.scale) : notReadable("A parameter is not a number.");
}

function aggregate(tree: Tree, scope: Scope, asOf: string): Node {
  const [inner, ...more] = tree.form === "call" ? tree.args : [];
  const name = tree.form === "call" && inner !== undefined && !more.length ? tree.name : "";
  if (name === "count" && inner !== undefined) {
    const counted = condition(check(inner, scope, asOf));
    // Every household has at least one member, so counting all of them never gives 0.
    const low = counted.op === "const" && counted.number === 1n ? 1n : 0n;
    return node("count", "number", { nodes: [counted], low, high: BigInt(MOST_MEMBERS) });
  }
  if (name === "total" && inner !== undefined) {
    const added = check(inner, scope, asOf);
    if (added.kind !== "number") fail("rules.refused", "total() adds numbers.");
    const [low, high] = [least([0n, added.low * BigInt(MOST_MEMBERS)]), greatest([0n, added.high * BigInt(MOST_MEMBERS)])];
    return within(node("total", "number", { nodes: [added], scale: added.scale, low, high }));
  }
  return fail("rules.refused", "A line under facts is count(condition) or total(number), over the members.");
}

function knownValue(found: Node): Node {
  if (found.nullable) fail("rules.refused", "A step must always have a value; write known(value, instead).");
  if (found.kind === "date") fail("rules.refused", "A step is a number or a condition.");
  return found;
}

function amount(found: Node): Node {
  if (found.kind !== "number" || found.nullable) fail("rules.refused", "The amount is a number that is always known.");
  if (found.scale > AMOUNT_SCALE) fail("rules.refused", "The amount has more than 2 decimals; write round(amount, 2).");
  const minor = roundHalfAway(found, AMOUNT_SCALE);
  if (minor.low < 0n || minor.high > MOST_MINOR_UNITS) fail("rules.refused", "The amount could be negative or out of bounds.");
  return minor;
}

/** What the hash covers: the parsed file, and in language 2 the whole definitions of the facts that it uses beside the catalogue. */
function content(written: RuleText, plan: Plan, used: ReadonlyMap<string, FactDefinition>): Plain {
  const lines = (each: Readonly<Record<string, string>>): Plain => Object.entries(each).map(([name, said]) => [name, plainTree(parse(said))]);
  const types = (each: ReadonlyMap<string, FactType>): Plain => Object.fromEntries(each) as unknown as Plain;
  const isOld = written.language === "1";
  return {
    ...(written as unknown as Record<string, Plain>),
    language: Number(written.language),
    inputs: { person: types(plan.personInputs), household: types(plan.householdInputs) },
    facts: lines(written.facts),
    let: lines(written.let),
    require: written.require.map(({ id, when, text: said }) => ({ id, when: plainTree(parse(when)), text: said })),
    amount: plainTree(parse(written.amount)),
    ...(isOld ? {} : { defined: Object.fromEntries(ENTITIES.map((entity) => [entity, definitions(entity, used)])) }),
  };
}

function definitions(entity: Entity, used: ReadonlyMap<string, FactDefinition>): Plain {
  const own = [...used.values()].filter((found) => found.entity === entity);
  return Object.fromEntries(own.map((found) => [found.name, plainDefinition(found)]));
}

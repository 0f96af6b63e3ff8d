// The vectors that tools/vectors_rules.py makes with Python's answers: every rule, receipt, refusal, expression, name and file alike.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { hex } from "@amparo/cashu/bytes.ts";
import { sha256 } from "@noble/hashes/sha2.js";

import type { Plain } from "../src/canonical.ts";
import { encode } from "../src/canonical.ts";
import type { Shown } from "../src/catalogue.ts";
import { readFacts, showDecimal, showFact } from "../src/catalogue.ts";
import type { FactDefined } from "../src/defined.ts";
import { evaluate } from "../src/evaluate.ts";
import { forbiddenConcept } from "../src/forbidden.ts";
import type { RuleFile } from "../src/rule.ts";
import { readRule } from "../src/rule.ts";
import { parse, plainTree } from "../src/syntax.ts";
import { readYaml } from "../src/yaml.ts";

type Values = Record<string, Shown>;
interface Home {
  household: Values;
  members: Values[];
}
interface Decided {
  code?: string;
  hash?: string;
  amounts: number[];
  failed: string[];
  receipts: string[];
}

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../vectors/amparo/rules/${name}.json`, import.meta.url), "utf8")) as T;
}

/** What something gives, or the code of its error. */
function answer<T>(work: () => T): { gives?: T; code?: string } {
  try {
    return { gives: work() };
  } catch (error) {
    return { code: (error as { code?: string }).code ?? String(error) };
  }
}

/** The receipt as the office writes it (the phone never does): of the facts those that the rule asks for. */
function receipt(rule: RuleFile, home: Home, place: number, asOf: string): { amount: number; failed: string; payload: Uint8Array } {
  const plan = rule.plan(asOf);
  const pick = (types: typeof plan.personInputs, values: Values) => new Map([...readFacts(types, values)]);
  const household = pick(plan.householdInputs, home.household);
  const members = home.members.map((member) => pick(plan.personInputs, member));
  const { steps, failed, amount } = evaluate(plan, { facts: household, members });
  const shown = (types: typeof plan.personInputs, facts: typeof household): Plain =>
    Object.fromEntries([...types].map(([name, type]) => [name, showFact(type, facts.get(name) ?? null)]));
  const payload = {
    amount,
    as_of: asOf,
    cycle: "2026-11",
    decided_at: "2026-11-01T09:00:00Z",
    declared: { date: "2026-10-01", source: "registry" },
    eligible: failed.length === 0,
    facts: { household: shown(plan.householdInputs, household), members: members.map((member) => shown(plan.personInputs, member)) },
    failed,
    holder: null,
    household: `H${place}`,
    programme: rule.text.programme,
    rule_hash: rule.ruleHash,
    rule_version: rule.text.version,
    steps: Object.fromEntries([...plan.facts, ...plan.steps].map(([name, { scale }]) => [name, showDecimal(steps.get(name) ?? 0n, scale)])),
    unit: rule.text.unit,
    v: 1,
  };
  return { amount, failed: failed.join(" "), payload: encode(payload) };
}

function agree(source: string, homes: readonly Home[], expected: Decided, asOf: string, defined: readonly FactDefined[] = []): boolean {
  const { gives: rule, code } = answer(() => readRule(source, defined));
  assert.equal(code, expected.code, source);
  if (rule === undefined) return false;
  assert.equal(rule.ruleHash, expected.hash, source);
  for (const [place, home] of homes.entries()) {
    const { amount, failed, payload } = receipt(rule, home, place, asOf);
    assert.equal(amount, expected.amounts[place], source);
    assert.equal(failed, expected.failed[place], source);
    assert.equal(hex(sha256(payload)).slice(0, 16), expected.receipts[place], source);
  }
  return true;
}

test("starter rules and random rules give every household the same decision and the same receipt", () => {
  type Case = Decided & { file: string; tail: string };
  const all = vectors<{ as_of: string; head: string; households: Home[]; starters: Case[]; random: Case[] }>("rules");
  for (const each of all.starters) assert.ok(agree(each.file, all.households, each, all.as_of));
  const decided = all.random.filter((each) => agree(all.head + each.tail, all.households, each, all.as_of));
  assert.ok(decided.length > 100);
});

test("rules with facts that the log defines give the same, and false definitions define nothing", () => {
  type Case = Decided & { tail: string; defined: FactDefined[]; households: Home[] };
  const { as_of: asOf, head, cases } = vectors<{ as_of: string; head: string; cases: Case[] }>("defined");
  const decided = cases.filter((each) => agree(head + each.tail, each.households, each, asOf, each.defined));
  assert.ok(decided.length > 10);
  assert.ok(cases.some(({ code }) => code === "rules.unknown_fact"));
});

test("a file with one word changed has the same hash or is refused for the same reason", () => {
  type Case = { of: string; from: number; to: number; put: string; gives?: string; code?: string };
  const { starters, cases } = vectors<{ starters: Record<string, string>; cases: Case[] }>("changed");
  for (const { of, from, to, put, gives, code } of cases) {
    const source = (starters[of] ?? "").slice(0, from) + put + (starters[of] ?? "").slice(to);
    assert.deepEqual(answer(() => readRule(source).ruleHash), gives === undefined ? { code } : { gives }, source);
  }
});

test("expressions have the same trees", () => {
  for (const [text, tree] of vectors<{ cases: [string, Plain][] }>("expressions").cases) {
    const found = answer(() => plainTree(parse(text)));
    assert.deepEqual(found, tree === null ? { code: "rules.not_readable" } : { gives: tree }, text);
  }
});

test("ranges and decimals are known beforehand alike, and what could pass them is refused alike", () => {
  const { frame, cases } = vectors<{ frame: string; cases: [string, string][] }>("ranges");
  for (const [expression, expected] of cases) {
    const found = answer(() => {
      const node = new Map(readRule(frame.replace("EXPRESSION", expression)).plan("2026-11-01").steps).get("found");
      return `${node?.scale} ${node?.low} ${node?.high}`;
    });
    assert.equal(found.gives ?? found.code, expected, expression);
  }
  assert.ok(cases.filter(([, expected]) => expected.includes(" ")).length > 100);
});

test("names speak of the same forbidden concepts", () => {
  for (const [name, concept] of vectors<{ cases: [string, string | null][] }>("names").cases) {
    assert.equal(forbiddenConcept(name) ?? null, concept, name);
  }
});

test("files are read as Python's YAML reads them, or refused", () => {
  const { cases, outside } = vectors<{ cases: [string, Plain][]; outside: string[] }>("yaml");
  let [same, stricter] = [0, 0];
  for (const [text, plain] of cases) {
    const found = answer(() => readYaml(text));
    if (found.code !== undefined) assert.equal(found.code, "rules.not_readable", text);
    else assert.deepEqual(JSON.parse(JSON.stringify(found.gives)), plain, text);
    if (found.code === undefined) same += 1;
    else if (plain !== null) stricter += 1;
  }
  // Places where YAML is stranger than anybody writes it.
  assert.ok(same > 150 && stricter <= 3, `${same} alike, ${stricter} refused here only`);
  for (const text of outside) assert.deepEqual(answer(() => readYaml(text)), { code: "rules.not_readable" }, text);
});

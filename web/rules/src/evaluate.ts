// The evaluator: one household, on BigInt. What a receipt's check runs. Twin of amparo_rules.evaluate.
import { fail } from "@amparo/cashu/errors.ts";

import { checkFact } from "./catalogue.ts";
import type { Node } from "./check.ts";
import { divideHalfAway, greatest, least } from "./check.ts";
import type { Plan } from "./rule.ts";
import { MOST_MEMBERS } from "./rule.ts";

export type Facts = ReadonlyMap<string, bigint | null>;

/** What a rule may see of one household: scaled integers by fact name, members in a fixed order. */
export interface Household {
  readonly facts: Facts;
  readonly members: readonly Facts[];
}

/** Every named step (scaled integers), the failed clauses' ids, the amount in minor units (0 when a clause failed). */
export interface Outcome {
  readonly steps: ReadonlyMap<string, bigint>;
  readonly failed: readonly string[];
  readonly amount: number;
}

/** Decides one household. Fails with `rules.fact_out_of_range` when a fact breaks its range. */
export function evaluate(plan: Plan, household: Household): Outcome {
  checkFacts(plan, household);
  const values = new Map([...plan.householdInputs.keys()].map((name) => [name, household.facts.get(name) ?? null]));
  const steps = new Map<string, bigint>();
  const keep = (name: string, value: bigint): void => {
    steps.set(name, value);
    values.set(name, value);
  };
  for (const [name, fact] of plan.facts) keep(name, aggregate(fact, household.members));
  for (const [name, step] of plan.steps) keep(name, compute(step, values) ?? 0n);
  const failed = plan.clauses.filter(({ when }) => !compute(when, values)).map(({ id }) => id);
  const amount = failed.length ? 0n : (compute(plan.amount, values) ?? 0n);
  return { steps, failed, amount: Number(amount) };
}

function checkFacts(plan: Plan, { facts, members }: Household): void {
  if (members.length < 1 || members.length > MOST_MEMBERS) fail("rules.fact_out_of_range", "An impossible number of members.");
  for (const [name, type] of plan.householdInputs) checkFact(type, facts.get(name) ?? null);
  for (const member of members) for (const [name, type] of plan.personInputs) checkFact(type, member.get(name) ?? null);
}

function aggregate(node: Node, members: readonly Facts[]): bigint {
  const [inner] = node.nodes;
  const values = inner === undefined ? [] : members.map((member) => compute(inner, member) ?? 0n);
  return node.op === "count" ? BigInt(values.filter(Boolean).length) : values.reduce((sum, value) => sum + value, 0n);
}

/** The value of a node; null only where the node may be unknown. */
function compute(node: Node, values: Facts): bigint | null {
  if (node.op === "column") return values.get(node.name) ?? null;
  if (node.op === "const") return node.number;
  const found = node.nodes.map((each) => compute(each, values));
  const [first = null, second = null] = found;
  switch (node.op) {
    case "unknown":
      return bit(first === null);
    case "known":
      return first ?? second;
    case "truth":
      return bit(first === 1n);
    case "age_under":
      return bit(first !== null && first > node.number);
    case "age_at_least":
      return bit(first !== null && first <= node.number);
    case "times":
      return first === null ? null : first * node.number;
    default:
      return exact(node, found.map(sure));
  }
}

function exact(node: Node, values: readonly bigint[]): bigint {
  const [one = 0n, two = 0n] = values;
  switch (node.op) {
    case "negative":
      return -one;
    case "+":
      return one + two;
    case "-":
      return one - two;
    case "*":
      return one * two;
    case "least":
      return least(values);
    case "greatest":
      return greatest(values);
    case "round":
      return divideHalfAway(one, node.number);
    case "divide":
      return divideHalfAway(one, two);
    case "flag":
      return one;
    case "not":
      return bit(one === 0n);
    case "and":
      return bit(values.every(Boolean));
    case "or":
      return bit(values.some(Boolean));
    case "=":
      return bit(one === two);
    case "!=":
      return bit(one !== two);
    case "<":
      return bit(one < two);
    case "<=":
      return bit(one <= two);
    case ">":
      return bit(one > two);
    case ">=":
      return bit(one >= two);
    default:
      return fail("rules.refused", "A step has no meaning here.");
  }
}

/** What the checker has proved to be known. */
function sure(value: bigint | null): bigint {
  return value ?? fail("rules.refused", "A value that is always known is unknown.");
}

function bit(is: boolean): bigint {
  return is ? 1n : 0n;
}

// Types, scales and ranges: turns the tree of an expression into a `Node` that every engine computes alike. Twin of amparo_rules.check.
// All values are BigInt: ranges go up to 2^61. Refused (`rules.refused`): what could pass that, a divisor that could be 0, a value that
// could be unknown inside arithmetic, a comparison of two kinds.
import { fail } from "@amparo/cashu/errors.ts";

import { days, yearsBefore } from "./days.ts";
import type { Comparison, Tree } from "./syntax.ts";

export type Op =
  | "column"
  | "const"
  | "times"
  | "negative"
  | "+"
  | "-"
  | "*"
  | "least"
  | "greatest"
  | "round"
  | "divide"
  | "flag"
  | "truth"
  | "and"
  | "or"
  | "not"
  | "known"
  | "unknown"
  | "age_under"
  | "age_at_least"
  | "count"
  | "total"
  | Comparison;
export type NodeKind = "number" | "bool" | "date";

/** One step of a computation on integers. `number` is the constant, factor, power of ten or day that belongs to `op`, `name` the column;
 * the rest is what is known beforehand. */
export interface Node {
  readonly op: Op;
  readonly nodes: readonly Node[];
  readonly number: bigint;
  readonly name: string;
  readonly kind: NodeKind;
  readonly scale: number;
  readonly low: bigint;
  readonly high: bigint;
  readonly nullable: boolean;
}
export type Scope = ReadonlyMap<string, Node>;

const LIMIT = 2n ** 61n;
const MOST_SCALE = 8;
const OLDEST = 130n;

/** A node; what is not said is that of a condition. */
export function node(op: Op, kind: NodeKind, more: Partial<Node> = {}): Node {
  return { op, kind, nodes: [], number: 0n, name: "", scale: 0, low: 0n, high: 1n, nullable: false, ...more };
}

function refuse(what: string): never {
  return fail("rules.refused", what);
}

/** A constant. */
export function constant(value: bigint, scale: number): Node {
  return within(node("const", "number", { number: value, scale, low: value, high: value }));
}

/** The typed form of `tree`, whose names are found in `scope`. `asOf` is the day on which ages are taken. Fails with `rules.refused`. */
export function check(tree: Tree, scope: Scope, asOf: string): Node {
  const inner = (each: Tree): Node => check(each, scope, asOf);
  switch (tree.form) {
    case "name":
      return scope.get(tree.name) ?? refuse("A name is not known here.");
    case "number":
      return constant(tree.value, tree.scale);
    case "bool": {
      const value = tree.value ? 1n : 0n;
      return node("const", "bool", { number: value, low: value, high: value });
    }
    case "call":
      return call(tree.name, tree.args, inner, asOf);
    case "operator":
      return operation(tree.op, tree.args, inner);
  }
}

/** A node as a condition: a yes-or-no value; one that may be unknown counts as not true. Fails with `rules.refused`. */
export function condition(inner: Node): Node {
  if (inner.kind !== "bool") refuse("A condition is needed here, but this is a number or a date.");
  return inner.nullable ? node("truth", "bool", { nodes: [inner] }) : inner;
}

/** The node itself when no value it can take is too large or too fine. Fails with `rules.refused`. */
export function within(found: Node): Node {
  if (found.low < -LIMIT || found.high > LIMIT) refuse("A number could become too large to be computed exactly.");
  if (found.scale > MOST_SCALE) refuse("A number would have too many decimals; round it first.");
  return found;
}

/** A node with more decimals, the same value. */
export function rescale(inner: Node, scale: number): Node {
  if (inner.scale === scale) return inner;
  const factor = tenTo(scale - inner.scale);
  return within(node("times", "number", { nodes: [inner], number: factor, scale, low: inner.low * factor, high: inner.high * factor }));
}

/** A node rounded to fewer decimals, halves away from zero. */
export function roundHalfAway(inner: Node, scale: number): Node {
  if (inner.scale <= scale) return rescale(inner, scale);
  const power = tenTo(inner.scale - scale);
  probe(2n * inner.low - power, 2n * inner.high + power);
  const [low, high] = [divideHalfAway(inner.low, power), divideHalfAway(inner.high, power)];
  return node("round", "number", { nodes: [inner], number: power, scale, low, high });
}

/** `top / bottom` to the nearest whole number, halves away from zero: what `round` and `divide` mean everywhere. */
export function divideHalfAway(top: bigint, bottom: bigint): bigint {
  const [over, under] = [absolute(top), absolute(bottom)];
  const quotient = (2n * over + under) / (2n * under);
  return top < 0n !== bottom < 0n ? -quotient : quotient;
}

function probe(low: bigint, high: bigint): void {
  within(node("const", "number", { low, high }));
}

function numeric(inner: Node): Node {
  if (inner.kind !== "number") refuse("A number is needed here; turn a condition into 0 or 1 with flag().");
  if (inner.nullable) refuse("A value that may be unknown is used in a calculation; write known(value, instead).");
  return inner;
}

type Inner = (tree: Tree) => Node;

function operation(op: string, args: readonly Tree[], inner: Inner): Node {
  const [first, second] = args;
  if (first === undefined) return refuse("This expression has an unknown form.");
  if (op === "not") return node("not", "bool", { nodes: [condition(inner(first))] });
  if (op === "negative") {
    const operand = numeric(inner(first));
    return node("negative", "number", { nodes: [operand], scale: operand.scale, low: -operand.high, high: -operand.low });
  }
  if (op === "in") {
    return args
      .slice(1)
      .map((choice) => compare("=", first, choice, inner))
      .reduce((found, test) => node("or", "bool", { nodes: [found, test] }));
  }
  if (second === undefined) return refuse("This expression has an unknown form.");
  if (op === "and" || op === "or") return node(op, "bool", { nodes: [condition(inner(first)), condition(inner(second))] });
  if (op === "+" || op === "-" || op === "*") return arithmetic(op, numeric(inner(first)), numeric(inner(second)));
  return compare(op as Comparison, first, second, inner);
}

function compare(op: Comparison, left: Tree, right: Tree, inner: Inner): Node {
  const [one, two] = [numeric(inner(left)), numeric(inner(right))];
  const scale = Math.max(one.scale, two.scale);
  return node(op, "bool", { nodes: [rescale(one, scale), rescale(two, scale)] });
}

function arithmetic(op: "+" | "-" | "*", left: Node, right: Node): Node {
  if (op === "*") {
    const ends = products(left, right, (a, b) => a * b);
    return within(node("*", "number", { nodes: [left, right], scale: left.scale + right.scale, low: least(ends), high: greatest(ends) }));
  }
  const scale = Math.max(left.scale, right.scale);
  const [one, two] = [rescale(left, scale), rescale(right, scale)];
  const [low, high] = op === "+" ? [one.low + two.low, one.high + two.high] : [one.low - two.high, one.high - two.low];
  return within(node(op, "number", { nodes: [one, two], scale, low, high }));
}

function call(name: string, args: readonly Tree[], inner: Inner, asOf: string): Node {
  const [first, second, third] = args;
  if ((name === "least" || name === "greatest") && args.length >= 2) return extreme(name, args.map((each) => numeric(inner(each))));
  if (first !== undefined && args.length === 1) {
    if (name === "flag") return node("flag", "number", { nodes: [condition(inner(first))] });
    if (name === "unknown") {
      const value = inner(first);
      return value.nullable ? node("unknown", "bool", { nodes: [value] }) : refuse("unknown() asks about a value that is always known.");
    }
  }
  if (first !== undefined && second !== undefined && args.length === 2) {
    if (name === "round") return roundHalfAway(numeric(inner(first)), digits(second));
    if (name === "known") return known(inner(first), inner(second));
    const years = second.form === "number" && second.scale === 0 ? second.value : 0n;
    const isAge = name === "age_under" || name === "age_at_least";
    if (isAge && 0n < years && years <= OLDEST) return age(name, inner(first), Number(years), asOf);
  }
  if (name === "divide" && first !== undefined && second !== undefined && third !== undefined && args.length === 3) {
    return divide(numeric(inner(first)), numeric(inner(second)), digits(third));
  }
  return refuse("There is no such function with these arguments here.");
}

function extreme(name: "least" | "greatest", values: readonly Node[]): Node {
  const scale = Math.max(...values.map((value) => value.scale));
  const nodes = values.map((value) => rescale(value, scale));
  const pick = name === "least" ? least : greatest;
  return node(name, "number", { nodes, scale, low: pick(nodes.map(({ low }) => low)), high: pick(nodes.map(({ high }) => high)) });
}

function divide(top: Node, bottom: Node, scale: number): Node {
  if (bottom.low <= 0n && 0n <= bottom.high) refuse("A divisor could be 0; write greatest(value, 1) or the like.");
  const exponent = scale + bottom.scale - top.scale;
  const over = exponent >= 0 ? rescale(top, top.scale + exponent) : top;
  const under = exponent >= 0 ? bottom : rescale(bottom, bottom.scale - exponent);
  const reach =
    2n * greatest([absolute(over.low), absolute(over.high)]) + greatest([absolute(under.low), absolute(under.high)]);
  probe(-reach, reach);
  const ends = [...products(over, under, divideHalfAway), 0n];
  return within(node("divide", "number", { nodes: [over, under], scale, low: least(ends), high: greatest(ends) }));
}

function known(value: Node, instead: Node): Node {
  if (!value.nullable) refuse("known() is used on a value that is always known.");
  if (value.kind !== instead.kind || value.kind === "date" || instead.nullable) {
    refuse("known() needs a replacement of the same kind that is itself known.");
  }
  if (value.kind === "bool") return node("known", "bool", { nodes: [value, instead] });
  const scale = Math.max(value.scale, instead.scale);
  const factor = tenTo(scale - value.scale);
  const other = rescale(instead, scale);
  const [low, high] = [least([value.low * factor, other.low]), greatest([value.high * factor, other.high])];
  const scaled = factor > 1n ? node("times", "number", { nodes: [value], number: factor, scale, low, high, nullable: true }) : value;
  return within(node("known", "number", { nodes: [scaled, other], scale, low, high }));
}

function age(name: "age_under" | "age_at_least", born: Node, years: number, asOf: string): Node {
  if (born.kind !== "date") refuse("An age needs a date of birth.");
  const day = yearsBefore(asOf, years) ?? fail("rules.receipt_malformed", "A day lies before the calendar.");
  return node(name, "bool", { nodes: [born], number: BigInt(days(day)) });
}

function digits(tree: Tree): number {
  const value = tree.form === "number" && tree.scale === 0 ? tree.value : -1n;
  return 0n <= value && value <= 6n ? Number(value) : refuse("The number of decimals is a plain number from 0 to 6.");
}

function products(one: Node, two: Node, of: (a: bigint, b: bigint) => bigint): bigint[] {
  return [one.low, one.high].flatMap((a) => [two.low, two.high].map((b) => of(a, b)));
}

function tenTo(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** The smallest of some numbers. */
export function least(values: readonly bigint[]): bigint {
  return values.reduce((one, two) => (two < one ? two : one));
}

/** The largest of some numbers. */
export function greatest(values: readonly bigint[]): bigint {
  return values.reduce((one, two) => (two > one ? two : one));
}

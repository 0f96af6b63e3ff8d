// From the text of an expression to its tree: a Pratt parser for the small grammar of the rule language. Twin of amparo_rules.syntax.
import { fail } from "@amparo/cashu/errors.ts";

import type { Plain } from "./canonical.ts";

export type Operator = "or" | "and" | "not" | "negative" | "in" | "+" | "-" | "*" | Comparison;
export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";
export type Tree =
  | { readonly form: "name"; readonly name: string }
  | { readonly form: "number"; readonly value: bigint; readonly scale: number }
  | { readonly form: "bool"; readonly value: boolean }
  | { readonly form: "call"; readonly name: string; readonly args: readonly Tree[] }
  | { readonly form: "operator"; readonly op: Operator; readonly args: readonly Tree[] };

const LONGEST = 2_000;
const DEEPEST = 32;
const MOST_TOKENS = 400;
const MOST_DECIMALS = 6;
const NOT = 30;
const MINUS = 70;
const COMPARES = 40;
const BINARY: ReadonlyMap<string, number> = new Map([
  ["or", 10],
  ["and", 20],
  ...["=", "!=", "<", "<=", ">", ">=", "in"].map((sign): [string, number] => [sign, COMPARES]),
  ["+", 50],
  ["-", 50],
  ["*", 60],
]);
export const RESERVED: ReadonlySet<string> = new Set(["or", "and", "not", "in", "true", "false"]);
/** What Python counts as space (it differs from JavaScript in a few signs). */
const SPACES = "\\t-\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const TOKEN = new RegExp(`[${SPACES}]*([0-9]+(?:\\.[0-9]+)?|[a-z][a-z0-9_]*|<=|>=|!=|[-+*(),=<>])`, "y");
const START = new RegExp(`^[${SPACES}]+`);
const END = new RegExp(`[${SPACES}]+$`);

/** A text without the spaces at its ends, as Python's `strip`. */
export function stripped(text: string): string {
  return text.replace(START, "").replace(END, "");
}

/** The tree of an expression. Fails with `rules.not_readable`. */
export function parse(text: string): Tree {
  if ([...text].length > LONGEST) refuse("an expression is too long");
  const parser = new Parser(tokens(text));
  const tree = parser.expression(0, DEEPEST);
  return parser.peek() === undefined ? tree : refuse("an expression should end earlier");
}

/** The tree as plain JSON, over which a rule's hash is taken. Fails with `common.not_canonical` for a number beyond 2^53-1. */
export function plainTree(tree: Tree): Plain {
  switch (tree.form) {
    case "name":
      return ["name", tree.name];
    case "number":
      if (tree.value > Number.MAX_SAFE_INTEGER) fail("common.not_canonical", "A number is too large to mean the same everywhere.");
      return ["number", Number(tree.value), tree.scale];
    case "bool":
      return ["bool", tree.value];
    case "call":
      return ["call", tree.name, ...tree.args.map(plainTree)];
    case "operator":
      return [tree.op, ...tree.args.map(plainTree)];
  }
}

function refuse(what: string): never {
  return fail("rules.not_readable", what);
}

function tokens(text: string): string[] {
  const found: string[] = [];
  const whole = text.replace(END, "");
  for (let at = 0; at < whole.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    found.push(TOKEN.exec(whole)?.[1] ?? refuse("a sign does not belong to the language"));
    if (found.length > MOST_TOKENS) refuse("an expression has too many words and signs");
  }
  return found;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  expression(strength: number, depth: number): Tree {
    if (depth === 0) refuse("an expression is nested too deeply");
    let left = this.#prefix(depth);
    for (;;) {
      const sign = this.peek();
      const power = BINARY.get(sign ?? "") ?? -1;
      if (sign === undefined || power <= strength) return left;
      this.#at += 1;
      const right = sign === "in" ? this.#arguments(depth) : [this.expression(power, depth - 1)];
      left = { form: "operator", op: sign as Operator, args: [left, ...right] };
      if (power === COMPARES && BINARY.get(this.peek() ?? "") === COMPARES) refuse("comparisons cannot be chained");
    }
  }

  #prefix(depth: number): Tree {
    const token = this.peek() ?? refuse("an expression ends too early");
    this.#at += 1;
    if (token === "(") {
      const inner = this.expression(0, depth - 1);
      this.#expect(")");
      return inner;
    }
    if (token === "not") return { form: "operator", op: "not", args: [this.expression(NOT, depth - 1)] };
    if (token === "-") return { form: "operator", op: "negative", args: [this.expression(MINUS, depth - 1)] };
    if (token === "true" || token === "false") return { form: "bool", value: token === "true" };
    if (/^[0-9]/.test(token)) return number(token);
    if (!/^[a-z]/.test(token) || RESERVED.has(token)) refuse("a value is expected");
    return this.peek() === "(" ? { form: "call", name: token, args: this.#arguments(depth) } : { form: "name", name: token };
  }

  #arguments(depth: number): Tree[] {
    this.#expect("(");
    const found = [this.expression(0, depth - 1)];
    while (this.peek() === ",") {
      this.#at += 1;
      found.push(this.expression(0, depth - 1));
    }
    this.#expect(")");
    return found;
  }

  #expect(sign: string): void {
    if (this.peek() !== sign) refuse(`"${sign}" is expected`);
    this.#at += 1;
  }
}

function number(token: string): Tree {
  const [whole = "", part = ""] = token.split(".");
  if (whole.length > 15 || part.length > MOST_DECIMALS) refuse("a number has too many digits");
  return { form: "number", value: BigInt(whole + part), scale: part.length };
}

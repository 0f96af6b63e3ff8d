// The YAML of rule files: block and flow mappings and lists, plain, quoted and block scalars, comments; every value is text. Reads as
// Python's yaml.BaseLoader does (which the office uses; tests and vectors/amparo/rules/yaml.json hold them together) or refuses with
// `rules.not_readable`. Refused although YAML has it: anchors, aliases, tags, directives, several documents, keys after "?",
// repeated names.
import { fail } from "@amparo/cashu/errors.ts";

export type Yaml = string | readonly Yaml[] | { readonly [name: string]: Yaml };

const DEEPEST = 64;
const LONGEST_KEY = 1024;
const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\u2028\u2029]/u;
const DOCUMENT_MARK = /^(?:---|\.\.\.)(?=[\s]|$)/m;
const NEVER_FIRST = "-?:,[]{}#&*!|>'\"%@`";
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  b: "\b",
  t: "\t",
  "\t": "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  e: "\x1b",
  " ": " ",
  '"': '"',
  "\\": "\\",
  "/": "/",
  N: "\x85",
  _: "\xa0",
  L: "\u2028",
  P: "\u2029",
};
const HEX = /^[0-9a-fA-F]+$/;
const ESCAPED_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The one document of a YAML file; an empty value is the empty text. Fails with `rules.not_readable`. */
export function readYaml(source: string): Yaml {
  if (UNPRINTABLE.test(source)) refuse("a sign that is not allowed");
  const text = source
    .replace(/^\ufeff/, "")
    .replace(/\r\n?|\x85/g, "\n")
    .replace(/^---(?=(?: +#[^\n]*| *)(?:\n|$))/, "");
  if (DOCUMENT_MARK.test(text)) refuse("more than one document");
  return new Reader(text).document();
}

function refuse(what: string): never {
  return fail("rules.not_readable", `The file is not YAML of a rule: ${what}.`);
}

class Reader {
  readonly #text: string;
  #at = 0;
  #line = 0;
  #lineStart = 0;
  /** Whether only spaces stand before this place on its line (or "- ", "key: " of an enclosing node): a block node may begin here. */
  #fresh = true;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Yaml {
    this.#skip();
    const found = this.#block(-1, DEEPEST);
    this.#skip();
    return this.#peek() === "" ? found : refuse(`line ${this.#line + 1}`);
  }

  // --- signs ---

  #peek(ahead = 0): string {
    return this.#text.charAt(this.#at + ahead);
  }

  /** Whether a space, the end of the line or of the text follows. */
  #isGap(ahead: number): boolean {
    return "\t \n".includes(this.#peek(ahead)); // "" is in every text
  }

  get #column(): number {
    return this.#at - this.#lineStart;
  }

  #break(): void {
    this.#at += 1;
    this.#line += 1;
    this.#lineStart = this.#at;
  }

  #take(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  /** To the next sign that is neither space nor comment. */
  #skip(): void {
    for (;;) {
      this.#take(/ +/y);
      if (this.#peek() === "#") this.#take(/[^\n]*/y);
      if (this.#peek() !== "\n") return;
      this.#break();
      this.#fresh = true;
    }
  }

  // --- block nodes ---

  /** The node that begins here, inside of a collection that stands at column `parent`. */
  #block(parent: number, depth: number): Yaml {
    if (depth === 0) refuse("nested too deeply");
    const column = this.#column;
    if (this.#peek() === "") return "";
    if (this.#peek() === "-" && this.#isGap(1)) return this.#sequence(column, depth);
    const start = { at: this.#at, line: this.#line, fresh: this.#fresh };
    const node = this.#inline(parent, depth);
    if (!this.#isKeyEnd(start)) return node;
    if (typeof node !== "string" || !start.fresh) refuse(`line ${this.#line + 1}`);
    return this.#mapping(column, node, depth);
  }

  /** Whether what was read since `start` is a simple key: on one line, not too long, and a colon after it. */
  #isKeyEnd(start: { at: number; line: number }): boolean {
    if (this.#line !== start.line) return false;
    this.#take(/ +/y);
    return this.#peek() === ":" && this.#isGap(1) && this.#at - start.at <= LONGEST_KEY;
  }

  #sequence(column: number, depth: number): Yaml[] {
    if (!this.#fresh) refuse(`line ${this.#line + 1}`);
    const found: Yaml[] = [];
    do {
      this.#at += 1;
      this.#fresh = true;
      const line = this.#line;
      this.#skip();
      // On a line of its own at this column the next item begins, not the content of this one.
      const isEmpty = this.#line !== line && this.#column <= column;
      found.push(isEmpty ? "" : this.#block(column, depth - 1));
      this.#skip();
    } while (this.#isNext(column) && this.#peek() === "-" && this.#isGap(1));
    return found;
  }

  #mapping(column: number, first: string, depth: number): Yaml {
    const found = new Map<string, Yaml>();
    for (let key = first; ; key = this.#key()) {
      if (found.has(key)) refuse(`a name is written twice`);
      found.set(key, this.#value(column, depth));
      this.#skip();
      if (!this.#isNext(column) || (this.#peek() === "-" && this.#isGap(1))) return Object.fromEntries(found);
    }
  }

  /** Whether another item of the collection at this column begins here. */
  #isNext(column: number): boolean {
    if (this.#peek() === "" || this.#column < column) return false;
    return (this.#fresh && this.#column === column) || refuse(`line ${this.#line + 1}`);
  }

  #key(): string {
    const start = { at: this.#at, line: this.#line };
    const key = this.#inline(this.#column, 1);
    return typeof key === "string" && this.#isKeyEnd(start) ? key : refuse(`line ${this.#line + 1}`);
  }

  /** What stands after the colon of a key at `column`. */
  #value(column: number, depth: number): Yaml {
    this.#at += 1;
    this.#fresh = false;
    const line = this.#line;
    this.#skip();
    const isBelow = this.#line !== line;
    if (!isBelow) return this.#peek() === "" ? "" : this.#block(column, depth - 1);
    if (this.#column === column && this.#peek() === "-" && this.#isGap(1)) return this.#sequence(column, depth - 1);
    return this.#column > column ? this.#block(column, depth - 1) : "";
  }

  /** A scalar or a flow collection. */
  #inline(parent: number, depth: number): Yaml {
    const sign = this.#peek();
    if (sign === "|" || sign === ">") return this.#blockScalar(parent);
    return this.#flowNode(parent + 1, depth, false);
  }

  // --- flow nodes ---

  #flowNode(indent: number, depth: number, inFlow: boolean): Yaml {
    if (depth === 0) refuse("nested too deeply");
    const sign = this.#peek();
    if (sign === "[") return this.#flowSequence(depth);
    if (sign === "{") return this.#flowMapping(depth);
    if (sign === "'" || sign === '"') return this.#quoted(sign);
    const isPlain = !NEVER_FIRST.includes(sign) || (!this.#isGap(1) && (sign === "-" || (!inFlow && "?:".includes(sign))));
    if (sign === "" || sign === "\t" || !isPlain) refuse(`line ${this.#line + 1}`);
    return this.#plain(indent, inFlow);
  }

  #flowSequence(depth: number): Yaml[] {
    const found: Yaml[] = [];
    this.#at += 1;
    this.#skip();
    while (this.#peek() !== "]") {
      const start = { at: this.#at, line: this.#line };
      const item = this.#flowNode(0, depth - 1, true);
      this.#skip();
      // [a: b] is a list of one mapping.
      found.push(this.#peek() === ":" ? this.#pair(item, start, depth) : item);
      this.#separator("]");
    }
    return this.#closed(found);
  }

  #flowMapping(depth: number): Yaml {
    const found = new Map<string, Yaml>();
    this.#at += 1;
    this.#skip();
    while (this.#peek() !== "}") {
      const start = { at: this.#at, line: this.#line };
      const key = this.#flowNode(0, depth - 1, true);
      if (typeof key !== "string" || found.has(key)) refuse(`line ${this.#line + 1}`);
      this.#skip();
      found.set(key, this.#peek() === ":" ? this.#flowValue(start, depth) : "");
      this.#separator("}");
    }
    return this.#closed(Object.fromEntries(found));
  }

  #pair(key: Yaml, start: { at: number; line: number }, depth: number): Yaml {
    if (typeof key !== "string") refuse(`line ${this.#line + 1}`);
    return Object.fromEntries([[key, this.#flowValue(start, depth)]]);
  }

  #flowValue(start: { at: number; line: number }, depth: number): Yaml {
    if (this.#line !== start.line || this.#at - start.at > LONGEST_KEY) refuse(`line ${this.#line + 1}`);
    this.#at += 1;
    this.#skip();
    return ",}]".includes(this.#peek()) ? "" : this.#flowNode(0, depth - 1, true);
  }

  /** A comma, or the end of the collection (which stays). */
  #separator(end: string): void {
    this.#skip();
    if (this.#peek() === end) return;
    if (this.#peek() !== ",") refuse(`line ${this.#line + 1}`);
    this.#at += 1;
    this.#skip();
  }

  #closed<T>(found: T): T {
    this.#at += 1;
    this.#fresh = false;
    return found;
  }

  // --- scalars ---

  #plain(indent: number, inFlow: boolean): string {
    let [found, gap] = ["", ""];
    const chunk = inFlow ? /(?:[^\t\n :,?[\]{}]|:(?![\t \n,[\]{}]|$))+/y : /(?:[^\t\n :]|:(?![\t \n]|$))+/y;
    for (;;) {
      const part = this.#peek() === "#" ? "" : this.#take(chunk);
      if (part === "") return found;
      this.#fresh = false;
      found += gap + part;
      gap = this.#gap();
      if (gap === "" || this.#peek() === "#" || (!inFlow && this.#column < indent)) return found;
    }
  }

  /** The spaces or folded line breaks after a part of a plain scalar. */
  #gap(): string {
    const spaces = this.#take(/ */y);
    if (this.#peek() !== "\n") return spaces;
    this.#fresh = true;
    this.#break();
    let breaks = "";
    for (;;) {
      this.#take(/ +/y);
      if (this.#peek() !== "\n") return breaks || " ";
      breaks += "\n";
      this.#break();
    }
  }

  #quoted(quote: string): string {
    let found = "";
    this.#at += 1;
    for (;;) {
      found += this.#take(quote === "'" ? /[^' \t\n]*/y : /[^"\\ \t\n]*/y);
      const sign = this.#peek();
      if (sign === quote && quote === "'" && this.#peek(1) === "'") {
        found += "'";
        this.#at += 2;
      } else if (sign === quote) {
        this.#at += 1;
        this.#fresh = false;
        return found;
      } else if (sign === "\\") {
        found += this.#escape();
      } else {
        found += this.#quotedGap();
      }
    }
  }

  #quotedGap(): string {
    const spaces = this.#take(/[ \t]*/y);
    if (this.#peek() === "") refuse("a quoted text does not end");
    if (this.#peek() !== "\n") return spaces;
    this.#break();
    return this.#quotedBreaks() || " ";
  }

  #quotedBreaks(): string {
    let breaks = "";
    for (;;) {
      this.#take(/[ \t]*/y);
      if (this.#peek() !== "\n") return breaks;
      breaks += "\n";
      this.#break();
    }
  }

  #escape(): string {
    const sign = this.#peek(1);
    this.#at += 2;
    if (sign === "\n") {
      this.#at -= 1;
      this.#break();
      return this.#quotedBreaks();
    }
    const plain = Object.hasOwn(ESCAPES, sign) ? ESCAPES[sign] : undefined;
    if (plain !== undefined) return plain;
    const count = (Object.hasOwn(ESCAPED_DIGITS, sign) ? ESCAPED_DIGITS[sign] : undefined) ?? refuse("an unknown escape");
    const digits = this.#text.slice(this.#at, this.#at + count);
    const code = HEX.test(digits) && digits.length === count ? Number.parseInt(digits, 16) : Infinity;
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse("an unknown escape");
    this.#at += count;
    return String.fromCodePoint(code);
  }

  #blockScalar(parent: number): string {
    const isFolded = this.#peek() === ">";
    const header = this.#take(/[|>](?:[+-][1-9]?|[1-9][+-]?)?(?= |\n|$)/y);
    this.#take(/ *(?:#[^\n]*)?/y);
    if (header === "" || (this.#peek() !== "\n" && this.#peek() !== "")) refuse(`line ${this.#line + 1}`);
    if (this.#peek() === "\n") this.#break();
    const least = Math.max(1, parent + 1);
    const given = /[1-9]/.exec(header)?.[0];
    const indent = given === undefined ? Math.max(least, this.#deepestBlankThenText()) : least + Number(given) - 1;
    let [found, lineEnd] = ["", ""];
    let breaks = this.#blankLines(indent);
    while (this.#column === indent && this.#peek() !== "") {
      const isText = !" \t".includes(this.#peek());
      found += breaks + this.#take(/[^\n]*/y);
      lineEnd = this.#peek();
      if (lineEnd === "\n") this.#break();
      breaks = this.#blankLines(indent);
      if (this.#column !== indent || this.#peek() === "") break;
      if (isFolded && lineEnd === "\n" && isText && !" \t".includes(this.#peek())) found += breaks === "" ? " " : "";
      else found += lineEnd;
    }
    this.#fresh = true;
    const chomp = header.includes("-") ? "" : lineEnd + (header.includes("+") ? breaks : "");
    return found + chomp;
  }

  /** The largest column among the leading blank lines and the first line of text; the place does not change. */
  #deepestBlankThenText(): number {
    const blank = /(?: *\n)*(?: *)/y;
    blank.lastIndex = this.#at;
    const lines = (blank.exec(this.#text)?.[0] ?? "").split("\n");
    return Math.max(...lines.map((line) => line.length));
  }

  /** The line breaks up to the next line of text, at most `indent` spaces into it. */
  #blankLines(indent: number): string {
    let breaks = "";
    for (;;) {
      while (this.#column < indent && this.#peek() === " ") this.#at += 1;
      if (this.#peek() !== "\n") return breaks;
      breaks += "\n";
      this.#break();
    }
  }
}

// A log for the tests: signs heads, serves tiles, and can be made to lie. Its own second implementation of the tree is the definition.
import { joined, utf8 } from "@amparo/cashu/bytes.ts";
import { toBase64 } from "@amparo/rules/base64.ts";
import type { Plain } from "@amparo/rules/canonical.ts";
import { encode } from "@amparo/rules/canonical.ts";
import { generatePair, signCompact, SigningKey, signingKey } from "@amparo/rules/signing.ts";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";

import type { LogMemory } from "../src/follow.ts";
import type { LogMessage } from "../src/messages.ts";
import { LOG_TYP } from "../src/messages.ts";
import { EMPTY_ROOT, leafHash, nodeHash } from "../src/tree.ts";

export const KEYS = {
  office: await fresh(),
  mint: await fresh(),
  shops: await fresh(),
  stranger: await fresh(),
};
export const AT = "2026-11-01T12:00:00Z";
const NAME = "town.example/log";
const SEED = new Uint8Array(32).fill(7);
const PUBLIC = joined(Uint8Array.of(1), ed25519.getPublicKey(SEED));
const HASH = sha256(joined(utf8(`${NAME}\n`), PUBLIC)).subarray(0, 4);
export const VKEY = `${NAME}+${[...HASH].map((byte) => byte.toString(16).padStart(2, "0")).join("")}+${toBase64(PUBLIC)}`;

export async function fresh(): Promise<SigningKey> {
  return signingKey(await generatePair());
}

/** A leaf: `body` signed by `key`, as the log would store it. */
export async function leaf(body: LogMessage, key: SigningKey, at = AT): Promise<Uint8Array> {
  const plain = body as unknown as Plain;
  const sig = (await signCompact(encode(plain), key, LOG_TYP)).split(".")[2] ?? "";
  return encode({ at, entry: { body: plain, by: key.public.kid, sig }, v: 1 });
}

export function announced(purpose: string, key: SigningKey): LogMessage {
  return { kind: "key-announced", purpose, jwk: key.public.jwk, ed25519: null };
}

export function keyset(number: number, unit = "usd", active_from: number | null = null): LogMessage {
  const id = `01${String(number).padStart(64, "0")}`;
  return { kind: "keyset-announced", keyset: id, unit, keys: { "1": "02" + "0".repeat(64) }, final_expiry: null, active_from };
}

/** The keys of the three services, and then `count` keysets. */
export async function someLeaves(count: number): Promise<Uint8Array[]> {
  const keys = [announced("office", KEYS.office), announced("mint", KEYS.mint), announced("shops", KEYS.shops)];
  const first = await Promise.all(keys.map((body, at) => leaf(body, [KEYS.office, KEYS.mint, KEYS.shops][at] ?? KEYS.office)));
  return [...first, ...(await Promise.all(Array.from({ length: count }, (_, number) => leaf(keyset(number), KEYS.mint))))];
}

/** RFC 6962 section 2.1, written as the definition reads. */
export function rootOfAll(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return leafHash(first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(rootOfAll(leaves.slice(0, split)), rootOfAll(leaves.slice(split)));
}

export function signedHead(leaves: readonly Uint8Array[], name = NAME): string {
  const text = `${name}\n${leaves.length}\n${toBase64(rootOfAll(leaves))}\n`;
  return `${text}\n— ${NAME} ${toBase64(joined(HASH, ed25519.sign(utf8(text), SEED)))}\n`;
}

/** Serves what it holds, and notes what it was asked. */
export class PracticeLog {
  leaves: Uint8Array[];
  /** Answers that are given instead of the true ones. */
  readonly false = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  bytes = 0;

  constructor(leaves: readonly Uint8Array[]) {
    this.leaves = [...leaves];
  }

  readonly fetch = async (path: string, limit: number): Promise<Uint8Array> => {
    this.asked.push(path);
    const content = this.false.get(path) ?? (await this.content(path));
    if (content.length > limit) throw new Error(`${path} has ${content.length} bytes, more than ${limit}`);
    this.bytes += content.length;
    return content;
  };

  async content(path: string): Promise<Uint8Array> {
    if (path === "/checkpoint") return utf8(signedHead(this.leaves));
    const [, level = "", groups = "", width = "256"] = /^\/tile\/(\w+)\/([x\d/]+?)(?:\.p\/(\d+))?$/.exec(path) ?? [];
    const index = Number(groups.replaceAll(/[x/]/g, ""));
    const from = index * 256;
    if (level === "entries") {
      const asked = this.leaves.slice(from, from + Number(width));
      return joined(...asked.flatMap((each) => [Uint8Array.of(each.length >> 8, each.length & 255), each]));
    }
    const span = 256 ** Number(level);
    const roots = Array.from({ length: Number(width) }, (_, at) => rootOfAll(this.leaves.slice((from + at) * span, (from + at + 1) * span)));
    return joined(...roots);
  }
}

/** A memory that forgets when the test ends. */
export class PracticeMemory implements LogMemory {
  state: string | null = null;
  readonly evidence: string[] = [];

  async load(): Promise<string | null> {
    return this.state;
  }

  async save(state: string): Promise<void> {
    this.state = state;
  }

  async keepEvidence(evidence: string): Promise<void> {
    this.evidence.push(evidence);
  }
}

/** The code of the error that `work` ends with; "" where it ends well. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "";
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}


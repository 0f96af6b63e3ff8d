// Signed notes (C2SP signed-note) with Ed25519 keys, and checkpoints (C2SP tlog-checkpoint). Twin of amparo_log.note, reader's side.
import { hex, joined, same, utf8 } from "@amparo/cashu/bytes.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { b64url, fromBase64 } from "@amparo/rules/base64.ts";
import { sha256 } from "@noble/hashes/sha2.js";

/** The head of a log: its origin, how many entries it has, and the tree's root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Checks an Ed25519 signature: (public key, message, signature) -> whether it is valid. */
export type VerifyEd25519 = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

export const LARGEST_NOTE = 1_000_000;
const ED25519 = 1;
const NAME = /^[^\s+]+$/u;
const SIZE = /^(?:0|[1-9][0-9]{0,17})$/;

/** One key that may sign notes, read from its vkey text (`NAME+HASH+BASE64(0x01 || key)`). Fails with `log.bad_note`. */
export class NoteVerifier {
  readonly name: string;
  readonly vkey: string;
  readonly #key: Uint8Array;
  readonly #hash: Uint8Array;
  readonly #verify: VerifyEd25519;

  constructor(vkey: string, verify: VerifyEd25519 = verifyEd25519) {
    const [name = "", hashed = "", ...rest] = vkey.split("+");
    const key = fromBase64(rest.join("+"));
    if (key === null || key[0] !== ED25519 || key.length !== 33 || !NAME.test(name)) fail("log.bad_note", "This is no Ed25519 vkey.");
    this.#hash = sha256(joined(utf8(`${name}\n`), key)).subarray(0, 4);
    if (hex(this.#hash) !== hashed) fail("log.bad_note", "The log's key does not match its own key hash.");
    this.#key = key.subarray(1);
    this.#verify = verify;
    this.name = name;
    this.vkey = vkey;
  }

  /** The text of a note that carries this key's signature; other signatures are ignored. Fails with `log.bad_note`. */
  async verify(note: string): Promise<string> {
    const end = note.lastIndexOf("\n\n");
    if (note.length > LARGEST_NOTE || end < 0 || !note.endsWith("\n")) fail("log.bad_note", "The note has no signature block.");
    const text = note.slice(0, end + 1);
    for (const line of note.slice(end + 2, -1).split("\n")) {
      if (await this.#isSignedBy(line, text)) return text;
    }
    return fail("log.bad_note", "The note is not signed by the log.");
  }

  async #isSignedBy(line: string, text: string): Promise<boolean> {
    const [dash, name, encoded, ...more] = line.split(" ");
    const data = dash === "—" && encoded !== undefined && !more.length ? fromBase64(encoded) : null;
    if (data === null) fail("log.bad_note", "A signature line is malformed.");
    if (name !== this.name || !same(data.subarray(0, 4), this.#hash)) return false;
    const valid = data.length === 68 && (await this.#verify(this.#key, utf8(text), data.subarray(4)));
    return valid || fail("log.bad_note", "The signature of the log is not valid.");
  }
}

/** The checkpoint in a signed note. Fails with `log.bad_note`. */
export async function openCheckpoint(note: string, verifier: NoteVerifier): Promise<Checkpoint> {
  const lines = (await verifier.verify(note)).split("\n");
  const [origin = "", size = "", encoded = ""] = lines;
  const root = fromBase64(encoded);
  if (lines.length < 4 || origin !== verifier.name) fail("log.bad_note", "The checkpoint is of another log.");
  if (!SIZE.test(size) || !Number.isSafeInteger(Number(size))) fail("log.bad_note", "The checkpoint's size is malformed.");
  if (root === null || root.length !== 32) fail("log.bad_note", "The checkpoint's root is malformed.");
  return { origin, size: Number(size), root };
}

/** Whether two checkpoints say the same. */
export function sameHead(one: Checkpoint, two: Checkpoint): boolean {
  return one.size === two.size && same(one.root, two.root);
}

/** Ed25519 by WebCrypto where the browser has it (Chromium 137 on), else by a library that is loaded only then. */
export const verifyEd25519: VerifyEd25519 = async (key, message, signature) => {
  const raw = { x: b64url(key), kty: "OKP", crv: "Ed25519" };
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("jwk", raw, "Ed25519", false, ["verify"]);
  } catch {
    return verifyByLibrary(key, message, signature);
  }
  return crypto.subtle.verify("Ed25519", imported, signature as BufferSource, message as BufferSource);
};

/** The same without WebCrypto, for older browsers. */
export const verifyByLibrary: VerifyEd25519 = async (key, message, signature) => {
  const { verify } = await import("./ed25519_spare.ts");
  return verify(signature, message, key);
};

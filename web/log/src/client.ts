// Reading a log that one does not trust: checkpoint, tiles, entries with their proofs. Twin of amparo_log.client, without a memory:
// `follow.ts` remembers. Every answer has a size limit.
import { same } from "@amparo/cashu/bytes.ts";
import { AmparoError, fail } from "@amparo/cashu/errors.ts";
import { fromBase64, textOf, toBase64 } from "@amparo/rules/base64.ts";
import { list, struct, text, whole } from "@amparo/rules/shape.ts";

import { bodyOf } from "./body.ts";
import type { LogEntry } from "./messages.ts";
import { readEntry } from "./messages.ts";
import type { Checkpoint, NoteVerifier } from "./note.ts";
import { LARGEST_NOTE, openCheckpoint } from "./note.ts";
import { LARGEST_ENTRY, TILE_HEIGHT, TILE_WIDTH, tilePath, unpackEntries } from "./tiles.ts";
import { checkConsistency, checkInclusion, consistencyProof, inclusionProof, leafHash, nodeHash, rootOf } from "./tree.ts";

/** Anything that gives the bytes behind a path of the log, at most `limit` of them. */
export type Fetch = (path: string, limit: number) => Promise<Uint8Array>;

/** One entry with everything needed to check it against a checkpoint, offline: texts are base64. */
export interface InclusionProof {
  readonly index: number;
  readonly entry: string;
  readonly proof: readonly string[];
}

/** Reads a proof out of a saved file. */
export const readInclusionProof = struct<InclusionProof>({ index: whole, entry: text, proof: list(text) });

/** `Fetch` by the browser's own fetch: no cookies, no referrer, given up after `patience` ms. Fails with `service.unreachable` where
 * nobody answers, `service.remote_error` for any other answer than the bytes asked for. */
export function httpFetch(base: string, { send = fetch, patience = 60_000 }: { send?: typeof fetch; patience?: number } = {}): Fetch {
  return async (path, limit) => {
    let answer: Response;
    try {
      answer = await send(base.replace(/\/+$/, "") + path, {
        cache: path === "/checkpoint" ? "no-store" : "default",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(patience),
      });
      if (answer.ok) return (await bodyOf(answer, limit)) ?? fail("service.remote_error", "The log gave too large an answer.");
    } catch (error) {
      if (error instanceof AmparoError) throw error;
      return fail("service.unreachable", "The log gives no answer.");
    }
    if (answer.status >= 502 && answer.status <= 504) fail("service.unreachable", "The log is not there now.");
    return fail("service.remote_error", "The log refuses.", { status: answer.status });
  };
}

/** A head of a log with the signed note that says it. */
export interface Head {
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/** The newest head that the log shows. Fails with `log.bad_note`. */
export async function readHead(fetch: Fetch, verifier: NoteVerifier): Promise<Head> {
  const note = textOf(await fetch("/checkpoint", LARGEST_NOTE)) ?? fail("log.bad_note", "The note is no text.");
  return { note, checkpoint: await openCheckpoint(note, verifier) };
}

/** `width` entries from `index * 256` on, not proved. Fails with `log.bad_entry`. */
export async function readBundle(fetch: Fetch, index: number, width: number): Promise<Uint8Array[]> {
  return unpackEntries(await fetch("/" + tilePath("entries", index, width), width * (LARGEST_ENTRY + 2)), width);
}

/** The tree under one checkpoint, read from its tiles as they are needed. Every proof is checked before it is given. */
export class TreeReader {
  readonly checkpoint: Checkpoint;
  readonly #fetch: Fetch;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  constructor(fetch: Fetch, checkpoint: Checkpoint) {
    this.checkpoint = checkpoint;
    this.#fetch = fetch;
  }

  /** One entry with its proof. Fails with `log.bad_proof`. */
  async prove(index: number): Promise<InclusionProof> {
    const { size } = this.checkpoint;
    const first = index - (index % TILE_WIDTH);
    if (!(0 <= index && index < size)) fail("log.bad_proof", "The tree has no such entry.");
    const bodies = await readBundle(this.#fetch, first / TILE_WIDTH, Math.min(TILE_WIDTH, size - first));
    const body = bodies[index - first] ?? fail("log.bad_proof", "The tree has no such entry.");
    const proof = await inclusionProof(this.#node, index, size);
    const found = { index, entry: toBase64(body), proof: proof.map(toBase64) };
    checkProof(found, this.checkpoint);
    return found;
  }

  /** Fails with `log.rewritten` unless the tree of `old`, another head of the same log, is the beginning of this one; with
   * `log.bad_proof` when the tiles do not lead to this checkpoint's root, so that they say nothing about the log. */
  async checkContinues(old: Checkpoint): Promise<void> {
    const { size, root } = this.checkpoint;
    if (old.size > size) fail("log.rewritten", "The log has fewer entries than it once showed.");
    const beginning = old.size === size ? root : await rootOf(this.#node, old.size);
    if (0 < old.size && old.size < size) {
      checkConsistency(old.size, beginning, size, root, await consistencyProof(this.#node, old.size, size));
    }
    if (!same(beginning, old.root)) fail("log.rewritten", "The log changed something that it had already published.");
  }

  /** A subtree's root, computed from the tile that holds its leaves' level. */
  readonly #node = async (level: number, number: number): Promise<Uint8Array> => {
    const inner = level % TILE_HEIGHT;
    const first = number * 2 ** inner;
    const hashes = await this.#tile((level - inner) / TILE_HEIGHT, Math.floor(first / TILE_WIDTH));
    let row = Array.from({ length: 2 ** inner }, (_, at) => hashes.subarray(((first % TILE_WIDTH) + at) * 32).subarray(0, 32));
    while (row.length > 1) row = row.filter((_, at) => at % 2 === 0).map((left, at) => nodeHash(left, row[2 * at + 1] ?? left));
    return row[0] ?? fail("log.bad_proof", "The tree has no such tile.");
  };

  #tile(level: number, index: number): Promise<Uint8Array> {
    const size = Math.floor(this.checkpoint.size / TILE_WIDTH ** level);
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    if (width <= 0) return fail("log.bad_proof", "The tree has no such tile.");
    const path = "/" + tilePath(level, index, width);
    const tile = this.#tiles.get(path) ?? this.#readTile(path, width * 32);
    this.#tiles.set(path, tile);
    return tile;
  }

  async #readTile(path: string, length: number): Promise<Uint8Array> {
    const content = await this.#fetch(path, length);
    return content.length === length ? content : fail("log.bad_proof", "A tile has the wrong length.");
  }
}

/** The entry, when it is in the checkpoint's tree. Fails with `log.bad_proof`, `log.bad_entry`. */
export function checkProof(found: InclusionProof, checkpoint: Checkpoint): LogEntry {
  const raw = fromBase64(found.entry);
  const proof = found.proof.map((part) => fromBase64(part) ?? fail("log.bad_proof", "An inclusion proof is malformed."));
  if (raw === null) return fail("log.bad_proof", "An inclusion proof is malformed.");
  checkInclusion(leafHash(raw), found.index, checkpoint.size, proof, checkpoint.root);
  return readEntry(raw);
}


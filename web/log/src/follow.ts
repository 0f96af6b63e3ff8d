// A phone's own copy of what the log says: refreshed on demand, remembered across starts. Twin of amparo_log.follow.
//
// A refresh costs the checkpoint and the entry bundles from the last partial one on, and no hash tile: the device keeps the right edge of
// the tree it has seen (a hash for each bit of its size), grows it by the hashes of the entries it is given, and compares the roots. That
// one comparison proves that the old tree is the beginning of the new one and that every entry is in it. Only when roots differ the tiles
// are read, to tell a rewritten log (`log.rewritten`, with evidence) from a bundle or tile that was spoilt on the way (`log.bad_proof`).
import { hex, same, unhex } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";

import type { Fetch, Head, InclusionProof } from "./client.ts";
import { readBundle, readHead, TreeReader } from "./client.ts";
import type { Kind } from "./messages.ts";
import type { Checkpoint } from "./note.ts";
import { NoteVerifier, openCheckpoint, sameHead } from "./note.ts";
import { TILE_WIDTH } from "./tiles.ts";
import { Edge, leafHash } from "./tree.ts";
import type { ViewState } from "./view.ts";
import { LogView, PHONE_KINDS } from "./view.ts";

/** Where a device keeps what it has read. */
export interface LogMemory {
  /** What `save` kept last; null: nothing yet. */
  load(): Promise<string | null>;
  /** Keeps `state` in place of the last one. One window at a time follows the log with this memory. */
  save(state: string): Promise<void>;
  /** Adds evidence against a log. Never deleted without the person's wish. */
  keepEvidence(evidence: string): Promise<void>;
}

/** What stands in the memory. `kinds`: what the view keeps; another version of the app that keeps more reads the log again. */
interface Kept {
  readonly v: 1;
  readonly note: string;
  readonly edge: readonly string[];
  readonly kinds: readonly Kind[];
  readonly view: ViewState;
}

/** Two signed heads of one log that cannot both be of a list that only grows. With `vkey` anybody can check both signatures. */
export interface ForkEvidence {
  readonly v: 1;
  readonly what: "log-rewritten";
  readonly vkey: string;
  readonly before: string;
  readonly after: string;
}

interface Seen {
  /** The last head that was accepted; null: none yet. */
  readonly head: Head | null;
  readonly edge: Edge;
  readonly view: LogView;
  /** Another version of the app made this view: it serves until the log is read from its beginning. */
  readonly isOld: boolean;
}

/** Follows one log. Made by `openFollower`. */
export class LogFollower {
  readonly #fetch: Fetch;
  readonly #verifier: NoteVerifier;
  readonly #memory: LogMemory;
  readonly #kinds: readonly Kind[];
  #seen: Seen;
  #refreshing: Promise<LogView> | undefined;

  constructor(fetch: Fetch, verifier: NoteVerifier, memory: LogMemory, kinds: readonly Kind[], seen: Seen) {
    this.#fetch = fetch;
    this.#verifier = verifier;
    this.#memory = memory;
    this.#kinds = kinds;
    this.#seen = seen;
  }

  /** What the log said at the last refresh. */
  view(): LogView {
    return this.#seen.view;
  }

  /** The last accepted head with its signed note; null before the first refresh. */
  head(): Head | null {
    return this.#seen.head;
  }

  /** What the log says now. Fails with `log.rewritten` (evidence is kept), `log.bad_note`, `log.bad_proof`, `log.bad_entry`,
   * `service.unreachable`, `service.remote_error`; what was known before stays known. Calls at the same time are one. */
  refresh(): Promise<LogView> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** An entry with its proof against the last accepted head. Fails with `log.bad_proof`. */
  async prove(index: number): Promise<InclusionProof> {
    if (this.#seen.head === null) await this.refresh();
    return this.#tree().prove(index);
  }

  /** Several entries with their proofs against one and the same head. */
  async proveAll(indices: readonly number[]): Promise<{ note: string; proofs: InclusionProof[] }> {
    const { head } = this.#seen;
    if (head === null) return fail("log.bad_proof", "The log was not read yet.");
    const tree = this.#tree();
    const proofs: InclusionProof[] = [];
    for (const index of indices) proofs.push(await tree.prove(index));
    return { note: head.note, proofs };
  }

  #tree(): TreeReader {
    const { head } = this.#seen;
    return head === null ? fail("log.bad_proof", "The log was not read yet.") : new TreeReader(this.#fetch, head.checkpoint);
  }

  async #refresh(): Promise<LogView> {
    const seen = this.#seen;
    const head = await readHead(this.#fetch, this.#verifier);
    const [old, now] = [seen.head, head.checkpoint];
    if (old !== null && now.size <= old.checkpoint.size) {
      if (!sameHead(old.checkpoint, now)) return this.#rewritten(old, head);
      if (!seen.isOld) return seen.view;
    }
    const found = await this.#read(seen, now);
    if (found === null) return this.#judge(old, head);
    const next = { head, ...found, isOld: false };
    await this.#memory.save(this.#state(next));
    this.#seen = next;
    return found.view;
  }

  /** Everything from `seen` to `now`; null when some of it is not what the two heads promise. */
  async #read(seen: Seen, now: Checkpoint): Promise<{ edge: Edge; view: LogView } | null> {
    const known = seen.isOld ? 0 : seen.view.size;
    const first = known - (known % TILE_WIDTH);
    const [edge, view] = [seen.edge.before(first), seen.isOld ? new LogView(this.#kinds) : seen.view.copy()];
    const old = seen.head?.checkpoint;
    let trouble: unknown;
    let next = this.#bundle(first, now.size);
    for (let start = first; start < now.size; start += TILE_WIDTH) {
      const leaves = await next;
      next = this.#bundle(start + TILE_WIDTH, now.size); // on its way while this one is checked
      for (const leaf of leaves) {
        edge.append(leafHash(leaf));
        if (old !== undefined && edge.size === old.size && !same(edge.root(), old.root)) return null;
      }
      if (trouble === undefined) {
        // A false entry counts only if it is really in the log, so the rest is still read.
        await view.add(leaves.slice(Math.max(0, known - start))).catch((error: unknown) => (trouble = error));
      }
    }
    if (!same(edge.root(), now.root)) return null;
    if (trouble !== undefined) throw trouble;
    return { edge, view };
  }

  #bundle(start: number, size: number): Promise<Uint8Array[]> {
    if (start >= size) return Promise.resolve([]);
    const bundle = readBundle(this.#fetch, start / TILE_WIDTH, Math.min(TILE_WIDTH, size - start));
    bundle.catch(() => undefined); // looked at when its turn comes
    return bundle;
  }

  /** Entries and heads do not fit: tiles that lead to the newer head say whether the log was rewritten or the entries were spoilt. */
  async #judge(before: Head | null, after: Head): Promise<never> {
    if (before !== null) {
      try {
        await new TreeReader(this.#fetch, after.checkpoint).checkContinues(before.checkpoint);
      } catch (error) {
        if (isError(error, "log.rewritten")) return this.#rewritten(before, after);
        throw error;
      }
    }
    return fail("log.bad_proof", "An entry differs from its hash in the tree.");
  }

  async #rewritten(before: Head, after: Head): Promise<never> {
    const evidence: ForkEvidence = {
      v: 1,
      what: "log-rewritten",
      vkey: this.#verifier.vkey,
      before: before.note,
      after: after.note,
    };
    await this.#memory.keepEvidence(JSON.stringify(evidence));
    return fail("log.rewritten", "The log no longer contains what it once showed.");
  }

  #state({ head, edge, view }: Seen): string {
    const kept: Kept = {
      v: 1,
      note: head?.note ?? "",
      edge: edge.hashes.map((each) => hex(each)),
      kinds: this.#kinds,
      view: view.state(),
    };
    return JSON.stringify(kept);
  }
}

/** A follower of the log with the key `vkey`, as its `memory` left it. Reads nothing from the network. `kinds`: what to keep (a till
 * needs no rules). Fails with `log.bad_note` for a memory of another log, `common.malformed_message` for one that cannot be read: then
 * nobody knows what the log said before, and a person has to agree to begin anew. */
export async function openFollower(
  fetch: Fetch,
  vkey: string,
  memory: LogMemory,
  kinds: readonly Kind[] = PHONE_KINDS,
): Promise<LogFollower> {
  const verifier = new NoteVerifier(vkey);
  const text = await memory.load();
  const seen = text === null ? { head: null, edge: new Edge(), view: new LogView(kinds), isOld: false } : await readKept(text, verifier, kinds);
  return new LogFollower(fetch, verifier, memory, kinds, seen);
}

async function readKept(text: string, verifier: NoteVerifier, kinds: readonly Kind[]): Promise<Seen> {
  const kept = parse(text);
  const head = { note: kept.note, checkpoint: await openCheckpoint(kept.note, verifier) };
  const { size, root } = head.checkpoint;
  // These are our own words. What does not fit to the signed head among them is read again from the log, and must lead to that head.
  const edge = kept.view.size === size ? new Edge(size, kept.edge.map((each) => unhex(each, "log.bad_proof"))) : new Edge();
  if (edge.size !== size || !same(edge.root(), root)) return { head, edge: new Edge(), view: new LogView(kinds), isOld: true };
  return { head, edge, view: new LogView(kinds, kept.view), isOld: kept.kinds.join() !== kinds.join() };
}

function parse(text: string): Kept {
  try {
    return JSON.parse(text) as Kept;
  } catch {
    return fail("common.malformed_message", "What the device kept of the log cannot be read.");
  }
}

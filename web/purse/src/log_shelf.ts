// What a device remembers of the public log: what it said, and the proofs that it was rewritten. Public, so not sealed.

import type { ForkEvidence, LogMemory } from "@amparo/log/follow.ts";
import type { Shelf } from "./backend.ts";

const LOG = "log";
const EVIDENCE = "log-evidence";

/** The log's memory on a shelf. Proofs are never overwritten. */
export class LogShelf implements LogMemory {
  readonly #shelf: Shelf;
  readonly #forks: string[];

  private constructor(shelf: Shelf, forks: string[]) {
    this.#shelf = shelf;
    this.#forks = forks;
  }

  static async open(shelf: Shelf): Promise<LogShelf> {
    const names = (await shelf.names()).filter((name) => name.startsWith(`${EVIDENCE} `));
    const files = await Promise.all(names.sort().map(async (name) => shelf.load(name)));
    return new LogShelf(shelf, files.flatMap((data) => (data ? [new TextDecoder().decode(data)] : [])));
  }

  /** The proofs, as files' texts (docs/formats/log-fork.md). */
  get forks(): readonly string[] {
    return this.#forks;
  }

  async load(): Promise<string | null> {
    const data = await this.#shelf.load(LOG);
    return data ? new TextDecoder().decode(data) : null;
  }

  async save(state: string): Promise<void> {
    await this.#shelf.save(LOG, new TextEncoder().encode(state));
  }

  /** One proof is enough for each head that was lost: the log is asked again every minute. */
  async keepEvidence(evidence: string): Promise<void> {
    if (this.#forks.some((each) => lostHead(each) === lostHead(evidence))) return;
    await this.#shelf.save(`${EVIDENCE} ${this.#forks.length}`, new TextEncoder().encode(evidence));
    this.#forks.push(evidence);
  }
}

function lostHead(evidence: string): string {
  return (JSON.parse(evidence) as ForkEvidence).before;
}

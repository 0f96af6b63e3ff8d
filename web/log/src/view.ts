// What the log says, made of its proved entries, as far as phones need it: who publishes, keysets, rules, facts, batches, approvals.
// Twin of amparo_log.view: the first `key-announced` of each service, signed with the announced key, is its publishing key for good; no
// key speaks for two services; every entry is signed by the service that owns its kind. Not kept: figures, trails, lists.
import { utf8 } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";
import { b64url, unb64url } from "@amparo/rules/base64.ts";
import { encode } from "@amparo/rules/canonical.ts";
import type { PublicJwk, VerifyingKey } from "@amparo/rules/signing.ts";
import { readKey, thumbprint } from "@amparo/rules/signing.ts";

import type { Bodies, FactDefined, KeyAnnounced, KeysetAnnounced, Kind, LogEntry, RulePublished, Service, SignedMessage } from "./messages.ts";
import { bodyBytes, LOG_TYP, ownerOf, readEntry } from "./messages.ts";
import { isPlainTime, seconds } from "@amparo/rules/time.ts";

/** A message with its place in the log and the log's time. */
export interface Logged<T> {
  readonly index: number;
  readonly at: string;
  readonly body: T;
}

/** A view as plain JSON, for the device's store. */
export interface ViewState {
  readonly size: number;
  readonly lastAt: string;
  readonly publishers: Readonly<Partial<Record<Service, PublicJwk>>>;
  readonly kept: { readonly [K in Kind]?: readonly Logged<Bodies[K]>[] };
}

/** What a phone keeps. */
export const PHONE_KINDS: readonly Kind[] = [
  "key-announced",
  "keyset-announced",
  "rule-published",
  "fact-defined",
  "decisions-made",
  "aid-approved",
];
/** How many keysets of a unit may begin within a month: one for the month itself, and one for each accident. */
export const MOST_KEYSETS = 8;
const MONTH_SECONDS = 31 * 86_400;

/** Everything of `kinds` that the log says, in order. `add` takes proved entries only. */
export class LogView {
  size = 0;
  #lastAt = "";
  readonly #publishers = new Map<Service, Publisher>();
  readonly #kept = new Map<Kind, Logged<Bodies[Kind]>[]>();

  constructor(kinds: readonly Kind[] = PHONE_KINDS, state?: ViewState) {
    for (const kind of kinds) this.#kept.set(kind, [...(state?.kept[kind] ?? [])]);
    if (state === undefined) return;
    this.size = state.size;
    this.#lastAt = state.lastAt;
    for (const [service, jwk] of Object.entries(state.publishers)) this.#publishers.set(service as Service, new Publisher(jwk));
  }

  /** This view as plain JSON. */
  state(): ViewState {
    return {
      size: this.size,
      lastAt: this.#lastAt,
      publishers: Object.fromEntries([...this.#publishers].map(([service, { jwk }]) => [service, jwk])),
      kept: Object.fromEntries(this.#kept),
    };
  }

  /** A view of its own that says the same. */
  copy(): LogView {
    return new LogView([...this.#kept.keys()], this.state());
  }

  /** Takes in the next leaves. Fails with `log.bad_entry` when one is no entry, the wrong service says it or its signature is false;
   * the view is worth nothing then (work on a copy). */
  async add(leaves: readonly Uint8Array[]): Promise<void> {
    // WebCrypto has threads of its own: all signatures are under way before the first is awaited.
    const checks: Promise<void>[] = [];
    try {
      for (const leaf of leaves) checks.push(this.#take(readEntry(leaf)));
    } finally {
      // The first false entry counts, whatever else is wrong behind it.
      for (const done of await Promise.allSettled(checks)) if (done.status === "rejected") await Promise.reject(done.reason);
    }
  }

  #take({ at, entry }: LogEntry): Promise<void> {
    // Otherwise a log could help an office to a notice period that never was.
    if (!isPlainTime(at) || at < this.#lastAt) bad("An entry is older than the one before it, or has no plain time.");
    const check = this.#checkPublisher(entry);
    const { body } = entry;
    const isKept = body.kind !== "key-announced" || this.key(body.purpose) === undefined;
    if (isKept) this.#kept.get(body.kind)?.push({ index: this.size, at, body });
    this.size += 1;
    this.#lastAt = at;
    return check;
  }

  #checkPublisher(message: SignedMessage): Promise<void> {
    const owner = ownerOf(message.body);
    const known = owner === null ? undefined : this.#publishers.get(owner);
    if (known !== undefined) return known.check(message);
    if (message.body.kind !== "key-announced" || owner === null || owner !== message.body.purpose) {
      return bad("An entry is published by a service that may not say it.");
    }
    return this.#takePublisher(owner, message.body, message);
  }

  #takePublisher(service: Service, { jwk }: KeyAnnounced, message: SignedMessage): Promise<void> {
    if (jwk === null) return bad("A service announces no key.");
    const publisher = new Publisher(jwk);
    for (const known of this.#publishers.values()) {
      if (known.kid === publisher.kid) bad("A service announces the key of another service as its own.");
    }
    this.#publishers.set(service, publisher);
    return publisher.check(message);
  }

  #all<K extends Kind>(kind: K): readonly Logged<Bodies[K]>[] {
    return (this.#kept.get(kind) ?? []) as unknown as readonly Logged<Bodies[K]>[];
  }

  get keys(): readonly Logged<Bodies["key-announced"]>[] {
    return this.#all("key-announced");
  }

  get keysets(): readonly Logged<Bodies["keyset-announced"]>[] {
    return this.#all("keyset-announced");
  }

  get rules(): readonly Logged<Bodies["rule-published"]>[] {
    return this.#all("rule-published");
  }

  get facts(): readonly Logged<Bodies["fact-defined"]>[] {
    return this.#all("fact-defined");
  }

  get decisions(): readonly Logged<Bodies["decisions-made"]>[] {
    return this.#all("decisions-made");
  }

  get approvals(): readonly Logged<Bodies["aid-approved"]>[] {
    return this.#all("aid-approved");
  }

  /** The key with which a service signs its entries and messages. */
  async publisher(service: Service): Promise<VerifyingKey | undefined> {
    return this.#publishers.get(service)?.key();
  }

  /** The key announced for a purpose. */
  key(purpose: string): Logged<KeyAnnounced> | undefined {
    return this.keys.find(({ body }) => body.purpose === purpose);
  }

  /** A keyset by its id. */
  keyset(keyset: string): KeysetAnnounced | undefined {
    return this.keysets.find(({ body }) => body.keyset === keyset)?.body;
  }

  /** How many times a keyset of a unit began to sign in the month before `now` (unix time), or before the newest entry if that is later:
   * each when it says, and not before it was announced. */
  keysetsBegun(unit: string, now: number): number {
    const end = this.#lastAt === "" ? now : Math.max(now, seconds(this.#lastAt));
    const begun = new Set<string>();
    for (const { at, body } of this.keysets) {
      const begins = Math.max(body.active_from ?? 0, seconds(at));
      if (body.unit === unit && end - MONTH_SECONDS < begins && begins <= end) begun.add(`${body.keyset} ${begins}`);
    }
    return begun.size;
  }

  /** The first publication of a rule: its notice period runs from there. */
  rule(ruleHash: string): Logged<RulePublished> | undefined {
    return this.rules.find(({ body }) => body.rule_hash === ruleHash);
  }

  /** The definitions of facts that stand before a place of the log, in its order: all that a rule at this place may use. */
  factsBefore(index: number): readonly FactDefined[] {
    return this.facts.filter((each) => each.index < index).map(({ body }) => body);
  }

  /** The sum of all approved payments in a unit, in minor units. */
  approved(unit: string): number {
    return this.approvals.reduce((sum, { body }) => sum + (body.unit === unit ? body.total : 0), 0);
  }
}

/** Fails with `common.bad_signature` unless `key` signed `message` and is the key it names. */
export async function checkSignature(message: SignedMessage, key: VerifyingKey): Promise<void> {
  if (message.by !== key.kid) fail("common.bad_signature", "The message names another publisher.");
  const head = b64url(encode({ alg: "ES256", kid: key.kid, typ: LOG_TYP }));
  await key.verify(utf8(`${head}.${b64url(bodyBytes(message.body))}`), unb64url(message.sig));
}

/** A service's publishing key; read by WebCrypto when it is first needed. */
class Publisher {
  readonly jwk: PublicJwk;
  readonly kid: string;
  #key: Promise<VerifyingKey> | undefined;

  constructor(jwk: PublicJwk) {
    this.jwk = jwk;
    this.kid = thumbprint(jwk);
  }

  key(): Promise<VerifyingKey> {
    this.#key ??= readKey(this.jwk);
    return this.#key;
  }

  /** Fails with `log.bad_entry` unless this key signed `message` and is the key it names. */
  async check(message: SignedMessage): Promise<void> {
    if (message.by !== this.kid) bad("An entry is published by a service that may not say it.");
    try {
      await checkSignature(message, await this.key());
    } catch (error) {
      if (!isError(error)) throw error;
      bad("An entry's signature is false.");
    }
  }
}

function bad(what: string): never {
  return fail("log.bad_entry", what);
}

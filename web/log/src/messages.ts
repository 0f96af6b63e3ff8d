// The messages of the public log (docs/formats/log-entries.md) and who may say them. Twin of amparo_common.bridge and of the tables in
// amparo_log.view. Names of fields are those on the wire. A new kind is one interface, one line in `Bodies` and one in `KINDS`.
import { fail, isError } from "@amparo/cashu/errors.ts";
import type { Plain } from "@amparo/rules/canonical.ts";
import { decode, encode } from "@amparo/rules/canonical.ts";
import { exactly, flag, map, optional, otherwise, struct, text, whole } from "@amparo/rules/shape.ts";
import type { Fields, Read } from "@amparo/rules/shape.ts";
import type { PublicJwk } from "@amparo/rules/signing.ts";
import { publicJwk } from "@amparo/rules/signing.ts";

/** A key for one purpose: "office", "mint", "shops" (who signs log entries), "receipts" or "cards" (`ed25519` in hex). */
export interface KeyAnnounced {
  readonly kind: "key-announced";
  readonly purpose: string;
  readonly jwk: PublicJwk | null;
  readonly ed25519: string | null;
}

/** A programme's rule, whole: the file as published, and the hash that receipts name. */
export interface RulePublished {
  readonly kind: "rule-published";
  readonly programme: string;
  readonly version: string;
  readonly rule_hash: string;
  readonly notice_days: number;
  readonly file: string;
}

/** A fact beside the catalogue of the release; `definition` is its whole entry as canonical JSON. */
export interface FactDefined {
  readonly kind: "fact-defined";
  readonly entity: string;
  readonly name: string;
  readonly definition: string;
  readonly approvals: number;
}

/** A list left the register. */
export interface ExportMade {
  readonly kind: "export-made";
  readonly reference: string;
  readonly programme: string;
  readonly count: number;
  readonly identity: boolean;
  readonly reason: string;
  readonly approvals: number;
}

/** A keyset before its use: amount in minor units (as text) -> public key (hex). Times are unix seconds. */
export interface KeysetAnnounced {
  readonly kind: "keyset-announced";
  readonly keyset: string;
  readonly unit: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly final_expiry: number | null;
  readonly active_from: number | null;
}

/** One cycle's decisions of one programme; `total` in minor units. */
export interface DecisionsMade {
  readonly kind: "decisions-made";
  readonly programme: string;
  readonly cycle: string;
  readonly rule_hash: string;
  readonly as_of: string;
  readonly root: string;
  readonly households: number;
  readonly eligible: number;
  readonly total: number;
  readonly unit: string;
}

/** The payment of one batch was approved. */
export interface AidApproved {
  readonly kind: "aid-approved";
  readonly programme: string;
  readonly cycle: string;
  readonly root: string;
  readonly total: number;
  readonly unit: string;
  readonly approvals: number;
}

/** Where the office's audit trail of its staff stands. */
export interface StaffTrail {
  readonly kind: "staff-trail";
  readonly entries: number;
  readonly head: string;
}

/** A release of a phone app, with the hash over all its files. */
export interface AppPublished {
  readonly kind: "app-published";
  readonly app: string;
  readonly release: string;
  readonly hash: string;
}

/** The mint's figures for one keyset, in minor units. */
export interface MintFigures {
  readonly kind: "mint-figures";
  readonly period: string;
  readonly keyset: string;
  readonly unit: string;
  readonly issued: number;
  readonly moved: number;
  readonly redeemed: number;
  readonly outstanding: number;
  readonly expired: number;
}

/** The shops side's month for one unit, in minor units. */
export interface SettlementFigures {
  readonly kind: "settlement-figures";
  readonly period: string;
  readonly unit: string;
  readonly shops: number;
  readonly deposited: number;
  readonly settled: number;
  readonly payable: number;
}

export interface Bodies {
  readonly "key-announced": KeyAnnounced;
  readonly "rule-published": RulePublished;
  readonly "fact-defined": FactDefined;
  readonly "export-made": ExportMade;
  readonly "keyset-announced": KeysetAnnounced;
  readonly "decisions-made": DecisionsMade;
  readonly "aid-approved": AidApproved;
  readonly "staff-trail": StaffTrail;
  readonly "app-published": AppPublished;
  readonly "mint-figures": MintFigures;
  readonly "settlement-figures": SettlementFigures;
}
export type Kind = keyof Bodies;
export type LogMessage = Bodies[Kind];

/** A log message and who says it: the publisher's key id, and its signature over the canonical JSON of `body`. */
export interface SignedMessage {
  readonly body: LogMessage;
  readonly by: string;
  readonly sig: string;
}

/** One leaf of the public log: the log's own time (RFC 3339, UTC) and the publisher's signed message. */
export interface LogEntry {
  readonly at: string;
  readonly entry: SignedMessage;
  readonly v: number;
}

export type Service = "office" | "mint" | "shops";
export const LOG_TYP = "amparo-log+jws";
/** Which service owns a key's purpose: each its own publishing key, the office those for receipts and cards. */
const KEY_OWNERS: Readonly<Record<string, Service>> = {
  office: "office",
  mint: "mint",
  shops: "shops",
  receipts: "office",
  cards: "office",
};

interface KindOf<K extends Kind> {
  /** Which service may say it; null: it depends on the purpose of the key. */
  readonly owner: Service | null;
  readonly read: Read<Bodies[K]>;
}

function kind<K extends Kind>(name: K, owner: Service | null, fields: Omit<Fields<Bodies[K]>, "kind">): KindOf<K> {
  return { owner, read: struct<Bodies[K]>({ kind: exactly(name), ...fields } as unknown as Fields<Bodies[K]>) };
}

const KINDS: { readonly [K in Kind]: KindOf<K> } = {
  "key-announced": kind("key-announced", null, { purpose: text, jwk: optional(publicJwk), ed25519: optional(text) }),
  "rule-published": kind("rule-published", "office", {
    programme: text,
    version: text,
    rule_hash: text,
    notice_days: whole,
    file: text,
  }),
  "fact-defined": kind("fact-defined", "office", { entity: text, name: text, definition: text, approvals: whole }),
  "export-made": kind("export-made", "office", {
    reference: text,
    programme: text,
    count: whole,
    identity: flag,
    reason: text,
    approvals: whole,
  }),
  "keyset-announced": kind("keyset-announced", "mint", {
    keyset: text,
    unit: text,
    keys: map(text),
    final_expiry: optional(whole),
    active_from: optional(whole),
  }),
  "decisions-made": kind("decisions-made", "office", {
    programme: text,
    cycle: text,
    rule_hash: text,
    as_of: text,
    root: text,
    households: whole,
    eligible: whole,
    total: whole,
    unit: text,
  }),
  "aid-approved": kind("aid-approved", "office", {
    programme: text,
    cycle: text,
    root: text,
    total: whole,
    unit: text,
    approvals: whole,
  }),
  "staff-trail": kind("staff-trail", "office", { entries: whole, head: text }),
  "app-published": kind("app-published", "office", { app: text, release: text, hash: text }),
  "mint-figures": kind("mint-figures", "mint", {
    period: text,
    keyset: text,
    unit: text,
    issued: whole,
    moved: whole,
    redeemed: whole,
    outstanding: whole,
    expired: whole,
  }),
  "settlement-figures": kind("settlement-figures", "shops", {
    period: text,
    unit: text,
    shops: whole,
    deposited: whole,
    settled: whole,
    payable: whole,
  }),
};

const readBody: Read<LogMessage> = (plain) => {
  const named = (plain as { kind?: unknown } | null | undefined)?.kind;
  if (typeof named !== "string" || !Object.hasOwn(KINDS, named)) return fail("common.malformed_message", "A message is of no known kind.");
  return KINDS[named as Kind].read(plain);
};

const readLogEntry = struct<LogEntry>({
  at: text,
  entry: struct<SignedMessage>({ body: readBody, by: text, sig: text }),
  v: otherwise(whole, 1),
});

/** The one service that may say this; null for a key of an unknown purpose, which nobody may announce. */
export function ownerOf(body: LogMessage): Service | null {
  if (body.kind !== "key-announced") return KINDS[body.kind].owner;
  return Object.hasOwn(KEY_OWNERS, body.purpose) ? (KEY_OWNERS[body.purpose] ?? null) : null;
}

/** A leaf as an entry; absent fields get their defaults, as the signature is over them. Fails with `log.bad_entry`. */
export function readEntry(leaf: Uint8Array): LogEntry {
  try {
    return readLogEntry(decode(leaf));
  } catch (error) {
    if (!isError(error)) throw error;
    return fail("log.bad_entry", "A leaf of the log is not canonical JSON of a known kind.");
  }
}

/** What a publisher signs: the canonical JSON of a message. */
export function bodyBytes(body: LogMessage): Uint8Array {
  return encode(body as unknown as Plain);
}

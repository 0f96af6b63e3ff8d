// Checking one's own receipt against the public log: signature, rule, notice, batch. Nothing is sent anywhere. Twin of
// amparo_wallet.receipts: with a connection the log is read (by the same requests for everybody); without one, the proofs in a saved
// file (docs/formats/evidence.md) are enough, `checkEvidence` needs the log's key and nothing else. Loaded late: it brings the rules along.
import { fail, isError } from "@amparo/cashu/errors.ts";
import type { Plain } from "@amparo/rules/canonical.ts";
import { readUnverified } from "@amparo/rules/unverified.ts";
import type { VerifyingKey } from "@amparo/rules/signing.ts";
import { readKey } from "@amparo/rules/signing.ts";
import type { Receipt, ReceiptBundle } from "@amparo/rules/receipt.ts";
import { checkReceipt, readReceiptBundle } from "@amparo/rules/receipt.ts";
import type { RuleFile } from "@amparo/rules/rule.ts";
import { readRule } from "@amparo/rules/rule.ts";

import { list, otherwise, struct, text, whole } from "@amparo/rules/shape.ts";

import type { InclusionProof } from "./client.ts";
import { checkProof, readInclusionProof } from "./client.ts";
import type { LogFollower } from "./follow.ts";
import type { DecisionsMade, FactDefined, KeyAnnounced, LogEntry, LogMessage, RulePublished } from "./messages.ts";
import { NoteVerifier, openCheckpoint } from "./note.ts";
import type { Logged, LogView } from "./view.ts";
import { checkSignature } from "./view.ts";

/** A receipt with everything needed to check it offline: log entries with their proofs, and one checkpoint. Version 2 carries in `facts`
 * the definitions of those facts of the rule that are not in the catalogue of the release; version 1 has no such field. */
export interface Evidence {
  readonly bundle: ReceiptBundle;
  readonly checkpoint: string;
  readonly office: InclusionProof;
  readonly receipts: InclusionProof;
  readonly rule: InclusionProof;
  readonly batch: InclusionProof;
  readonly facts?: readonly InclusionProof[];
  readonly v: number;
}

/** A receipt that holds, with the rule that was computed (its sentences say why a decision is no). */
export interface Checked {
  readonly receipt: Receipt;
  readonly rule: RuleFile;
}

const readFields = struct<{ [name in keyof Evidence]-?: Evidence[name] | undefined }>({
  bundle: readReceiptBundle,
  checkpoint: text,
  office: readInclusionProof,
  receipts: readInclusionProof,
  rule: readInclusionProof,
  batch: readInclusionProof,
  facts: (plain) => (plain === undefined ? undefined : list(readInclusionProof)(plain)),
  v: otherwise(whole, 1),
});

/** A saved file. Fails with `common.malformed_message`. */
export function readEvidence(saved: string): Evidence {
  let plain: Plain;
  try {
    plain = JSON.parse(saved) as Plain;
  } catch {
    return fail("common.malformed_message", "The file is no JSON.");
  }
  const { facts, ...rest } = readFields(plain) as Evidence;
  return facts === undefined ? rest : { ...rest, facts };
}

/** The receipt with its proofs from the log, which is read anew. Fails with `rules.receipt_malformed`, `rules.rule_not_public_in_time`,
 * `rules.not_in_batch`, `wallet.key_not_in_log`, or as `LogFollower.refresh`. */
export async function gatherEvidence(bundle: ReceiptBundle, log: LogFollower): Promise<Evidence> {
  const named = readNamed(bundle);
  const view = await log.refresh();
  const rule = view.rule(named.rule_hash) ?? fail("rules.rule_not_public_in_time", "The rule is not in the public log.");
  const batch =
    view.decisions.find(
      ({ body }) => body.programme === named.programme && body.cycle === named.cycle && body.rule_hash === named.rule_hash,
    ) ?? fail("rules.not_in_batch", "No batch of this programme and cycle is in the public log.");
  const [office, receipts] = [view.key("office"), view.key("receipts")];
  if (office === undefined || receipts === undefined) return fail("wallet.key_not_in_log", "The office's keys are not in the log.");
  const defined = definitions(view, rule);
  const places = [office, receipts, rule, batch, ...defined].map(({ index }) => index);
  const { note, proofs } = await log.proveAll(places);
  const [one, two, three, four, ...facts] = proofs as [InclusionProof, InclusionProof, InclusionProof, InclusionProof];
  const found = { bundle, checkpoint: note, office: one, receipts: two, rule: three, batch: four };
  return defined.length ? { ...found, facts, v: 2 } : { ...found, v: 1 };
}

/** The fields of a receipt that say where to look in the log. Not verified yet. */
function readNamed({ receipt }: ReceiptBundle): { programme: string; cycle: string; rule_hash: string } {
  try {
    const plain = JSON.parse(readUnverified(receipt)) as Record<string, Plain>;
    return { programme: text(plain["programme"]), cycle: text(plain["cycle"]), rule_hash: text(plain["rule_hash"]) };
  } catch {
    return fail("rules.receipt_malformed", "The receipt cannot be read.");
  }
}

/** Where the log defines the facts that the rule uses beside the catalogue. */
function definitions(view: LogView, rule: Logged<RulePublished>): Logged<FactDefined>[] {
  try {
    const used = readRule(rule.body.file, view.factsBefore(rule.index)).defined;
    return view.facts.filter(({ body }) => used.includes(body));
  } catch (error) {
    if (!isError(error, "rules.unknown_fact")) throw error;
    return fail("rules.rule_not_public_in_time", "The rule uses a fact that the public log had not defined before it.");
  }
}

/** The receipt, when all of it holds under this log key; offline. Fails with the finding otherwise (`receipt.ts`), or with `log.bad_note`,
 * `log.bad_proof`, `log.bad_entry`, `common.bad_signature` when the log's part is false. */
export async function checkEvidence(evidence: Evidence, vkey: string): Promise<Checked> {
  const facts = factsOf(evidence);
  const checkpoint = await openCheckpoint(evidence.checkpoint, new NoteVerifier(vkey));
  const prove = (proof: InclusionProof): LogEntry => checkProof(proof, checkpoint);
  const [office, receipts, published, decided] = [evidence.office, evidence.receipts, evidence.rule, evidence.batch].map(prove) as [
    LogEntry,
    LogEntry,
    LogEntry,
    LogEntry,
  ];
  const definitions = facts.map(prove);
  const officeKey = await keyOf(office, "office");
  const [receiptBody, rule, batch] = [announcedKey(receipts, "receipts"), published.entry.body, decided.entry.body];
  if (!is<RulePublished>(rule, "rule-published") || !is<DecisionsMade>(batch, "decisions-made")) return provesElse();
  for (const entry of [office, receipts, published, decided, ...definitions]) await checkSignature(entry.entry, officeKey);
  if (facts.some(({ index }) => index >= evidence.rule.index)) {
    fail("rules.rule_not_public_in_time", "A fact was defined after the rule that uses it.");
  }
  const record = {
    rule: readWith(rule.file, definitions.map(({ entry }) => entry.body)),
    ruleLoggedAt: published.at,
    receiptKey: await readKey(receiptBody),
    batch,
    batchLoggedAt: decided.at,
  };
  return { receipt: await checkReceipt(evidence.bundle, record), rule: record.rule };
}

/** Checks a receipt with a connection to the log; what it returns can be saved (`evidence`). Fails with the finding. */
export async function checkBundle(bundle: ReceiptBundle, log: LogFollower, vkey: string): Promise<Checked & { evidence: Evidence }> {
  const evidence = await gatherEvidence(bundle, log);
  return { ...(await checkEvidence(evidence, vkey)), evidence };
}

/** The proofs of definitions, which only version 2 has. */
function factsOf({ v, facts }: Evidence): readonly InclusionProof[] {
  if (v === 1 && facts === undefined) return [];
  if (v === 2 && facts !== undefined && facts.length > 0) return facts;
  return fail("rules.receipt_malformed", "The saved receipt is of an unknown version.");
}

/** The rule, read with these definitions: those that it uses and no others. */
function readWith(file: string, bodies: readonly LogMessage[]): RuleFile {
  const defined = bodies.filter((body) => is<FactDefined>(body, "fact-defined"));
  if (defined.length !== bodies.length) provesElse();
  let rule: RuleFile;
  try {
    rule = readRule(file, defined);
  } catch (error) {
    if (!isError(error, "rules.unknown_fact")) throw error;
    return fail("rules.receipt_malformed", "The saved receipt lacks the definition of a fact that its rule uses.");
  }
  const isExact = rule.defined.length === defined.length && rule.defined.every((body, at) => body === defined[at]);
  return isExact ? rule : fail("rules.receipt_malformed", "The saved receipt holds definitions that its rule does not use.");
}

function is<T extends LogMessage>(body: LogMessage, kind: T["kind"]): body is T {
  return body.kind === kind;
}

function provesElse(): never {
  return fail("log.bad_entry", "A proof proves something else.");
}

function announcedKey({ entry: { body } }: LogEntry, purpose: string): NonNullable<KeyAnnounced["jwk"]> {
  const isIt = is<KeyAnnounced>(body, "key-announced") && body.purpose === purpose;
  return (isIt ? body.jwk : null) ?? provesElse();
}

async function keyOf(entry: LogEntry, purpose: string): Promise<VerifyingKey> {
  return readKey(announcedKey(entry, purpose));
}

// Decision receipts, recomputed by whoever holds one. Twin of amparo_rules.receipt, the reader's half (docs/formats/receipt.md). A check
// ends with the receipt or with one of the five findings: `rules.receipt_signature_false`, `rules.does_not_follow_rule`,
// `rules.rule_not_public_in_time`, `rules.not_in_batch`, `rules.receipt_malformed`.
import { utf8 } from "@amparo/cashu/bytes.ts";
import { fail, isError } from "@amparo/cashu/errors.ts";

import { decode } from "./canonical.ts";
import type { Shown } from "./catalogue.ts";
import { readFacts, showDecimal } from "./catalogue.ts";
import type { Outcome } from "./evaluate.ts";
import { evaluate } from "./evaluate.ts";
import type { Plan, RuleFile } from "./rule.ts";
import type { Read } from "./shape.ts";
import { flag, list, map, optional, otherwise, struct, text, whole } from "./shape.ts";
import type { VerifyingKey } from "./signing.ts";
import { verifyCompact } from "./signing.ts";
import type { BatchProof } from "./sumtree.ts";
import { checkInBatch, readBatchProof } from "./sumtree.ts";
import { isPlainTime, seconds } from "./time.ts";

/** One decision, as it is signed. `household` is the programme's own pseudonym, `holder` the id of the key that may claim. */
export interface Receipt {
  readonly programme: string;
  readonly rule_version: string;
  readonly rule_hash: string;
  readonly cycle: string;
  readonly as_of: string;
  readonly decided_at: string;
  readonly household: string;
  readonly holder: string | null;
  readonly declared: { readonly source: string; readonly date: string };
  readonly facts: ReceiptFacts;
  readonly steps: Readonly<Record<string, string>>;
  readonly failed: readonly string[];
  readonly eligible: boolean;
  readonly amount: number;
  readonly unit: string;
  readonly v: number;
}

/** The facts the decision used, and no others, in their JSON form. */
export interface ReceiptFacts {
  readonly household: Readonly<Record<string, Shown>>;
  readonly members: readonly Readonly<Record<string, Shown>>[];
}

/** What a person is given: the receipt (compact JWS) and its place in the batch. */
export interface ReceiptBundle {
  readonly receipt: string;
  readonly batch: BatchProof;
}

/** What the log's entry says about a batch (`decisions-made`). */
export interface Batch {
  readonly programme: string;
  readonly cycle: string;
  readonly rule_hash: string;
  readonly as_of: string;
  readonly root: string;
  readonly households: number;
  readonly total: number;
  readonly unit: string;
}

/** What the public log says that a receipt's check needs, already proved to be in the log. */
export interface PublicRecord {
  readonly rule: RuleFile;
  readonly ruleLoggedAt: string;
  readonly receiptKey: VerifyingKey;
  readonly batch: Batch;
  readonly batchLoggedAt: string;
}

export const RECEIPT_TYP = "amparo-receipt+jws";
const DAY = 86_400;

const shown: Read<Shown> = (plain) => {
  const isShown = plain === null || typeof plain === "boolean" || typeof plain === "string";
  return isShown ? plain : whole(plain);
};
const readReceiptBody = struct<Receipt>({
  programme: text,
  rule_version: text,
  rule_hash: text,
  cycle: text,
  as_of: text,
  decided_at: text,
  household: text,
  holder: optional(text),
  declared: struct<Receipt["declared"]>({ source: text, date: text }),
  facts: struct<ReceiptFacts>({ household: map(shown), members: list(map(shown)) }),
  steps: map(text),
  failed: list(text),
  eligible: flag,
  amount: whole,
  unit: text,
  v: otherwise(whole, 1),
});

/** Reads what an office hands out. Fails with `common.malformed_message`. */
export const readReceiptBundle = struct<ReceiptBundle>({ receipt: text, batch: readBatchProof });

/** The receipt in a compact JWS. Fails with `rules.receipt_signature_false`, `rules.receipt_malformed`. */
export async function readReceipt(token: string, key: VerifyingKey): Promise<Receipt> {
  let receipt: Receipt;
  try {
    receipt = readReceiptBody(decode(await verifyCompact(token, key, RECEIPT_TYP)));
  } catch (error) {
    if (isError(error, "common.bad_signature")) fail("rules.receipt_signature_false", "The receipt's signature is false.");
    if (!isError(error)) throw error;
    return fail("rules.receipt_malformed", "The receipt cannot be read.");
  }
  if (receipt.v !== 1 || !isPlainTime(receipt.decided_at)) fail("rules.receipt_malformed", "The receipt is of an unknown version.");
  return receipt;
}

/** The outcome the rule gives for the receipt's own facts. Fails with `rules.receipt_malformed`, `rules.does_not_follow_rule`. */
export function recompute(receipt: Receipt, rule: RuleFile): Outcome {
  try {
    return outcomeOf(receipt, rule.plan(receipt.as_of));
  } catch (error) {
    if (isError(error, "rules.fact_out_of_range")) fail("rules.receipt_malformed", "The receipt uses a value that no fact can have.");
    throw error;
  }
}

function outcomeOf({ facts }: Receipt, plan: Plan): Outcome {
  const household = {
    facts: readFacts(plan.householdInputs, facts.household),
    members: facts.members.map((member) => readFacts(plan.personInputs, member)),
  };
  const isExtra =
    Object.keys(facts.household).some((name) => !plan.householdInputs.has(name)) ||
    facts.members.some((member) => Object.keys(member).some((name) => !plan.personInputs.has(name)));
  if (isExtra) differs("The receipt uses a fact that the rule does not ask for.");
  return evaluate(plan, household);
}

/** The receipt, when everything about it holds; otherwise fails with the finding. Needs no network. */
export async function checkReceipt(bundle: ReceiptBundle, record: PublicRecord): Promise<Receipt> {
  const receipt = await readReceipt(bundle.receipt, record.receiptKey);
  checkRule(receipt, record.rule);
  checkNotice(receipt, record);
  const { batch } = record;
  const isOfBatch =
    batch.programme === receipt.programme &&
    batch.cycle === receipt.cycle &&
    batch.rule_hash === receipt.rule_hash &&
    batch.as_of === receipt.as_of &&
    batch.unit === receipt.unit;
  if (!isOfBatch || bundle.batch.count !== batch.households) fail("rules.not_in_batch", "The published batch is another one.");
  checkInBatch(utf8(bundle.receipt), receipt.amount, bundle.batch, batch.root, batch.total);
  return receipt;
}

function checkRule(receipt: Receipt, rule: RuleFile): void {
  const { programme, unit } = rule.text;
  if (receipt.rule_hash !== rule.ruleHash || receipt.programme !== programme || receipt.unit !== unit) {
    differs("The receipt names another rule than the published one.");
  }
  const outcome = recompute(receipt, rule);
  const plan = rule.plan(receipt.as_of);
  const scales = [...plan.facts, ...plan.steps];
  for (const [name, { scale }] of scales) {
    const said = Object.hasOwn(receipt.steps, name) ? receipt.steps[name] : undefined;
    if (said !== showDecimal(outcome.steps.get(name) ?? 0n, scale)) differs("A step comes out differently.");
  }
  if (Object.keys(receipt.steps).length !== scales.length) differs("The receipt shows steps that the rule does not have.");
  const isSame = receipt.failed.length === outcome.failed.length && receipt.failed.every((id, at) => id === outcome.failed[at]);
  if (!isSame || receipt.eligible !== (outcome.failed.length === 0)) differs("The requirements come out differently.");
  if (receipt.amount !== outcome.amount) differs("The amount comes out differently.");
}

function differs(what: string): never {
  return fail("rules.does_not_follow_rule", what);
}

function checkNotice(receipt: Receipt, record: PublicRecord): void {
  const ends = seconds(record.ruleLoggedAt) + record.rule.noticeDays * DAY;
  // The office's own word, and the log's: a batch that was logged too early proves an early decision whatever it says.
  if (Math.min(seconds(receipt.decided_at), seconds(record.batchLoggedAt)) < ends) {
    fail("rules.rule_not_public_in_time", "The decision was made before the rule's notice period had ended.");
  }
}

/** The sentences of the requirements that did not hold, by language, in the order of the rule: why a decision is no. */
export function reasons(receipt: Receipt, rule: RuleFile): readonly { id: string; text: Readonly<Record<string, string>> }[] {
  return rule.text.require.filter(({ id }) => receipt.failed.includes(id));
}

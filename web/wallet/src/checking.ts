// A decision recomputed on this phone.
//
// The first check needs a connection: receipt, rule and batch are proved to be in the public log. What proves them is kept, sealed like the rest, and from then on the check
// needs nothing but the log's key.

import { hex, utf8 } from "@amparo/cashu/bytes.ts";
import { isError } from "@amparo/cashu/errors.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { _, language } from "@amparo/kit/words.ts";
import { checkBundle, checkEvidence, gatherEvidence, readEvidence } from "@amparo/log/evidence.ts";
import type { Checked } from "@amparo/log/evidence.ts";
import type { LogFollower } from "@amparo/log/follow.ts";
import type { Vault } from "@amparo/purse/vault.ts";
import type { ReceiptBundle as Bundle } from "@amparo/rules/receipt.ts";
import { isFinding } from "./finding.ts";
import { LABELS } from "./labels.ts";
import type { CheckedReceipt, Paper, ReceiptBundle } from "./model.ts";
import type { Explained } from "./state.ts";

/** What checking works with. */
export interface Checking {
  vault: Vault;
  log: LogFollower;
  told: Addresses;
}

async function nameOf(bundle: ReceiptBundle): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", utf8(bundle.receipt));
  return `evidence ${hex(new Uint8Array(hash, 0, 16))}`;
}

async function checked(given: Checking, bundle: ReceiptBundle): Promise<Checked> {
  const name = await nameOf(bundle);
  const kept = given.vault.read<string>(name);
  if (kept !== undefined) return checkEvidence(readEvidence(kept), given.told.vkey);
  const { evidence, ...found } = await checkBundle(bundle as unknown as Bundle, given.log, given.told.vkey);
  await given.vault.change((draft) => draft.put(name, JSON.stringify(evidence)));
  return found;
}

/** What a receipt says, once all of it holds. Rejects with the finding. */
export async function check(given: Checking, bundle: ReceiptBundle): Promise<CheckedReceipt> {
  const { programme, cycle, rule_hash, amount, unit } = (await checked(given, bundle)).receipt;
  return { programme, cycle, rule_hash, amount, unit };
}

/** The reasons in the rule's own words, and the facts that were used. Rejects with the finding. */
export async function explain(given: Checking, paper: Paper): Promise<Explained> {
  const { receipt, rule } = await checked(given, paper.bundle);
  const say = (texts: Readonly<Record<string, string>>) => texts[language()] ?? texts["en"] ?? "";
  const reasons = rule.text.require.map(({ id, text }) => ({ met: !receipt.failed.includes(id), text: say(text) }));
  const label = (entity: string, name: string) => LABELS[`${entity} ${name}`]?.() ?? name;
  const rows = (entity: string, facts: Readonly<Record<string, unknown>>) => Object.entries(facts).map(([name, value]): [string, string] => [label(entity, name), shown(value)]);
  const people = receipt.facts.members.map((member) => rows("person", member));
  return { reasons, facts: rows("household", receipt.facts.household), people: people.filter((each) => each.length > 0) };
}

/** The proof of a decision, true or false: a file that anybody checks offline with the log's key (`amparo receipt check`). When the log lacks
 * what the receipt names, the receipt itself, which the office signed. Rejects when the log cannot be had. */
export async function proof(given: Checking, { bundle }: Paper): Promise<string> {
  const kept = given.vault.read<string>(await nameOf(bundle));
  if (kept !== undefined) return kept;
  try {
    return JSON.stringify(await gatherEvidence(bundle as unknown as Bundle, given.log));
  } catch (error) {
    if (!isError(error) || !isFinding(error.code)) throw error;
    return JSON.stringify(bundle);
  }
}


function shown(value: unknown): string {
  if (value === null) return _("not known");
  if (typeof value === "boolean") return value ? _("yes") : _("no");
  return String(value);
}

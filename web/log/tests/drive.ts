// A phone for tests/foreign/test_web_log.py: follows a running log, and checks the receipts that it is given. Reads one JSON order from
// stdin ({url, vkey, folder, bundle?, evidence?}); `folder` is the phone's memory. Writes what it found, or the code of its error.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { reasons } from "@amparo/rules/receipt.ts";
import type { ReceiptBundle } from "@amparo/rules/receipt.ts";

import { httpFetch } from "../src/client.ts";
import type { Checked } from "../src/evidence.ts";
import { checkBundle, checkEvidence, readEvidence } from "../src/evidence.ts";
import type { LogMemory } from "../src/follow.ts";
import { openFollower } from "../src/follow.ts";

interface Order {
  url: string;
  vkey: string;
  folder: string;
  bundle?: ReceiptBundle;
  evidence?: string;
}

function memory(folder: string): LogMemory {
  const kept = join(folder, "log.json");
  return {
    load: async () => (existsSync(kept) ? readFileSync(kept, "utf8") : null),
    save: async (state) => writeFileSync(kept, state),
    keepEvidence: async (evidence) => writeFileSync(join(folder, "fork.json"), evidence),
  };
}

function said({ receipt, rule }: Checked): object {
  return { amount: receipt.amount, failed: receipt.failed, reasons: reasons(receipt, rule).map(({ text }) => text["en"]) };
}

async function run({ url, vkey, folder, bundle, evidence }: Order): Promise<object> {
  if (evidence !== undefined) return said(await checkEvidence(readEvidence(evidence), vkey));
  const follower = await openFollower(httpFetch(url, { patience: 10_000 }), vkey, memory(folder));
  if (bundle !== undefined) {
    const checked = await checkBundle(bundle, follower, vkey);
    return { ...said(checked), evidence: JSON.stringify(checked.evidence) };
  }
  const known = follower.view().size;
  const view = await follower.refresh();
  return {
    known,
    size: view.size,
    office: (await view.publisher("office"))?.kid,
    mint: (await view.publisher("mint"))?.kid,
    keysets: view.keysets.map(({ index, body }) => [index, body.keyset]),
    rules: view.rules.map(({ body }) => body.rule_hash),
    batches: view.decisions.map(({ index, at, body }) => [index, at, body.root]),
    approved: view.approved("usd"),
  };
}

try {
  process.stdout.write(JSON.stringify(await run(JSON.parse(await text(process.stdin)) as Order)));
} catch (error) {
  process.stdout.write(JSON.stringify({ code: (error as { code?: string }).code ?? String(error) }));
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { utf8 } from "@amparo/cashu/bytes.ts";
import { encode } from "@amparo/rules/canonical.ts";
import type { Plain } from "@amparo/rules/canonical.ts";

import type { LogMessage } from "../src/messages.ts";
import { NoteVerifier, openCheckpoint, verifyByLibrary, verifyEd25519 } from "../src/note.ts";
import { LogView, PHONE_KINDS } from "../src/view.ts";
import { announced, AT, codeOf, fresh, KEYS, keyset, leaf, VKEY, signedHead } from "./practice.ts";

const CARDS: LogMessage = { kind: "key-announced", purpose: "cards", jwk: null, ed25519: "0".repeat(64) };
const BATCH = { programme: "p", cycle: "2026-11", root: "0".repeat(64), total: 8, unit: "usd" };
const RULE: LogMessage = {
  kind: "rule-published",
  programme: "food",
  version: "1",
  rule_hash: "0".repeat(64),
  notice_days: 7,
  file: "x",
};
const APPROVED: LogMessage = { kind: "aid-approved", ...BATCH, approvals: 2 };
const FIGURES = { period: "2026-11", keyset: "01", unit: "usd", issued: 8, moved: 0, redeemed: 3, outstanding: 5, expired: 0 };

// Every kind of message but the services' own keys, and who owns it.
const OWNED: [LogMessage, "office" | "mint" | "shops"][] = [
  [RULE, "office"],
  [{ kind: "decisions-made", ...BATCH, rule_hash: "0", as_of: "2026-11-01", households: 3, eligible: 2 }, "office"],
  [APPROVED, "office"],
  [{ kind: "fact-defined", entity: "household", name: "roof_type", definition: "{}", approvals: 2 }, "office"],
  [
    { kind: "export-made", reference: "1", programme: "food", count: 3, identity: true, reason: "audit", approvals: 2 },
    "office",
  ],
  [{ kind: "staff-trail", entries: 7, head: "3" }, "office"],
  [CARDS, "office"],
  [announced("receipts", KEYS.stranger), "office"],
  [keyset(1), "mint"],
  [{ kind: "mint-figures", ...FIGURES }, "mint"],
  [
    { kind: "settlement-figures", period: "2026-11", unit: "usd", shops: 1, deposited: 3, settled: 2, payable: 1 },
    "shops",
  ],
];

async function begun(): Promise<LogView> {
  const view = new LogView();
  for (const service of ["office", "mint", "shops"] as const) await view.add([await leaf(announced(service, KEYS[service]), KEYS[service])]);
  return view;
}

async function adding(view: LogView, ...leaves: Uint8Array[]): Promise<string> {
  return codeOf(() => view.copy().add(leaves));
}

test("only the owner of a kind says it", async () => {
  const view = await begun();
  for (const [body, owner] of OWNED) {
    for (const [name, key] of Object.entries(KEYS)) {
      assert.equal(await adding(view, await leaf(body, key)), name === owner ? "" : "log.bad_entry", `${name} says ${body.kind}`);
    }
  }
});

test("nothing counts before its service announced its key", async () => {
  for (const [body, owner] of OWNED) assert.equal(await adding(new LogView(), await leaf(body, KEYS[owner])), "log.bad_entry");
});

test("the first key of a service counts for good, and is announced by itself only", async () => {
  const view = await begun();
  const other = await fresh();
  assert.equal((await view.publisher("office"))?.kid, KEYS.office.public.kid);
  assert.equal(await adding(new LogView(), await leaf(announced("office", other), KEYS.office)), "log.bad_entry");
  assert.equal(await adding(view, await leaf(announced("office", other), other)), "log.bad_entry");
  // Its own key may announce another one; nobody follows it.
  await view.add([await leaf(announced("office", other), KEYS.office)]);
  assert.equal(view.key("office")?.index, 0);
  assert.equal((await view.publisher("office"))?.kid, KEYS.office.public.kid);
});

test("no key speaks for two services", async () => {
  const view = new LogView();
  await view.add([await leaf(announced("office", KEYS.office), KEYS.office)]);
  assert.equal(await adding(view, await leaf(announced("mint", KEYS.office), KEYS.office)), "log.bad_entry");
});

test("a key of an unknown purpose, or of none, is announced by nobody", async () => {
  const view = await begun();
  for (const purpose of ["witness", "", "__proto__", "constructor"]) {
    assert.equal(await adding(view, await leaf(announced(purpose, KEYS.office), KEYS.office)), "log.bad_entry", purpose);
  }
  const none: LogMessage = { kind: "key-announced", purpose: "office", jwk: null, ed25519: null };
  assert.equal(await adding(new LogView(), await leaf(none, KEYS.office)), "log.bad_entry");
});

test("the first announced key of a purpose counts", async () => {
  const view = await begun();
  await view.add([await leaf(announced("receipts", KEYS.stranger), KEYS.office), await leaf(announced("receipts", KEYS.mint), KEYS.office)]);
  assert.equal(view.key("receipts")?.index, 3);
  assert.deepEqual(view.key("receipts")?.body.jwk, KEYS.stranger.public.jwk);
});

test("time never goes back and is written in one way", async () => {
  const view = await begun();
  for (const at of [
    "2026-11-01T11:59:59Z",
    "2026-11-01T12:00:00+00:00",
    "2026-11-01 12:00:00Z",
    "2026-11-31T12:00:00Z",
    "2027-02-29T12:00:00Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T12:00:00.5Z",
    "99999-12-01T12:00:00Z",
    "",
  ]) {
    assert.equal(await adding(view, await leaf(RULE, KEYS.office, at)), "log.bad_entry", at);
  }
  assert.equal(await adding(view, await leaf(RULE, KEYS.office, "2028-02-29T23:59:59Z")), "");
});

test("one changed byte anywhere in an entry is refused", async () => {
  const view = await begun();
  const good = await leaf(APPROVED, KEYS.office);
  assert.equal(await adding(view, good), "");
  for (let at = 0; at < good.length; at += 1) {
    // The time and the version are the log's own words: the tree holds them, not the publisher's signature.
    if ((at >= 7 && at < 27) || at === good.length - 2) continue;
    const changed = Uint8Array.from(good);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(await adding(view, changed), "log.bad_entry", `byte ${at}`);
  }
});

test("fields that are missing, unknown, of another type or not canonical are refused", async () => {
  const view = await begun();
  const plain = JSON.parse(new TextDecoder().decode(await leaf(RULE, KEYS.office))) as { entry: { body: Record<string, Plain> } };
  for (const change of [{ more: 1 }, { notice_days: "7" }, { notice_days: true }, { file: null }, { kind: "rule" }, { kind: "toString" }]) {
    const body = { ...plain.entry.body, ...change };
    assert.equal(await adding(view, encode({ ...plain, entry: { ...plain.entry, body } } as unknown as Plain)), "log.bad_entry");
  }
  const text = new TextDecoder().decode(await leaf(RULE, KEYS.office));
  for (const other of [`${text} `, `\ufeff${text}`, text.replace('"v":1', '"v":1.0'), text.replace('"v":1', '"v":1,"v":1'), "[]", "null", "", "{"]) {
    assert.equal(await adding(view, utf8(other)), "log.bad_entry", other);
  }
});

test("fields without a value may be left out, and the signature is over null", async () => {
  const full = new TextDecoder().decode(await leaf(announced("office", KEYS.office), KEYS.office));
  assert.equal(await adding(new LogView(), utf8(full.replace('"ed25519":null,', ""))), "");
});

test("of several false entries the first one ends the reading, and good ones before it are no excuse", async () => {
  const view = await begun();
  const good = await leaf(RULE, KEYS.office);
  assert.equal(await adding(view, good, await leaf(RULE, KEYS.mint), utf8("{")), "log.bad_entry");
  assert.equal(view.size, 3);
});

test("a view is kept as plain JSON and comes back the same", async () => {
  const view = await begun();
  await view.add(await Promise.all(OWNED.map(([body, owner]) => leaf(body, KEYS[owner]))));
  const back = new LogView(PHONE_KINDS, JSON.parse(JSON.stringify(view.state())) as ReturnType<LogView["state"]>);
  assert.deepEqual(back.state(), view.state());
  assert.equal(back.keyset(`01${"1".padStart(64, "0")}`)?.unit, "usd");
  assert.equal(back.rule("0".repeat(64))?.body.version, "1");
  assert.equal(back.approved("usd"), 8);
  assert.equal(back.approved("eur"), 0);
  assert.equal(await adding(back, await leaf(keyset(2), KEYS.stranger)), "log.bad_entry");
  assert.equal(await adding(back, await leaf(keyset(2), KEYS.mint)), "");
});

test("keysets that begin within a month are counted, each once", async () => {
  const view = await begun();
  const now = Date.parse(AT) / 1000;
  const day = 86_400;
  for (const [number, from] of [[1, null], [1, null], [2, now + day], [3, now - 40 * day], [4, now + 40 * day]] as const) {
    await view.add([await leaf(keyset(number, "usd", from), KEYS.mint)]);
  }
  assert.equal(view.keysetsBegun("usd", now), 2); // 1, and 3, which was announced only now
  assert.equal(view.keysetsBegun("usd", now + day), 3);
  assert.equal(view.keysetsBegun("usd", now + 40 * day), 1); // 4
  assert.equal(view.keysetsBegun("eur", now), 0);
});

test("a head is checked alike with and without the browser's own Ed25519", async () => {
  for (const verify of [verifyEd25519, verifyByLibrary]) {
    const verifier = new NoteVerifier(VKEY, verify);
    assert.equal((await openCheckpoint(signedHead([]), verifier)).size, 0);
    assert.equal(await codeOf(() => openCheckpoint(signedHead([]).replace("\n0\n", "\n1\n"), verifier)), "log.bad_note");
  }
  assert.equal(await codeOf(() => new NoteVerifier(VKEY.replace("town", "tawn"))), "log.bad_note");
  assert.equal(await codeOf(() => new NoteVerifier("")), "log.bad_note");
});

test("the entries on the page of the format are what Python wrote and signed", async () => {
  const page = readFileSync(new URL("../../../docs/formats/log-entries.md", import.meta.url), "utf8");
  const found = [...page.matchAll(/<!-- example: ([^\n]*) -->\n```json LogEntry\n(.*?)\n```/gs)].map(([, name = "", json = ""]) => ({
    name,
    leaf: encode(JSON.parse(json) as Plain),
    at: (JSON.parse(json) as { at: string }).at,
  }));
  assert.ok(found.length > 10);
  // The page is not in the log's order; the services' own keys come first.
  found.sort((one, two) => Number(two.name.startsWith("key of")) - Number(one.name.startsWith("key of")) || (one.at < two.at ? -1 : 1));
  const view = new LogView();
  for (const each of found) {
    if (each.name === "key-announced") continue; // of receipts: in the true log before the mint's key, so tried below
    await view.add([each.leaf]);
  }
  assert.equal(view.size, found.length - 1);
  assert.equal(view.rules.length, 1);
  const office = new LogView();
  await office.add(found.filter(({ name }) => name === "key of office" || name === "key-announced").map((each) => each.leaf));
  assert.notEqual(office.key("receipts"), undefined);
});

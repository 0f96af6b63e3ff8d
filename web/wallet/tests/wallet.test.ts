// A household claims, pays, takes back, receives, loses its phone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isError } from "@amparo/cashu/errors.ts";
import { readToken } from "@amparo/cashu/nut00_token.ts";
import { readLock, signLock } from "@amparo/cashu/nut10_secret.ts";
import { allCoins } from "@amparo/purse/store.ts";

import { Town } from "../../purse/tests/town.ts";
import { Glance } from "../src/glance.ts";
import { PaperOffice, SHOP_KEY, SHOP_SECRET, paperOf, phone, request } from "./house.ts";

const fails = (name: string) => (error: unknown) => {
  assert.ok(isError(error), String(error));
  assert.equal((error as { said?: string }).said ?? error.code, name);
  return true;
};
const proofsOf = (code: string) => readToken(code, { keysets: [] }).proofs;

test("a wallet enrols with the office's code, and its key survives a restart", async () => {
  const one = await phone();
  assert.equal(one.wallet.isEnrolled(), true);
  await one.start();
  assert.equal(one.wallet.isEnrolled(), true);
  await one.wallet.fetchPapers(); // under the same key
  await assert.rejects(one.wallet.enrol("wrong"), fails("office.unknown_enrolment_code"));
});

test("papers are kept for when there is no connection, and say what is due", async () => {
  const one = await phone();
  one.office.papers = [paperOf("nov", 1_170), paperOf("dec", 0, { approved: false })];
  await one.wallet.fetchPapers();
  one.town.connect(false);
  await one.start();
  assert.deepEqual(one.wallet.papers().map((paper) => one.wallet.aid(paper).due), [true, false]);
  assert.deepEqual(one.wallet.units(), ["food"]);
});

test("claimed aid makes coins that pay exactly without a connection", async () => {
  const one = await phone();
  await one.fill(1_170);
  assert.equal(one.wallet.holding("food").balance, 1_170);
  assert.deepEqual(one.wallet.activity().map(({ kind, state, amount }) => [kind, state, amount]), [["claimed", "done", 1_170]]);
  one.town.connect(false);
  for (const amount of [1, 99, 117, 450, 583]) assert.equal(one.wallet.waysOf(amount, "food").plain, true, String(amount));
  const payment = await one.wallet.payAmount(583, "food");
  assert.equal(proofsOf(payment.code).reduce((sum, { amount }) => sum + amount, 0), 583);
  assert.ok(proofsOf(payment.code).every(({ dleq }) => dleq === undefined));
  assert.equal(one.wallet.holding("food").balance, 587);
  assert.equal(one.wallet.holding("food").waiting, 583);
});

test("the store alone shows what the whole wallet shows", async () => {
  const one = await phone();
  one.town.mint.rotate("food", { ends: one.town.now + 50 * 86_400 });
  one.town.mint.windowEnds = one.town.now + 86_400;
  await one.fill(1_170);
  await one.wallet.payAmount(583, "food", { hurry: true });
  await one.wallet.fetchPapers();
  await one.wallet.keepEnds();
  const { wallet } = one;
  const glance = new Glance(wallet.purse.vault, wallet.purse.now);
  assert.ok(wallet.nextEnd("food"));
  assert.ok(wallet.holding("food").resting.length > 0);
  assert.ok(wallet.papers().length > 0);
  assert.deepEqual([glance.units(), glance.isEnrolled(), glance.isRecoveryTested()], [["food"], true, false]);
  assert.deepEqual(glance.holding("food"), wallet.holding("food"));
  assert.deepEqual(glance.nextEnd("food"), wallet.nextEnd("food"));
  assert.deepEqual(glance.activity(), wallet.activity());
  assert.deepEqual(glance.papers().map((paper) => glance.aid(paper)), wallet.papers().map((paper) => wallet.aid(paper)));
});

test("aid is paid after its window, and exchanged not beside its claim, unless there is a hurry", async () => {
  const one = await phone();
  one.town.mint.windowEnds = one.town.now + 86_400;
  await one.fill(100);
  const [rest] = one.wallet.holding("food").resting;
  assert.ok(rest && rest.until > one.town.now + 86_400 && rest.amount === 100);
  await assert.rejects(one.wallet.payAmount(10, "food"), fails("purse.aid_rests"));
  assert.equal(one.wallet.waysOf(10, "food").rests, rest.until);
  await assert.rejects(one.wallet.pay(one.wallet.readRequest(request(10))), fails("purse.aid_rests"));
  assert.equal((await one.wallet.payAmount(10, "food", { hurry: true })).amount, 10);
  one.town.now = rest.until + 1;
  await one.wallet.pay(one.wallet.readRequest(request(10)));
  one.office.papers.push(paperOf("dec", 50));
  await assert.rejects(one.wallet.claim(paperOf("dec", 50)), fails("purse.claim_rests"));
});

test("what the office or the mint names differently is not claimed", async () => {
  const one = await phone();
  const paper = paperOf("nov", 100);
  one.office.papers = [paper];
  await assert.rejects(one.wallet.claim({ ...paper, amount: 90 }), fails("wallet.amount_differs"));
  await assert.rejects(one.wallet.claim({ ...paper, approved: false }), fails("wallet.nothing_to_claim"));
  one.office.amount = 90;
  await assert.rejects(one.wallet.claim(paper), fails("wallet.amount_differs"));
  one.office.amount = null;
  await one.wallet.claim(paper);
  await one.wallet.claim(paper); // again: nothing more
  assert.equal(one.wallet.holding("food").balance, 100);
  assert.equal(one.wallet.aid(paper).taken, true);
});

test("a request is paid with exactly its amount, locked as it asks", async () => {
  const one = await phone();
  await one.fill(500);
  one.rest();
  const until = one.town.now + 21 * 86_400;
  const payment = await one.wallet.pay(one.wallet.readRequest(request(117, { until })));
  assert.equal(payment.locked, true);
  const locks = proofsOf(payment.code).map(({ secret }) => readLock(secret));
  assert.ok(locks.every((lock) => lock?.keys[0] === SHOP_KEY && lock.locktime === until));
  assert.ok(proofsOf(payment.code).every(({ dleq }) => dleq?.r !== undefined)); // the till checks without a connection
  assert.equal(proofsOf(payment.code).reduce((sum, { amount }) => sum + amount, 0), 117);
  const opened = proofsOf(payment.code).map((proof) => signLock(proof, SHOP_SECRET));
  const shop = await phone(2, one.town);
  await shop.purse.receive(opened, "food");
  await one.wallet.arrived(payment.number);
  assert.equal(allCoins(one.vault).filter(({ state }) => state !== "ready").length, 0);
});

test("requests that cannot be paid as they ask are refused", async () => {
  const one = await phone();
  const bad = [
    request(5, { mints: ["https://other.test"] }),
    request(5, { to: [{ kind: "post", target: "https://shop.test", tags: [] }] }),
    request(5, { until: one.town.now + 100 * 86_400 }),
    request(5, { key: "02".padEnd(66, "f") }),
  ];
  for (const text of bad) assert.throws(() => one.wallet.readRequest(text), fails("wallet.request_not_payable"));
  assert.throws(() => one.wallet.readRequest("cashuBabc"), fails("token.malformed"));
});

test("what was locked ahead for a shop pays there without a connection on either side", async () => {
  const one = await phone();
  await one.fill(500);
  one.rest();
  const entry = await one.wallet.lockAhead(100, "food", SHOP_KEY);
  assert.equal(one.wallet.holding("food").aside, 100);
  one.town.connect(false);
  const asked = one.wallet.readRequest(request(37));
  assert.equal(one.wallet.ways(asked).ahead, true);
  const first = await one.wallet.pay(asked);
  assert.equal(first.locked, true);
  assert.notEqual(first.number, entry.number);
  assert.deepEqual(one.wallet.activity().map(({ kind, amount }) => [kind, amount]), [["paid", 37], ["aside", 63], ["claimed", 500]]);
  const rest = await one.wallet.pay(one.wallet.readRequest(request(63)));
  assert.equal(rest.number, entry.number);
  assert.equal(one.wallet.holding("food").aside, 0);
  await assert.rejects(one.wallet.pay(one.wallet.readRequest(request(10))), fails("service.unreachable"));
});

test("a payment that was not taken comes back: a plain one at once, a locked one after its time", async () => {
  const one = await phone();
  await one.fill(500);
  one.rest();
  const plain = await one.wallet.payAmount(20, "food");
  assert.deepEqual(await one.wallet.takeBack(plain.number), { back: 20, taken: false, later: 0 });
  const locked = await one.wallet.pay(one.wallet.readRequest(request(40)));
  const answer = await one.wallet.takeBack(locked.number);
  assert.equal(answer.back, 0);
  assert.ok(answer.later > one.town.now);
  assert.deepEqual(one.wallet.activity()[0], { number: locked.number, kind: "aside", state: "later", amount: 40, unit: "food", until: answer.later });
  const again = await one.wallet.pay(one.wallet.readRequest(request(40))); // it can still be paid there
  one.town.now = answer.later + 1;
  const upkeep = await one.wallet.upkeep("food");
  assert.equal(upkeep.back, 40);
  assert.equal(one.wallet.holding("food").balance, 500);
  assert.equal(one.wallet.payment(again.number), null);
  assert.deepEqual(one.wallet.activity().map(({ state }) => state), ["back", "back", "done"]);
});

test("taking back what the shop has finds it taken, and only what is left of a code comes back", async () => {
  const one = await phone();
  await one.fill(500);
  one.rest();
  const shop = await phone(2, one.town);
  const whole = await one.wallet.payAmount(20, "food");
  await shop.wallet.receive(whole.code);
  assert.equal(await one.wallet.look(whole.number), false); // no filter, and not asked
  assert.deepEqual(await one.wallet.takeBack(whole.number), { back: 0, taken: true, later: 0 });
  const other = await one.wallet.payAmount(24, "food");
  await shop.wallet.receive(other.code, { hurry: true });
  assert.equal(await one.wallet.look(other.number, { ask: true }), true);
  const part = await one.wallet.payAmount(21, "food");
  const proofs = proofsOf(part.code);
  assert.ok(proofs.length > 1);
  await shop.purse.receive(proofs.slice(0, 1), "food", { hurry: true });
  assert.equal((await one.wallet.takeBack(part.number)).back, 21 - (proofs[0]?.amount ?? 0));
});

test("a code from somebody is added once, and a false one not at all", async () => {
  const [one, two] = [await phone(), await phone(2)];
  await one.fill(100);
  const mine = await one.wallet.payAmount(30, "food");
  const other = await phone(3, one.town);
  assert.deepEqual(await other.wallet.readCode(`https://wallet.example/#${mine.code}`), { amount: 30, unit: "food", mine: false, end: null });
  assert.equal(await other.wallet.receive(`cashu:${mine.code}`), 30);
  await assert.rejects(other.wallet.receive(mine.code), fails("token.already_spent"));
  await assert.rejects(two.wallet.receive(mine.code), fails("token.keyset_not_in_log"));
  await assert.rejects(other.wallet.readCode("hello"), fails("token.malformed"));
  const locked = await one.wallet.lockAhead(8, "food", SHOP_KEY, { hurry: true });
  assert.equal(locked.state, "later");
  const paid = await one.wallet.pay(one.wallet.readRequest(request(8)));
  await assert.rejects(other.wallet.receive(paid.code), fails("token.lock_not_open"));
  assert.equal((await one.wallet.readCode(paid.code)).mine, true);
});

test("the list says little, can be emptied, and leaves nothing of what was bought", async () => {
  const one = await phone();
  await one.fill(100);
  const payment = await one.wallet.payAmount(30, "food");
  await one.wallet.clearActivity();
  assert.deepEqual(one.wallet.activity().map(({ kind }) => kind), ["paid"]); // it waits
  await one.wallet.arrived(payment.number);
  assert.deepEqual(one.wallet.activity(), [{ number: payment.number, kind: "paid", state: "done", amount: 30, unit: "food", until: 0 }]);
  const kept = JSON.stringify(one.vault.names("").map((name) => [name, one.vault.read(name)]));
  for (const { secret } of proofsOf(payment.code)) assert.ok(!kept.includes(secret));
  await one.wallet.clearActivity();
  assert.deepEqual(one.wallet.activity(), []);
  for (let count = 0; count < 25; count++) await one.wallet.arrived((await one.wallet.payAmount(1, "food", { change: true, hurry: true })).number);
  assert.equal(one.wallet.activity().length, 20);
});

test("a lost phone's money and unclaimed aid come back from the code", async () => {
  const town = new Town(5);
  const office = new PaperOffice(town);
  const lost = await phone(5, town, office);
  await lost.fill(100);
  const paper = paperOf("unfinished", 40);
  office.papers.push(paper);
  const quote = await (async () => {
    // It asked the office to pay, and was lost before it took the coins.
    await lost.attempt(async () => lost.wallet.claim(paper, { hurry: true }), 14);
    return office.paid.get("unfinished");
  })();
  assert.ok(quote);
  const code = lost.wallet.recoveryCode();
  await lost.wallet.testRecovery(code.replaceAll(" ", "-"));
  assert.equal(lost.wallet.isRecoveryTested(), true);
  await assert.rejects(lost.wallet.testRecovery(code.replace(/^\d/, (digit) => String((Number(digit) + 1) % 10))), fails("purse.recovery_code_false"));

  const found = await phone(6, town, office);
  await found.wallet.beginRestore(code);
  assert.equal(found.wallet.isRestoring(), true);
  while (!(await found.wallet.restoreStep()).done);
  const before = found.wallet.holding("food").balance;
  assert.ok(before === 100 || before === 140);
  found.town.now += 86_400;
  const papers = await found.wallet.fetchPapers();
  await found.wallet.claim(papers[1] ?? paper, { hurry: true });
  assert.equal(found.wallet.holding("food").balance, 140);
  assert.equal(found.value(), 140);
});

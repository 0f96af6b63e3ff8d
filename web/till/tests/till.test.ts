// What a till takes, what it refuses, and what becomes of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isError } from "@amparo/cashu/errors.ts";
import { readAnyRequest } from "@amparo/cashu/nut26_request.ts";
import { allCoins } from "@amparo/purse/store.ts";
import { bigEndian, joined, numberOf, unhex, utf8 } from "@amparo/cashu/bytes.ts";
import { filterItem } from "@amparo/cashu/spent_filter.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { pointOf } from "@amparo/purse/ask.ts";

import { readEnrolment, writeEnrolment } from "../src/till_settings.ts";
import { Device } from "../../purse/tests/town.ts";
import { BAKERY, Counter, code, counter } from "./street.ts";

const fails = (name: string) => (error: unknown) => {
  assert.ok(isError(error), String(error));
  assert.equal((error as { said?: string }).said ?? error.code, name);
  return true;
};

test("an enrolment code is read as it was written, and a damaged one is refused", () => {
  const again = readEnrolment(` ${writeEnrolment(BAKERY)}\n`);
  assert.deepEqual(again, BAKERY);
  for (const bad of ["", "AMPARO-TILL:", "cashuBo2F0gaJ", writeEnrolment(BAKERY).slice(0, -9), writeEnrolment({ ...BAKERY, units: [] }), writeEnrolment({ ...BAKERY, lockKey: "12" })]) {
    assert.throws(() => readEnrolment(bad), fails("till.enrolment_code_false"));
  }
});

test("a request asks for exactly what is missing, locked to this shop", async () => {
  const { till, town } = await counter();
  await till.begin(1_170, "food");
  const request = readAnyRequest(till.sale()?.request ?? "");
  assert.equal(request.amount, 1_170);
  assert.equal(request.lock?.data, till.lockKey);
  assert.deepEqual(request.lock?.tags, [["locktime", String(town.now + 21 * 86_400)]]);
  assert.deepEqual(request.transports, []);
});

test("a locked code is taken without a connection, and stands in the till until it is deposited", async () => {
  const shop = await counter();
  shop.town.connect(false);
  await shop.till.begin(12, "food");
  const taken = await shop.till.take(code(shop.locked(8), shop.locked(4)), { online: false });
  assert.deepEqual(taken, { state: "paid", confirmed: false, amount: 12, missing: 0 });
  await shop.till.finish();
  assert.equal(shop.till.sale(), null);
  assert.deepEqual(shop.till.sales(), [{ number: 1, unit: "food", amount: 12, state: "stored" }]);
  assert.equal(shop.till.meter("food").stored, 12);
  assert.equal(shop.till.today("food").taken, 12);
  shop.town.connect(true);
  assert.equal((await shop.till.deposit("food")).deposited, 12);
  assert.deepEqual(shop.till.sales(), []);
  const day = await shop.till.closeDay("food");
  assert.deepEqual([day.sales, day.taken, day.confirmed, day.deposited, day.stored], [1, 12, 12, 12, 0]);
  assert.equal(shop.till.today("food").taken, 0);
});

test("with a connection a locked code is confirmed at once, and an unlocked one too", async () => {
  const shop = await counter();
  for (const proof of [shop.locked(8), shop.plain(8)]) {
    await shop.till.begin(8, "food");
    assert.deepEqual(await shop.till.take(code(proof), { online: true }), { state: "paid", confirmed: true, amount: 8, missing: 0 });
    await shop.till.finish();
  }
  assert.equal(shop.purse.balance("food"), 16);
  assert.equal((await shop.till.deposit("food")).deposited, 16);
});

test("several codes pay one sale, and a cancelled sale gives the codes back", async () => {
  const shop = await counter();
  await shop.till.begin(12, "food");
  const first = code(shop.locked(8));
  assert.deepEqual(await shop.till.take(first, { online: false }), { state: "partly", confirmed: false, amount: 8, missing: 4 });
  assert.equal(readAnyRequest(shop.till.sale()?.request ?? "").amount, 4);
  await assert.rejects(shop.till.take(code(shop.locked(8)), { online: false }), fails("till.wrong_amount"));
  await assert.rejects(shop.till.begin(1, "food"), fails("till.no_sale"));
  assert.deepEqual(await shop.till.cancel(), { codes: [first], refund: 0 });
  assert.equal(shop.till.meter("food").stored, 0);
  await shop.till.begin(8, "food");
  assert.equal((await shop.till.take(first, { online: false })).state, "paid"); // it is good again
});

test("what is confirmed already is refunded by a new code when a sale is cancelled", async () => {
  const shop = await counter();
  await shop.till.begin(12, "food");
  await shop.till.take(code(shop.plain(8)), { online: true });
  assert.deepEqual(await shop.till.cancel(), { codes: [], refund: 8 });
  const refund = await shop.till.refund(8, "food");
  assert.equal(refund.amount, 8);
  assert.deepEqual(shop.till.refunds(), [refund]);
  assert.equal(await shop.till.takeBackRefund(refund.number), 8);
  assert.deepEqual(shop.till.refunds(), []);
  assert.equal(shop.purse.balance("food"), 8);
});

/** A till with an open refund of 12 in several coins, and the coins that its customer has. */
async function refunded(): Promise<{ shop: Counter; number: number; given: Proof[] }> {
  const shop = await counter();
  await shop.till.begin(12, "food");
  await shop.till.take(code(shop.plain(8), shop.plain(4)), { online: true });
  await shop.till.finish();
  const { number } = await shop.till.refund(12, "food");
  const given = allCoins(shop.vault).filter(({ state }) => state === "given");
  assert.equal(given.length, 2);
  return { shop, number, given: given.map(({ proof }) => proof) };
}

test("of a refund that the customer has taken nothing comes back, and the day keeps it", async () => {
  const { shop, number, given } = await refunded();
  const customer = await new Device(shop.town).start();
  await customer.purse.receive(given, "food", { hurry: true });
  assert.equal(await shop.till.takeBackRefund(number), 0);
  assert.deepEqual(shop.till.refunds(), []);
  const day = shop.till.today("food");
  assert.deepEqual([day.refunds, day.refunded, shop.purse.balance("food"), customer.purse.balance("food")], [1, 12, 0, 12]);
});

test("of a refund that the customer has taken in part the rest comes back, and the day counts what was paid", async () => {
  const { shop, number, given } = await refunded();
  const [first] = given;
  assert.ok(first);
  const customer = await new Device(shop.town).start();
  await customer.purse.receive([first], "food", { hurry: true });
  assert.equal(await shop.till.takeBackRefund(number), 12 - first.amount);
  assert.deepEqual(shop.till.refunds(), []);
  const day = shop.till.today("food");
  assert.deepEqual([day.refunds, day.refunded, shop.purse.balance("food")], [1, first.amount, 12 - first.amount]);
});

test("what a till must refuse without a connection it refuses, and keeps nothing of it", async () => {
  const shop = await counter();
  const other = await new Counter(shop.town).start();
  const forged = { ...shop.locked(8), amount: 16 };
  const unproved = shop.locked(8);
  const cases: [string, string][] = [
    [code({ ...unproved, dleq: undefined }), "token.signature_not_proved"],
    [code({ ...forged, amount: 8, C: shop.locked(8).C }), "token.signature_not_proved"],
    [code(shop.locked(8, { key: other.till.lockKey })), "till.not_locked_to_this_shop"],
    [code(shop.plain(8)), "till.not_locked_to_this_shop"],
    [code(shop.locked(8, { until: shop.town.now + 6 * 86_400 })), "till.lock_too_short"],
    [code(shop.locked(16)), "till.wrong_amount"],
    [code(shop.locked(8, { unit: "rent" })), "token.units_differ"],
    ["cashuBnonsense", "token.malformed"],
    ["https://example.org", "token.malformed"],
  ];
  await shop.till.begin(8, "food");
  for (const [text, name] of cases) await assert.rejects(shop.till.take(text, { online: false }), fails(name));
  assert.deepEqual(allCoins(shop.vault), []);
  assert.equal(shop.till.sale()?.paid, 0);
});

test("a code counts once, also after a restart and after its deposit, and the till says when it was", async () => {
  const shop = await counter();
  const proof = shop.locked(8);
  await shop.till.begin(8, "food");
  await shop.till.take(code(proof), { online: false });
  await shop.till.finish();
  await shop.start();
  await shop.till.begin(8, "food");
  const again = async () => shop.till.take(code(proof), { online: false });
  await assert.rejects(again, (error) => fails("till.taken_before")(error) && isError(error) && error.values["at"] === shop.town.now);
  await shop.till.deposit("food");
  await shop.till.closeDay("food");
  await assert.rejects(again, (error) => fails("till.taken_before")(error) && isError(error) && error.values["at"] === 0);
});

test("the three limits hold without a connection only", async () => {
  const shop = await counter();
  await shop.till.setLimits({ perSale: 10, stored: 20, hours: 5 });
  const sell = async (amount: number, online: boolean) => {
    await shop.till.begin(amount, "food");
    const taken = await shop.till.take(code(shop.locked(amount)), { online });
    await shop.till.finish();
    return taken;
  };
  await assert.rejects(sell(16, false), fails("till.sale_too_large"));
  await sell(8, false);
  await sell(8, false);
  await assert.rejects(sell(8, false), fails("till.offline_limit"));
  assert.equal((await sell(16, true)).confirmed, true);
  await shop.till.deposit("food");
  shop.town.now += 6 * 3_600;
  await assert.rejects(sell(8, false), fails("till.alone_too_long"));
  assert.equal(shop.till.meter("food").full, 1);
});

test("a sale writes no record of the sales that are stored already", async () => {
  const shop = await counter();
  shop.town.connect(false);
  const written: number[] = [];
  for (let sale = 0; sale < 6; sale += 1) {
    const before = new Map(shop.backend.records);
    await shop.till.begin(2, "food");
    await shop.till.take(code(shop.locked(2)), { online: false });
    await shop.till.finish();
    written.push([...shop.backend.records].filter(([name, data]) => before.get(name) !== data).length);
  }
  assert.equal(written.at(-1), written.at(1));
});

test("a code that the published filter has is refused without a connection", async () => {
  const shop = await counter();
  const [spent, good] = [shop.locked(8), shop.locked(8)];
  await shop.shelf.save(`filter ${shop.town.food.id}`, filterOf(shop.town.food.id, [spent]));
  await shop.start();
  await shop.till.begin(8, "food");
  await assert.rejects(shop.till.take(code(spent), { online: false }), fails("till.spent_before"));
  assert.equal((await shop.till.take(code(good), { online: false })).state, "paid");
});

/** A published filter with these coins in it (docs/formats/spent-filter.md), small enough for one bucket. */
function filterOf(keyset: string, proofs: readonly Proof[], bits = 20): Uint8Array {
  const range = BigInt(proofs.length) << BigInt(bits);
  const numbers = proofs.map((proof) => Number((numberOf(filterItem(keyset, unhex(pointOf(proof)))) * range) >> 64n)).sort((one, two) => one - two);
  const coded = numbers.map((number, place) => {
    const step = number - (numbers[place - 1] ?? 0);
    return "1".repeat(Math.floor(step / 2 ** bits)) + "0" + (step % 2 ** bits).toString(2).padStart(bits, "0");
  });
  const text = coded.join("").replace(/$/, (_) => "1".repeat((8 - (coded.join("").length % 8)) % 8));
  const bucket = Uint8Array.from(text.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2));
  const head = [utf8("AMSF"), Uint8Array.of(1, bits), unhex(keyset), bigEndian(20_000, 4), bigEndian(proofs.length, 8), bigEndian(1, 4), bigEndian(0, 4)];
  return joined(...head, bucket);
}

test("two tills of a shop: what is shown to both is found at the deposit, and listed until somebody has seen it", async () => {
  const one = await counter();
  const two = new Counter(one.town);
  two.enrolment = readEnrolment(one.till.secondTill());
  await two.start();
  assert.equal(two.till.lockKey, one.till.lockKey);
  const proof = one.locked(8);
  for (const shop of [one, two]) {
    await shop.till.begin(8, "food");
    await shop.till.take(code(proof), { online: false });
    await shop.till.finish();
  }
  assert.equal((await one.till.deposit("food")).deposited, 8);
  assert.deepEqual(await two.till.deposit("food"), { deposited: 0, lost: 8, lostCoins: 1, pending: 0, refused: 0, ended: 0 });
  assert.deepEqual(two.till.sales().map(({ state }) => state), ["spent"]);
  await two.till.forgetSpent();
  assert.deepEqual(two.till.sales(), []);
  await two.till.begin(8, "food");
  const double = one.locked(8);
  await two.till.take(code(double), { online: true });
  await one.till.begin(8, "food");
  await assert.rejects(one.till.take(code(double), { online: true }), fails("till.spent_before"));
  assert.equal(one.till.sale()?.paid, 0);
});

test("a deposit waits, is given back or refused, and is made when the shops side takes it", async () => {
  const shop = await counter();
  await shop.till.begin(8, "food");
  await shop.till.take(code(shop.locked(8)), { online: false });
  await shop.till.finish();
  shop.town.mint.slow = true;
  assert.equal((await shop.till.deposit("food")).pending, 8);
  assert.deepEqual(shop.till.sales().map(({ state }) => state), ["waiting"]);
  for (const name of shop.town.mint.pending.keys()) shop.town.mint.settle(name, false);
  shop.town.mint.slow = false;
  assert.equal((await shop.till.deposit("food")).deposited, 8);
  assert.equal(shop.town.mint.redeemed, 8);
});

test("many stored sales are deposited in batches of a hundred coins", async () => {
  const shop = await counter();
  for (let sale = 0; sale < 26; sale++) {
    await shop.till.begin(15, "food");
    await shop.till.take(code(shop.locked(8), shop.locked(4), shop.locked(2), shop.locked(1)), { online: false });
    await shop.till.finish();
  }
  assert.equal((await shop.till.deposit("food")).deposited, 26 * 15);
  assert.equal(shop.town.mint.asked.filter((path) => path === "/v1/melt/settle").length, 2);
});

test("practice codes and real ones never count for each other, and leave no trace", async () => {
  const shop = await counter();
  await shop.till.begin(8, "food", { practice: true });
  assert.throws(() => readAnyRequest(shop.till.sale()?.request ?? ""), fails("token.malformed"));
  await assert.rejects(shop.till.take(code(shop.locked(8)), { online: true }), fails("till.practice_only"));
  const practised = shop.till.practiceCode(8, "food");
  assert.equal((await shop.till.take(practised, { online: false })).state, "paid");
  await shop.till.finish();
  assert.deepEqual(shop.till.sales(), []);
  assert.equal(shop.till.today("food").taken, 0);
  await shop.till.begin(8, "food");
  await assert.rejects(shop.till.take(practised, { online: true }), fails("till.practice_code"));
});

test("a batch of vouchers counts the good ones and lists the others", async () => {
  const shop = await counter();
  const good = [shop.plain(8), shop.plain(4)];
  const spent = shop.plain(2);
  await shop.purse.receive([spent], "food");
  await shop.till.begin(1, "food");
  const taken = shop.plain(1);
  await shop.till.take(code(taken), { online: true });
  await shop.till.finish();
  for (const proof of [...good, spent, good[0] ?? spent, taken]) await shop.till.addVoucher(code(proof), "food");
  await shop.till.addVoucher("cashuBwhatever", "food");
  assert.equal(shop.till.batch().sum, 14);
  const batch = await shop.till.finishBatch("food");
  assert.equal(batch.sum, 12);
  assert.deepEqual(batch.bad.map(({ reason }) => reason).sort(), ["false", "spent", "taken", "twice"]);
  assert.deepEqual(await shop.till.finishBatch("food"), batch); // again: nothing more
  const day = shop.till.today("food");
  assert.deepEqual([day.vouchers, day.taken, day.sales], [12, 13, 2]);
});

test("a request to be paid counts once, whatever happens to its answer", async () => {
  const shop = await counter();
  for (let step = 1; step < 9; step++) await shop.attempt(async () => shop.till.askSettlement("food", 500), step);
  await shop.till.askSettlement("food", 500);
  const counts = [...shop.desk.claims.values()];
  assert.ok(counts.every((amount) => amount === 500));
  await assert.rejects(shop.till.askSettlement("food", 5_000), fails("shops.claim_exceeds_deposits"));
  shop.desk.away = true;
  await assert.rejects(shop.till.askSettlement("food", 300), fails("service.unreachable"));
  shop.desk.away = false;
  const before = shop.desk.claims.size;
  await shop.till.askSettlement("food", 300);
  assert.equal(shop.desk.claims.size, before + 1);
  assert.equal(shop.till.lastStanding("food")?.at, shop.town.now);
});

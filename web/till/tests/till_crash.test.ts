// T9 at the till: wherever it dies, what was taken is there once, and what was deposited was deposited once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isError } from "@amparo/cashu/errors.ts";
import type { Proof } from "@amparo/cashu/wire.ts";
import { pointOf } from "@amparo/purse/ask.ts";
import { coin, coins, engage } from "@amparo/purse/store.ts";

import { type Counter, code, counter } from "./street.ts";

type Story = (shop: Counter) => Promise<() => Promise<unknown>>;

const sale = (amount: number, online: boolean, plain: boolean): Story => async (shop) => {
  const shown = code(plain ? shop.plain(amount) : shop.locked(amount));
  await shop.till.begin(amount, "food");
  return async () => {
    if (shop.till.sale()?.paid === amount) return;
    await shop.till.take(shown, { online });
  };
};

const STORIES: Record<string, Story> = {
  "a locked code without a connection": sale(8, false, false),
  "a locked code with a connection": sale(8, true, false),
  "an unlocked code": sale(8, true, true),
};

for (const [name, story] of Object.entries(STORIES)) {
  test(`${name} counts once, wherever the till dies`, async () => {
    let lived = false;
    for (let deaths = 1; !lived; deaths++) {
      const shop = await counter(deaths);
      const work = await story(shop);
      lived = await shop.attempt(work, deaths);
      await work(); // the customer shows it again, if it does not count yet
      assert.equal(shop.till.sale()?.paid, 8, `died at step ${deaths}`);
      assert.equal(shop.till.sale()?.taken?.state, "paid", `died at step ${deaths}: it is not shown as paid`);
      assert.equal(shop.waiting, 0);
      await shop.till.finish();
      assert.equal(shop.value(), 8);
      await shop.till.deposit("food");
      assert.equal(shop.town.mint.redeemed, 8, `died at step ${deaths}`);
      assert.deepEqual(shop.till.sales(), []);
      const day = shop.till.today("food");
      assert.deepEqual([day.sales, day.taken, day.confirmed, day.deposited], [1, 8, 8, 8], `died at step ${deaths}`);
    }
  });
}

for (const slow of [false, true]) {
  test(`a deposit is made once, wherever the till dies (waits: ${slow})`, async () => {
    let lived = false;
    for (let deaths = 1; !lived; deaths++) {
      const shop = await counter(deaths);
      for (const proof of [shop.locked(8), shop.locked(4)]) {
        await shop.till.begin(proof.amount, "food");
        await shop.till.take(code(proof), { online: false });
        await shop.till.finish();
      }
      await shop.till.begin(2, "food");
      await shop.till.take(code(shop.plain(2)), { online: true });
      await shop.till.finish();
      shop.town.mint.slow = slow;
      lived = await shop.attempt(async () => shop.till.deposit("food"), deaths);
      for (const name of [...shop.town.mint.pending.keys()]) shop.town.mint.settle(name, true);
      shop.town.mint.slow = false;
      await shop.till.deposit("food");
      assert.equal(shop.town.mint.redeemed, 14, `died at step ${deaths}`);
      assert.equal(shop.value(), 0);
      const day = shop.till.today("food");
      assert.deepEqual([day.taken, day.confirmed, day.deposited, day.lost], [14, 14, 14, 0], `died at step ${deaths}`);
    }
  });
}

test("a batch of vouchers counts once, wherever the till dies, when the paper is scanned again", async () => {
  let lived = false;
  for (let deaths = 1; !lived; deaths++) {
    const shop = await counter(deaths);
    const papers = [code(shop.plain(8)), code(shop.plain(4))];
    const scan = async () => {
      for (const paper of papers) await shop.till.addVoucher(paper, "food");
      return shop.till.finishBatch("food");
    };
    lived = await shop.attempt(scan, deaths);
    if (!lived) await scan();
    assert.equal(shop.purse.balance("food"), 12, `died at step ${deaths}`);
    assert.equal(shop.till.today("food").vouchers, 12);
  }
});

test("a refund leaves the till once, wherever it dies, and its code can be shown again", async () => {
  let lived = false;
  for (let deaths = 1; !lived; deaths++) {
    const shop = await counter(deaths);
    await shop.till.begin(16, "food");
    await shop.till.take(code(shop.locked(16)), { online: false });
    await shop.till.finish();
    lived = await shop.attempt(async () => shop.till.refund(3, "food"), deaths);
    if (shop.till.refunds().length === 0) await shop.till.refund(3, "food");
    const [refund] = shop.till.refunds();
    assert.equal(refund?.amount, 3);
    assert.equal(shop.till.refunds().length, 1);
    await shop.till.deposit("food");
    assert.equal(shop.town.mint.redeemed, 13, `died at step ${deaths}`);
    assert.equal(shop.value(), 3); // until the customer has it
    await shop.till.refundArrived(refund?.number ?? 0);
    assert.equal(shop.value(), 0);
  }
});

test("a refund that nobody took comes back once and leaves the day, wherever the till dies", async () => {
  let lived = false;
  for (let deaths = 1; !lived; deaths++) {
    const shop = await counter(deaths);
    await shop.till.begin(8, "food");
    await shop.till.take(code(shop.plain(8)), { online: true });
    await shop.till.finish();
    const { number } = await shop.till.refund(8, "food");
    lived = await shop.attempt(async () => shop.till.takeBackRefund(number), deaths);
    if (shop.till.refunds().length > 0) assert.equal(await shop.till.takeBackRefund(number), 8);
    const day = shop.till.today("food");
    assert.deepEqual([shop.till.refunds(), shop.purse.balance("food"), day.refunds, day.refunded], [[], 8, 0, 0], `died at step ${deaths}`);
  }
});

test("while an answer is not there a refund is not asked back once more", async () => {
  const shop = await counter();
  await shop.till.begin(8, "food");
  await shop.till.take(code(shop.plain(8)), { online: true });
  await shop.till.finish();
  const { number } = await shop.till.refund(8, "food");
  const kept = coins(shop.vault, "food", "given");
  await shop.vault.change((draft) => engage(draft, { spends: kept.map(({ proof }) => proof.secret), given: true }));
  await assert.rejects(shop.till.takeBackRefund(number), (error: unknown) => isError(error, "purse.coins_busy"));
});

test("random days with deaths keep every cent", async () => {
  for (let seed = 1; seed <= 2; seed++) await randomDay(seed);
});

async function randomDay(seed: number): Promise<void> {
  const shop = await counter(seed);
  const { chance } = shop.town;
  const made: Proof[] = [];
  // Codes of which the till has said that they count, until the sale is cancelled.
  let counted: { sale: number; proof: Proof }[] = [];
  let shown: Proof | null = null;
  for (let round = 0; round < 60; round++) {
    const open = shop.till.sale();
    const act = chance.between(0, 5);
    const work = async (): Promise<void> => {
      if (open === null) {
        await shop.till.begin(chance.between(1, 3) * 4, "food");
      } else if (open.paid === open.amount) {
        await shop.till.finish();
      } else if (act === 0 && !shown) {
        counted = counted.filter(({ sale }) => sale !== open.number);
        await shop.till.cancel();
      } else if (act === 1) {
        await shop.till.deposit("food");
      } else {
        if (!shown) made.push((shown = chance.between(0, 1) ? shop.locked(4) : shop.plain(4)));
        const proof = shown;
        const taken = await shop.till.take(code(proof), { online: chance.between(0, 2) > 0 });
        if (taken.state !== "unknown") counted.push({ sale: open.number, proof });
        shown = null;
      }
    };
    try {
      await shop.attempt(work, chance.between(0, 1) ? chance.between(1, 12) : null);
    } catch (error) {
      if (!isError(error)) throw error;
      if (error.code === "till.taken_before") shown = null;
    }
    await shop.recover();
    const isHere = (proof: Proof) => coin(shop.vault, proof.secret) !== undefined;
    const isSpent = (proof: Proof) => shop.town.mint.stateOf(pointOf(proof)) === "SPENT";
    const outside = made.filter((proof) => !isHere(proof) && !isSpent(proof)).length * 4;
    // What is neither in the till nor with the shops side is still good in the customers' hands, cent by cent.
    assert.equal(shop.town.mint.issued, outside + shop.value() + shop.town.mint.redeemed, `seed ${seed}, round ${round}`);
    for (const { proof } of counted) assert.ok(isHere(proof) || isSpent(proof), `seed ${seed}, round ${round}: a code that counted is gone`);
  }
  await shop.till.deposit("food");
  assert.equal(shop.value(), 0);
  assert.ok(shop.town.mint.redeemed >= 20, `seed ${seed}: ${shop.town.mint.redeemed}`);
}

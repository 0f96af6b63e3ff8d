// T9: a device that dies at any commit or request, or whose answers are lost or come twice, loses and doubles no coin.

import assert from "node:assert/strict";
import { test } from "node:test";

import { generatorTimes, showPoint } from "@amparo/cashu/curve.ts";
import { isError } from "@amparo/cashu/errors.ts";
import { readLock, signLock } from "@amparo/cashu/nut10_secret.ts";
import type { LockTo } from "@amparo/cashu/outputs.ts";
import type { MeltQuote } from "@amparo/cashu/wire.ts";
import { readMeltQuote } from "@amparo/cashu/wire.ts";

import * as claiming from "../src/claiming.ts";
import { RemoteError } from "../src/client.ts";
import { recoveryCode } from "../src/recovery.ts";
import { redeem } from "../src/redeeming.ts";
import { Restorer } from "../src/restore.ts";
import { allCoins, coins, dropCoins } from "../src/store.ts";
import { REST, renew, resplit } from "../src/upkeep.ts";
import { Device, NOON, Town, type Wire, paidQuote } from "./town.ts";

const AMOUNT = 41;
const REFUND = new Uint8Array(32).fill(3);
const SHOP = new Uint8Array(32).fill(2);
const LOCK: LockTo = { key: showPoint(generatorTimes(SHOP)), locktime: NOON - 1, refund: showPoint(generatorTimes(REFUND)) };
type Story = (device: Device) => Promise<() => Promise<unknown>>;

async function filled(device: Device): Promise<void> {
  await claiming.claim(device.purse, await paidQuote(device, AMOUNT), { quietUntil: NOON - 1 });
}

const claim: Story = async (device) => {
  const quote = await paidQuote(device, AMOUNT);
  return async () => claiming.claim(device.purse, quote);
};

const receive: Story = async (device) => {
  await filled(device);
  const proofs = device.purse.coins("food").map(({ proof }) => proof);
  await device.vault.change((draft) => dropCoins(draft, proofs.map(({ secret }) => secret)));
  return async () => device.purse.receive(proofs, "food");
};

const exact: Story = async (device) => {
  await device.purse.receive([device.town.food.coin(32), device.town.food.coin(8), device.town.food.coin(1)], "food");
  return async () => device.purse.makeExact(7, "food");
};

const lock: Story = async (device) => {
  await filled(device);
  return async () => claiming.lock(device.purse, 20, "food", LOCK, "a", { spread: true });
};

/** Brings back what was locked and whose time has passed, one request for each lock. */
async function takeBackAll(device: Device): Promise<void> {
  const locked = [...device.purse.coins("food", "held"), ...device.purse.coins("food", "given")].filter(({ proof }) => readLock(proof.secret));
  for (const label of new Set(locked.map((each) => each.label))) {
    const proofs = locked.filter((each) => each.label === label).map(({ proof }) => signLock(proof, REFUND));
    await device.purse.bringBack(proofs, "food");
  }
}

const takeBack: Story = async (device) => {
  await filled(device);
  for (const label of ["a", "b"]) await claiming.lock(device.purse, 12, "food", LOCK, label);
  await device.purse.hand((reader) => coins(reader, "food", "held", "b"), () => undefined);
  return async () => takeBackAll(device);
};

const takeBackGiven: Story = async (device) => {
  await filled(device);
  const given = await device.purse.hand((reader) => device.purse.exactly(device.purse.spendable("food", 20, false, reader), 20), (_, chosen) => chosen);
  return async () => device.purse.bringBack(given.map(({ proof }) => proof), "food");
};

const breaking: Story = async (device) => {
  await device.purse.receive([device.town.food.coin(32), device.town.food.coin(8), device.town.food.coin(1)], "food");
  device.town.now = NOON + REST[1];
  return async () => resplit(device.purse, "food");
};

const renewal: Story = async (device) => {
  const old = device.town.mint.rotate("food", { ends: NOON + 10 * 86_400 });
  await device.purse.receive([old.coin(32), old.coin(8), old.coin(1)], "food");
  device.town.mint.rotate("food", { ends: NOON + 100 * 86_400 });
  return async () => renew(device.purse, "food");
};

const STORIES: Record<string, Story> = { claim, receive, exact, lock, takeBack, takeBackGiven, breaking, renewal };

function forgotten(device: Device, work: () => Promise<unknown>): () => Promise<unknown> {
  return async () => {
    try {
      await work();
    } finally {
      device.town.mint.served.clear();
    }
  };
}

async function diesEverywhere(story: Story, wire: Wire, remembers: boolean): Promise<void> {
  let lived = false;
  let deaths = 0;
  let notBegun = 0;
  while (!lived) {
    deaths += 1;
    const device = await new Town(deaths).device();
    const work = await story(device);
    device.wire = wire;
    lived = await device.attempt(remembers ? work : forgotten(device, work), deaths);
    assert.equal(device.waiting, 0, `died at step ${deaths}`);
    if (device.value() !== AMOUNT) {
      notBegun += 1;
      assert.equal(device.value(), 0, `died at step ${deaths}`); // the quote, or the code that was handed over, is still good
      await work();
    }
    assert.equal(device.value(), AMOUNT, `died at step ${deaths}`);
    assert.equal(allCoins(device.vault).filter((coin) => coin.busy).length, 0);
  }
  assert.ok(deaths > 8, `only ${deaths} steps`);
  assert.ok(notBegun < deaths);
}

for (const [name, story] of Object.entries(STORIES)) {
  test(`a device that dies at any step of ${name} has everything or nothing, and the next try has everything`, async () => diesEverywhere(story, "once", true));
  test(`the same for ${name} where the mint forgot its answers`, async () => diesEverywhere(story, "once", false));
}

for (const name of ["claim", "receive", "lock"] as const) {
  test(`the same for ${name} where every request arrives twice`, async () => diesEverywhere(STORIES[name] as Story, "doubled", true));
}

async function depositQuote(device: Device, amount: number): Promise<MeltQuote> {
  return device.client().post("/v1/melt/quote/settle", { request: "shop", unit: "food", amount }, readMeltQuote);
}

for (const [slow, paid] of [[false, true], [true, true], [true, false]] as const) {
  test(`a deposit cut off at any step is made once or given back whole (waits: ${slow}, paid: ${paid})`, async () => {
    let lived = false;
    for (let deaths = 1; !lived; deaths++) {
      const device = await new Town(deaths).device();
      device.town.mint.slow = slow;
      await filled(device);
      const proofs = device.purse.coins("food").map(({ proof }) => proof);
      const quote = await depositQuote(device, AMOUNT);
      lived = await device.attempt(async () => redeem(device.purse, quote, proofs), deaths);
      for (const name of device.town.mint.pending.keys()) device.town.mint.settle(name, paid);
      await device.purse.recover();
      assert.equal(device.waiting, 0);
      const isGone = device.town.mint.redeemed === AMOUNT;
      assert.equal(device.value(), isGone ? 0 : AMOUNT, `died at step ${deaths}`);
      assert.equal(store(device), isGone ? 0 : AMOUNT);
    }
  });
}

const store = (device: Device) => device.purse.balance("food");

test("a lost phone's money is brought back whole, wherever the restoring dies", async () => {
  const town = new Town(7);
  const old = await town.device();
  await filled(old);
  const code = recoveryCode(old.purse);
  const device = await town.device();
  const restorer = () => new Restorer(device.purse, { manner: { numbers: [8, 24], outputs: 32, points: 4, pause: 1 } });
  await restorer().begin(code, { gap: 20 });
  let steps = 0;
  for (let done = false; !done; steps++) {
    // A death at another step of every piece of work; then the work goes on.
    await device.attempt(async () => (done = (await restorer().step()).done), 1 + (steps % 9));
    assert.ok(steps < 2_000);
  }
  assert.equal(device.purse.balance("food"), AMOUNT);
  assert.equal(device.value(), AMOUNT);
  assert.equal(device.waiting, 0);
});

test("a phone that restores its own code goes on with numbers that were never used", async () => {
  const town = new Town(8);
  const old = await town.device();
  await filled(old);
  const device = await town.device();
  const restorer = new Restorer(device.purse, { manner: { numbers: [30, 60], outputs: 32, points: 2, pause: 0 } });
  await restorer.begin(recoveryCode(old.purse), { keepCode: true, gap: 20 });
  await assert.rejects(device.purse.receive([town.food.coin(1)], "food"), (error) => isError(error, "purse.restore_unfinished"));
  while (!(await restorer.step()).done);
  await device.purse.receive([town.food.coin(1)], "food");
  assert.equal(device.purse.balance("food"), AMOUNT + 1);
});

test("a random life of claims, payments, receipts and deaths keeps every cent", async () => {
  for (let seed = 1; seed <= 3; seed++) await randomLife(seed);
});

async function randomLife(seed: number): Promise<void> {
  const town = new Town(seed);
  const [one, two] = [await town.device(), await town.device()];
  const table: string[][] = []; // codes that were handed over and not taken yet, as secrets
  const unpaid: Awaited<ReturnType<typeof paidQuote>>[] = [];
  const acts: ((device: Device, other: Device) => Promise<unknown>)[] = [
    async (device) => unpaid.push(await paidQuote(device, town.chance.between(1, 60))),
    async (device) => {
      const quote = unpaid[0];
      if (!quote) return;
      await claiming.claim(device.purse, quote, { quietUntil: NOON - 1 });
      unpaid.shift();
    },
    async (device) => device.purse.makeExact(town.chance.between(1, 30), "food"),
    async (device) => claiming.lock(device.purse, town.chance.between(1, 20), "food", LOCK, `l${table.length}`),
    takeBackAll,
    async (device, other) => {
      const amount = town.chance.between(1, 25);
      const given = await device.purse.hand((reader) => device.purse.exactly(device.purse.spendable("food", amount, false, reader), amount), (_, chosen) => chosen.map(({ proof }) => proof));
      table.push(given.map(({ secret }) => secret));
      await other.purse.receive(given, "food");
    },
    async (device) => {
      const [coin] = device.purse.coins("food");
      if (!coin) return;
      await redeem(device.purse, await depositQuote(device, coin.proof.amount), [coin.proof]);
    },
  ];
  for (let round = 0; round < 40; round++) {
    const [device, other] = town.chance.between(0, 1) ? [one, two] : [two, one];
    const act = acts[town.chance.between(0, acts.length - 1)];
    const dies = town.chance.between(0, 2) ? town.chance.between(1, 14) : null;
    try {
      await device.attempt(async () => act?.(device, other), dies);
    } catch (error) {
      if (!isError(error) || (error instanceof RemoteError && !["20002", "11001"].includes(error.remoteCode))) throw error;
    }
    for (const each of [one, two]) await each.recover();
    // A coin that one has given and the other has not taken yet is worth something in one place only.
    assert.equal(one.value() + two.value() + town.mint.redeemed, town.mint.issued, `seed ${seed}, round ${round}`);
    assert.equal(one.waiting + two.waiting, 0);
  }
  assert.ok(town.mint.issued > 0 && town.mint.redeemed > 0, `seed ${seed} did too little`);
}

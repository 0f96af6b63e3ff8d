// What a purse does when the mint says no: nothing that was done is undone, nothing is tried without end, and no refusal costs money
// later.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AmparoError } from "@amparo/cashu/errors.ts";

import { claim } from "../src/claiming.ts";
import { Client, type Fetch } from "../src/client.ts";
import { Purse } from "../src/purse.ts";
import { recoveryCode } from "../src/recovery.ts";
import { redeem } from "../src/redeeming.ts";
import { Restorer } from "../src/restore.ts";
import { allCoins, counter, journal } from "../src/store.ts";
import { type Device, MINT, NOON, Town, paidQuote } from "./town.ts";

const UNIT = "food";
const WANTS = () => Response.json({ detail: "no token", code: 31001, error: "token.blind_auth_missing" }, { status: 400 });
const SLOW = () => Response.json({ detail: "slow", code: 10000, error: "mint.request_too_slow" }, { status: 408 });
const NO = () => Response.json({ detail: "no", code: 12001 }, { status: 400 });

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => (error instanceof AmparoError ? error.code : String(error)),
  );

/** A device with a coin of each of these amounts. */
async function holder(town: Town, amount: number): Promise<Device> {
  const device = await town.device();
  await claim(device.purse, await paidQuote(device, amount), { quietUntil: NOON - 1 });
  return device;
}

/** The purse of a device by another way to the mint, on which requests are sent again for a while. */
async function purseBy(device: Device, fetch: Fetch): Promise<Purse> {
  const { town, vault } = device;
  return Purse.open({ vault, mint: new Client(MINT, { fetch }), log: town.log, now: () => town.now, chance: town.chance });
}

/** A way on which the first sending to `path` is carried out and its answer lost, and the second one is answered by `then`. */
function lossy({ mint }: Town, path: string, then: () => Response): Fetch {
  let sent = 0;
  return async (url, init) => {
    if (!url.endsWith(path)) return mint.fetch(url, init);
    sent += 1;
    if (sent > 1) return then();
    await mint.fetch(url, init);
    throw new TypeError("connection reset");
  };
}

for (const [how, answer] of [["refused", NO], ["too slow", SLOW], ["for want of a token", WANTS]] as const) {
  test(`an exchange that was done is kept, though its second sending was ${how}`, async () => {
    const device = await holder(new Town(3), 64);
    const purse = await purseBy(device, lossy(device.town, "/v1/swap", answer));
    const [coin] = purse.coins(UNIT);
    assert.ok(coin);
    await codeOf(purse.exchange([coin.proof], [coin.proof.amount], UNIT));
    await device.recover();
    assert.deepEqual([journal(device.vault).length, device.value()], [0, 64]);
  });

  test(`a claim that was done is kept, though its second sending was ${how}`, async () => {
    const device = await new Town(3).device();
    const quote = await paidQuote(device, 64);
    await codeOf(claim(await purseBy(device, lossy(device.town, "/v1/mint/benefit", answer)), quote));
    await device.recover();
    assert.deepEqual([journal(device.vault).length, device.value()], [0, 64]);
  });

  test(`a deposit that was done is done, though its second sending was ${how}`, async () => {
    const device = await holder(new Town(3), 64);
    const asked = await device.town.mint.fetch(`${MINT}/v1/melt/quote/settle`, { body: JSON.stringify({ request: "shop", unit: UNIT, amount: 64 }) });
    const purse = await purseBy(device, lossy(device.town, "/v1/melt/settle", answer));
    await codeOf(redeem(purse, await asked.json(), purse.coins(UNIT).map(({ proof }) => proof)));
    await device.recover();
    assert.deepEqual([journal(device.vault).length, allCoins(device.vault).length, device.town.mint.redeemed], [0, 0, 64]);
  });
}

test("an exchange that was done waits, while the mint answers nothing for want of a token", async () => {
  const device = await holder(new Town(3), 64);
  const swap = lossy(device.town, "/v1/swap", WANTS);
  const purse = await purseBy(device, async (url, init) => (url.endsWith("/v1/restore") ? WANTS() : swap(url, init)));
  const [coin] = purse.coins(UNIT);
  assert.ok(coin);
  assert.equal(await codeOf(purse.exchange([coin.proof], [coin.proof.amount], UNIT)), "service.remote_error");
  // The coin is spent: it must not look as if it could be paid.
  assert.deepEqual([journal(device.vault).length, purse.balance(UNIT)], [1, 64 - coin.proof.amount]);
  await device.recover();
  assert.deepEqual([journal(device.vault).length, device.value()], [0, 64]);
});

test("what the mint refuses and has not done is undone at once", async () => {
  const device = await holder(new Town(3), 64);
  const { town } = device;
  const purse = await purseBy(device, async (url, init) => (url.endsWith("/v1/swap") ? NO() : town.mint.fetch(url, init)));
  const [coin] = purse.coins(UNIT);
  assert.ok(coin);
  assert.equal(await codeOf(purse.exchange([coin.proof], [coin.proof.amount], UNIT)), "service.remote_error");
  assert.deepEqual([journal(device.vault).length, purse.balance(UNIT)], [0, 64]);
});

test("a coin that is handed over after it was chosen is not exchanged; brought back it is", async () => {
  const device = await holder(new Town(2), 64);
  const { purse } = device;
  const [coin] = purse.coins(UNIT);
  assert.ok(coin);
  const exchange = codeOf(purse.exchange([coin.proof], [coin.proof.amount], UNIT));
  await purse.hand(() => [coin], () => undefined);
  assert.equal(await exchange, "purse.coins_busy");
  assert.equal(purse.balance(UNIT, "given"), coin.proof.amount);
  assert.equal(await purse.bringBack([coin.proof], UNIT), coin.proof.amount);
  assert.equal(device.value(), 64);
});

test("a mint that names a keyset and refuses it all the same is asked once more, not for ever, and what was received stays", async () => {
  const town = new Town(4);
  const device = await town.device();
  let asked = 0;
  const purse = await purseBy(device, async (url, init) => {
    if (!url.endsWith("/v1/swap")) return town.mint.fetch(url, init);
    asked += 1;
    if (asked > 20) throw new Error("asked without end");
    return asked === 1 ? new Response("a hot spot's page", { status: 404 }) : Response.json({ detail: "no", code: 12002 }, { status: 400 });
  });
  assert.equal(await codeOf(purse.receive([town.food.coin(8)], UNIT)), "service.remote_error");
  for (const turn of [1, 2]) {
    assert.equal(await codeOf(purse.recover()), "service.remote_error");
    assert.deepEqual([asked, journal(device.vault).length, counter(device.vault, town.food.id)], [1 + turn, 1, 1]);
  }
  // Another keyset signs now, and the mint keeps its word.
  town.mint.rotate(UNIT);
  await device.recover();
  assert.deepEqual([journal(device.vault).length, device.value()], [0, 8]);
});

test("however often a claim is refused, the recovery code finds its coins", async () => {
  const town = new Town(1);
  const old = await town.device();
  const quote = await paidQuote(old, 6000);
  const known = town.mint.quotes.get(quote.quote);
  assert.ok(known);
  town.mint.quotes.set(quote.quote, { ...known, amount_paid: 0 });
  for (let turn = 0; turn < 20; turn += 1) assert.equal(await codeOf(claim(old.purse, quote)), "service.remote_error");
  town.mint.pay(quote.quote);
  await claim(old.purse, quote, { quietUntil: NOON - 1 });
  assert.equal(old.vault.names("refused/").length, 0);
  const fresh = await town.device();
  const restorer = new Restorer(fresh.purse);
  await restorer.begin(recoveryCode(old.purse));
  while (!(await restorer.step()).done);
  assert.equal(fresh.purse.balance(UNIT), 6000);
});

test("a restoring does not ask for access tokens, which the mint restores none of", async () => {
  const town = new Town(1);
  const old = await holder(town, 64);
  const access = town.mint.rotate("auth").id;
  const fresh = await town.device();
  const strict: Fetch = async (url, init) => (url.endsWith("/v1/restore") && String(init.body).includes(access) ? NO() : town.mint.fetch(url, init));
  const purse = await purseBy(fresh, strict);
  const restorer = new Restorer(purse);
  await restorer.begin(recoveryCode(old.purse));
  while (!(await restorer.step()).done);
  assert.equal(purse.balance(UNIT), 64);
});

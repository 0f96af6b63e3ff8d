// In a page of its own: ten locked coins checked with the till's own code, and a till with 500 sales in the browser's database, 72 simulated
// hours without a connection. Town, mint and log are the tests' on paper; vault, till and database are the app's own. Bundled and driven by
// phones_store.mjs.
import { FilterShelf } from "@amparo/purse/filters.ts";
import { IndexedDbBackend, localWitness } from "@amparo/purse/backend.ts";
import { Client } from "@amparo/purse/client.ts";
import { Vault } from "@amparo/purse/vault.ts";
import { writeLock } from "@amparo/cashu/nut10_secret.ts";
import { hex } from "@amparo/cashu/bytes.ts";
import { NOON, Town } from "../web/purse/tests/town.ts";
import { BAKERY, code } from "../web/till/tests/street.ts";
import { Till } from "../web/till/src/till.ts";
import { Taking } from "../web/till/src/till_taking.ts";

const NAME = "bench-till";
const HOUR = 3_600;
const UNIT = "food";
const REFUND = `02${"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"}`;
// Two coins: 2.56 and 1.28; 500 of them are within the till's own limit.
const SALE = [256, 128];

const town = new Town();
let vault;
let till;
let filters;

/** Opens the till on what the browser's database holds; milliseconds. */
async function open() {
  const began = performance.now();
  const backend = await IndexedDbBackend.open(NAME);
  vault = await Vault.open({ backend, name: NAME, witness: localWitness(NAME), locks: navigator.locks });
  filters = await FilterShelf.open(backend.shelf);
  const nowhere = { fetch: async () => Promise.reject(new TypeError("away")), patience: 0 };
  const parts = { vault, mint: new Client(BAKERY.mint, nowhere), shops: new Client(BAKERY.shops, nowhere), log: town.log, filters, now: () => town.now };
  till = await Till.open(parts, vault.read("till") ? null : BAKERY);
  return performance.now() - began;
}

/** A coin locked to this till, as a customer's wallet got it from the mint. */
function locked(amount) {
  const nonce = hex(crypto.getRandomValues(new Uint8Array(32)));
  return town.food.coin(amount, writeLock(nonce, till.lockKey, { locktime: NOON + 21 * 24 * HOUR, refund: REFUND }));
}

/** Ten locked coins in one code, checked `samples` times as before they are stored; milliseconds each. */
async function verify(samples) {
  const taking = new Taking({ purse: till.purse, filters, lockKey: till.lockKey, open: (proof) => proof, limits: () => BAKERY.limits });
  const codes = Array.from({ length: samples }, () => code(...Array.from({ length: 10 }, (_, power) => locked(2 ** power))));
  const spent = [];
  for (const each of codes) {
    const began = performance.now();
    const offered = taking.read(each);
    if (!taking.isLocked(offered)) throw new Error("the coins are not locked");
    await taking.check(offered, UNIT);
    spent.push(performance.now() - began);
  }
  return spent;
}

let ready = [];

/** Makes the codes of so many sales ahead. */
function prepare(count) {
  ready = Array.from({ length: count }, () => code(...SALE.map(locked)));
}

/** Takes the prepared codes one sale after the other, each `step` seconds later; milliseconds of each, from begun to closed. */
async function sell(step) {
  const amount = SALE.reduce((sum, each) => sum + each);
  const spent = [];
  for (const each of ready) {
    town.now += step;
    const began = performance.now();
    await till.begin(amount, UNIT);
    const { state } = await till.take(each, { online: false });
    await till.finish();
    spent.push(performance.now() - began);
    if (state !== "paid") throw new Error(`a sale is ${state}`);
  }
  return spent;
}

/** Moves the clock to where an earlier page left it. */
function goOn(now) {
  town.now = now;
}

/** What is stored: sales, hours without a connection, bytes of the records, and what the browser says that they take on the disk. */
async function stored() {
  const { sales, hoursAlone } = till.meter(UNIT);
  const database = await new Promise((done, fail) => {
    const asked = indexedDB.open(NAME);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  const records = await new Promise((done, fail) => {
    const asked = database.transaction("records").objectStore("records").getAll();
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
  });
  database.close();
  const { usage } = await navigator.storage.estimate();
  return { sales, hours: hoursAlone, records: records.length, bytes: records.reduce((sum, each) => sum + each.byteLength, 0), disk: usage ?? 0, now: town.now };
}

globalThis.bench = { open, verify, prepare, sell, goOn, stored };

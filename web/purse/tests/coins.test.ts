// Which coins are held, paid with and broken: as in Python, and good enough to pay exactly without a connection.

import assert from "node:assert/strict";
import { test } from "node:test";

import { broken, coinToBreak, exactChoice, nearAmounts, targetCoins } from "../src/coins.ts";
import { seededChance } from "./town.ts";

const DENOMINATIONS = Array.from({ length: 14 }, (_, power) => 2 ** power);
const sum = (coins: readonly number[]) => coins.reduce((total, coin) => total + coin, 0);

test("the target set of a balance is what Python's is", () => {
  // python -c "from amparo_purse.coins import *; ..." on the same figures
  assert.deepEqual(targetCoins(41, DENOMINATIONS), [1, 1, 1, 2, 2, 2, 4, 4, 4, 4, 8, 8]);
  assert.deepEqual(targetCoins(0, DENOMINATIONS), []);
  assert.deepEqual(broken(8), [1, 1, 2, 4]);
  assert.equal(coinToBreak([64, 8]), 64);
  assert.equal(coinToBreak(targetCoins(500, DENOMINATIONS)), null);
});

test("a spread claim pays at least 99 of 100 amounts up to half of it exactly, twice in a row", () => {
  const chance = seededChance(1);
  let good = 0;
  for (let trial = 0; trial < 2_000; trial++) {
    const held = targetCoins(chance.between(200, 50_000), DENOMINATIONS);
    const amount = chance.between(1, Math.floor(sum(held) / 2));
    const chosen = exactChoice(held, amount);
    if (chosen && sum(chosen.map((place) => held[place] ?? 0)) === amount) good += 1;
  }
  assert.ok(good >= 1_980, `${good} of 2000`);
});

test("what is said to be payable instead is the nearest that is", () => {
  const chance = seededChance(2);
  for (let trial = 0; trial < 300; trial++) {
    const held = Array.from({ length: chance.between(1, 7) }, () => 2 ** chance.between(0, 6));
    const amount = chance.between(1, 80);
    const sums = new Set<number>();
    for (let set = 1; set < 2 ** held.length; set++) sums.add(sum(held.filter((_, place) => set & (2 ** place))));
    assert.equal(exactChoice(held, amount) !== null, sums.has(amount));
    if (sums.has(amount)) continue;
    const below = [...sums].filter((each) => each < amount);
    const above = [...sums].filter((each) => each > amount);
    assert.deepEqual(nearAmounts(held, amount), { below: below.length > 0 ? Math.max(...below) : null, above: above.length > 0 ? Math.min(...above) : null }, `${held} for ${amount}`);
  }
});

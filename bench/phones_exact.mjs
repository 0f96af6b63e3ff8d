// How many exact amounts the phone's own choice of coins can pay without a connection: the simulation of offline.py, with coins.ts.
// Reads { trials, seed } from standard input.
import { readFileSync } from "node:fs";
import { splitAmount } from "../web/cashu/src/nut00_blind.ts";
import { coinToBreak, broken, exactChoice, targetCoins } from "../web/purse/src/coins.ts";

const { trials, seed } = JSON.parse(readFileSync(0, "utf8"));
const DENOMINATIONS = Array.from({ length: 14 }, (_, power) => 2 ** power);
const [LEAST, MOST] = [200, 50_000];
const RATIOS = [2, 1.5];

let state = seed >>> 0;
/** A whole number from `least` to `most`; the same seed gives the same ones (mulberry32). */
function dice(least, most) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return least + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (most - least + 1));
}

const PRICES = {
  "any amount": (most) => dice(1, most),
  "prices .99 .50 .00": (most) => Math.max(1, Math.min(most, dice(0, Math.floor(most / 100)) * 100 + [99, 50, 0][dice(0, 2)])),
  "whole tenths": (most) => dice(1, Math.max(1, Math.floor(most / 10))) * 10,
};

/** The coins after the exchanges that are worth a request. */
function resplit(coins) {
  const held = [...coins];
  for (let coin = coinToBreak(held); coin !== null; coin = coinToBreak(held)) {
    held.splice(held.indexOf(coin), 1, ...broken(coin));
  }
  return held;
}

const fewest = (balance) => splitAmount(balance, DENOMINATIONS);
const SETS = { "fewest coins": fewest, "after re-split": (balance) => resplit(fewest(balance)), "spread claim": (balance) => targetCoins(balance, DENOMINATIONS) };

const found = [];
for (const ratio of RATIOS) {
  for (const [coins, make] of Object.entries(SETS)) {
    for (const [prices, price] of Object.entries(PRICES)) {
      let [made, handed] = [0, 0];
      for (let trial = 0; trial < trials; trial += 1) {
        const balance = dice(LEAST, MOST);
        const chosen = exactChoice(make(balance), price(Math.floor(balance / ratio)));
        if (chosen) [made, handed] = [made + 1, handed + chosen.length];
      }
      found.push({ ratio, coins, prices, made, tried: trials, handed });
    }
  }
}
process.stdout.write(JSON.stringify(found));

// How long ten locked tokens take to be verified as a till does it: lock read, proof of the mint's signature (NUT-12) with the
// blinding factor. Goal (T6): 50 ms here, 300 ms on a phone six times slower. Run: node bench/verify.ts
import { generatorTimes, multiply, readPoint } from "../src/curve.ts";
import { readLock } from "../src/nut10_secret.ts";
import { checkProof } from "../src/nut12_dleq.ts";
import { finish, messages } from "../src/outputs.ts";
import type { OutputPlan } from "../src/outputs.ts";
import { key, pointOfKey, signAll } from "../tests/support.ts";

const AMOUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const MINT = key(7_001);
const SEED = new Uint8Array(64).fill(5);
const lock = { key: pointOfKey(key(7_002)), locktime: 1_760_000_000, refund: pointOfKey(key(7_003)) };
const plan: OutputPlan = { keyset: `01${"ab".repeat(32)}`, counter: 0, amounts: AMOUNTS, locks: AMOUNTS.map(() => lock) };
const keys = Object.fromEntries(AMOUNTS.map((amount) => [String(amount), pointOfKey(MINT)]));
const proofs = finish(plan, SEED, signAll(messages(plan, SEED), MINT), keys);
const count = Number(process.argv[2] ?? 20);

function verify(points: Record<string, ReturnType<typeof readPoint>>): void {
  for (const proof of proofs) {
    readLock(proof.secret);
    checkProof(proof, points[String(proof.amount)] ?? readPoint(keys[String(proof.amount)] ?? ""));
  }
}

/** Milliseconds of this thread: those of the clock count what else the machine does. */
function spent(action: () => void): number {
  const start = process.threadCpuUsage();
  action();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1_000;
}

function timed(name: string, action: () => void): void {
  const times = Array.from({ length: count }, () => spent(action)).sort((one, two) => one - two);
  console.log(`${name}: least ${times[0]?.toFixed(1)} ms, middle ${times[count >> 1]?.toFixed(1)} ms of ${count} runs`);
}

console.log(`10 locked tokens, the first time of all: ${spent(() => verify({})).toFixed(1)} ms`);
timed("10 locked tokens, the mint's keys new each time", () => verify({}));
const known = Object.fromEntries(Object.entries(keys).map(([amount, shown]) => [amount, readPoint(shown)]));
timed("10 locked tokens, the mint's keys known", () => verify(known));
console.log("Multiples of points a token: 8, in 3 sums (1 for C', 2 for R1, 4 for R2, 1 plain)");
timed("10 secret multiples of G", () => proofs.forEach((_, place) => generatorTimes(key(place + 1))));
timed("10 secret multiples of a point", () => proofs.forEach((proof, place) => multiply(readPoint(proof.C), key(place + 1))));

// Asking the mint about coins (NUT-07) without saying which of the points asked about are real: they stand among invented ones, in
// any order.

import { joined, utf8 } from "@amparo/cashu/bytes.ts";
import { generatorTimes, hashToCurve, showPoint } from "@amparo/cashu/curve.ts";
import { fail } from "@amparo/cashu/errors.ts";
import { type Proof, type ProofState, readStates } from "@amparo/cashu/wire.ts";

import type { Client } from "./client.ts";
import type { Chance } from "./model.ts";

/** The point under which the mint knows a coin once it is spent. */
export function pointOf(proof: Proof): string {
  return showPoint(hashToCurve(utf8(proof.secret)));
}

/** Points that nobody has signed or spent. */
export function invented(count: number): string[] {
  // Below the order of the curve, because the first byte is small.
  const scalar = () => joined(Uint8Array.of(1), crypto.getRandomValues(new Uint8Array(31)));
  return Array.from({ length: Math.max(0, count) }, () => showPoint(generatorTimes(scalar())));
}

/** How coins stand at the mint, in their order; asked among invented points up to `points`. Rejects with
 * `token.signature_not_proved` when the mint does not answer for each. */
export async function statesOf(mint: Client, proofs: readonly Proof[], { points = 0, chance }: { points?: number; chance: Chance }): Promise<ProofState["state"][]> {
  const real = proofs.map(pointOf);
  const asked = points > real.length ? chance.shuffled([...real, ...invented(points - real.length)]) : real;
  const { states } = await mint.post("/v1/checkstate", { Ys: asked }, readStates);
  const found = new Map(states.map((each) => [each.Y.toLowerCase(), each.state]));
  return real.map((point) => found.get(point) ?? fail("token.signature_not_proved", "The mint did not answer for every coin."));
}

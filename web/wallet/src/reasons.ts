// Why: a decision's receipt, recomputed here against the published rule, in words; and the proof as a file.

import type { Paper } from "./model.ts";
import type { World } from "./state.ts";

/** A checked decision for the screen: the rule's requirements in its own words, each met or not; the facts that were used, of the household and of each person, by name. */
export interface Explained {
  reasons: { met: boolean; text: string }[];
  facts: [string, string][];
  people: [string, string][][];
}

/** Recompute a decision. Rejects with the finding's code when the published rule gives another result. */
export async function explain(world: World, paper: Paper): Promise<Explained> {
  return world.keep.explain(paper);
}

/** The signed proof: receipt, rule, batch and log's head, checkable by anybody offline. */
export async function proofFile(world: World, paper: Paper): Promise<File> {
  return new File([await world.keep.proof(paper)], "amparo-receipt.json", { type: "application/json" });
}

// Chance from the browser's generator: which coin, which order, how long. Secrets are made where they are needed.

import type { Chance } from "./model.ts";

const RANGE = 2 ** 32;

/** A whole number below `count` (at most 2^32), evenly. */
function below(count: number): number {
  const most = RANGE - (RANGE % count);
  for (;;) {
    const [drawn = RANGE] = crypto.getRandomValues(new Uint32Array(1));
    if (drawn < most) return drawn % count;
  }
}

/** Chance over a source of even numbers below a count. */
export function chanceOf(draw: (count: number) => number): Chance {
  return {
    between: (least, most) => least + draw(most - least + 1),
    shuffled<T>(list: readonly T[]): T[] {
      const found = [...list];
      for (let place = found.length - 1; place > 0; place--) {
        const other = draw(place + 1);
        [found[place], found[other]] = [found[other] as T, found[place] as T]; // both places are in the list
      }
      return found;
    },
  };
}

export const systemChance: Chance = chanceOf(below);

// The drawn glyphs, the same on screens and on paper. Their lines come from design/icons.json.

import { ICONS } from "./icons.ts";
import type { IconName } from "./icons.ts";

export type { IconName };

/** A glyph; it says nothing by itself, words stand beside it. */
export function Icon({ name, large }: { name: IconName; large?: boolean }) {
  return (
    <svg class={`icon icon-${name}${large ? " icon-large" : ""}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[name]} fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

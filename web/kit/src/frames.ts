// What the camera reads, put together: a still code at once, a moving one when enough of its frames were seen (NUT-16).

import { UrReader } from "@amparo/cashu/nut16_ur.ts";

/** Collects what is read until a text is whole. */
export interface Collector {
  /** The whole text, once it is there. */
  add(text: string): string | undefined;
  /** How much is there, 0 to 1. */
  share(): number;
}

/** A new one, for one code. A frame of another code begins that one. */
export function collector(): Collector {
  let reader = new UrReader();
  return {
    add(text) {
      if (!text.toLowerCase().startsWith("ur:")) return text;
      try {
        reader.take(text);
      } catch {
        reader = new UrReader();
      }
      return reader.content ? new TextDecoder().decode(reader.content) : undefined;
    },
    share: () => reader.progress,
  };
}

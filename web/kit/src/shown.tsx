// A code on the screen, still when it is short enough for one symbol, in frames when it is not (NUT-16).

import { UrWriter } from "@amparo/cashu/nut16_ur.ts";
import { useMemo } from "preact/hooks";
import { Code, MovingCode } from "./code.tsx";

// What cheap cameras still read, as signs of a still symbol and as bytes of a frame: both are version 13 at the most. A frame is written in
// capitals, so it carries half as many bytes as it has signs, less what it says of itself.
const MOST_STILL = 400;
const FRAGMENT = 280;

function running(text: string): () => { text: string; place: number; of: number } {
  const writer = new UrWriter(new TextEncoder().encode(text), { longest: FRAGMENT });
  let number = 0;
  return () => {
    number += 1;
    return { text: writer.part(number), place: ((number - 1) % writer.count) + 1, of: writer.count };
  };
}

/** The symbol, or the symbols one after the other. */
export function ShownCode({ text, label }: { text: string; label: string }) {
  const next = useMemo(() => (text.length > MOST_STILL ? running(text) : undefined), [text]);
  return next ? <MovingCode next={next} label={label} /> : <Code text={text} label={label} />;
}

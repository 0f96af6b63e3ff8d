// A code on the screen, still when it is short enough for one symbol, in frames when it is not (NUT-16).

import { UrWriter } from "@amparo/cashu/nut16_ur.ts";
import { useEffect, useMemo } from "preact/hooks";
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

/** Keep the screen on; call what it returns to let it go dark. */
function keepAwake(): () => void {
  let lock: { release(): Promise<void> } | undefined;
  let open = true;
  const wake = (navigator as { wakeLock?: { request(kind: "screen"): Promise<{ release(): Promise<void> }> } }).wakeLock;
  void wake
    ?.request("screen")
    .then((got) => {
      if (open) lock = got;
      else void got.release();
    })
    .catch(() => undefined);
  return () => {
    open = false;
    void lock?.release();
  };
}

/** The symbol, or the symbols one after the other. The screen stays on as long. */
export function ShownCode({ text, label }: { text: string; label: string }) {
  useEffect(() => keepAwake(), []);
  const next = useMemo(() => (text.length > MOST_STILL ? running(text) : undefined), [text]);
  return next ? <MovingCode next={next} label={label} /> : <Code text={text} label={label} />;
}

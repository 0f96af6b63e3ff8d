// A code on the screen: black on white in both modes, as wide as the screen. A text of more than one symbol runs as frames, forever.

import { encode } from "uqr";
import { useEffect, useMemo, useState } from "preact/hooks";
import { _, fillText } from "./words.ts";

const FRAME_MS = 150;

function path(text: string): { d: string; size: number } {
  const { data, size } = encode(text, { ecc: "L", border: 4, boostEcc: true });
  let d = "";
  data.forEach((row, y) => {
    for (let x = 0; x < size; x += 1) {
      if (!row[x]) continue;
      let end = x;
      while (end < size && row[end]) end += 1;
      d += `M${x} ${y}h${end - x}v1h${x - end}z`;
      x = end;
    }
  });
  return { d, size };
}

/** One symbol. */
export function Code({ text, label }: { text: string; label: string }) {
  const { d, size } = useMemo(() => path(text), [text]);
  return (
    <svg class="code" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={`M0 0h${size}v${size}H0z`} fill="#fff" />
      <path d={d} fill="#000" />
    </svg>
  );
}

/** Frames of one text, one after the other; `next` gives them without end. Motion is needed here: it is how the text passes. */
export function MovingCode({ next, label }: { next: () => { text: string; place: number; of: number }; label: string }) {
  const [frame, setFrame] = useState(next);
  useEffect(() => {
    const timer = setInterval(() => setFrame(next()), FRAME_MS);
    return () => clearInterval(timer);
  }, [next]);
  return (
    <div>
      <Code text={frame.text} label={label} />
      <p class="hint">{fillText(_("Part {place} of {of}. Keep the screen still."), { place: String(frame.place), of: String(frame.of) })}</p>
    </div>
  );
}

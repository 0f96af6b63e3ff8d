// A code on the screen: black on white in both modes, as wide as the screen. A text of more than one symbol runs as frames, forever.

import { generate } from "lean-qr";
import { useEffect, useMemo, useState } from "preact/hooks";
import { _, fillText } from "./words.ts";

const FRAME_MS = 150;

// Light around a symbol, in modules (ISO 18004).
const BORDER = 4;

/** A text as a symbol, as small as it can be and as hard to spoil as its size allows. */
function path(text: string): { d: string; size: number } {
  const symbol = generate(text);
  const { size } = symbol;
  let d = "";
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      let end = x;
      while (symbol.get(end, y)) end += 1;
      if (end > x) d += `M${x + BORDER} ${y + BORDER}h${end - x}v1h${x - end}z`;
      x = end;
    }
  }
  return { d, size: size + 2 * BORDER };
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

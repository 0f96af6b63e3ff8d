// The camera until a whole code was read, still or moving (NUT-16), with how much of it is there.

import { useRef, useState } from "preact/hooks";
import { Camera } from "./camera.tsx";
import { collector } from "./frames.ts";
import { percent } from "./words.ts";

/** `onCode` gets a whole code and says whether to go on; `hint` is shown until the first frame of a moving one was read. */
export function Scanner({ hint, onCode, onFail }: { hint: string; onCode: (code: string) => boolean; onFail: (why: "refused" | "none") => void }) {
  const [share, setShare] = useState(0);
  const parts = useRef(collector());
  const read = (text: string): boolean => {
    const whole = parts.current.add(text);
    setShare(parts.current.share());
    return whole === undefined || onCode(whole);
  };
  return <Camera hint={share ? percent(share) : hint} onCode={read} onFail={onFail} />;
}

// The camera until a code was read: a moving one (NUT-16) with how much of it is there, a still one behind a button.

import { useRef, useState } from "preact/hooks";
import { Camera } from "./camera.tsx";
import { collector } from "./frames.ts";
import { Button } from "./parts.tsx";
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

/** A button (`label`) that opens the camera until it read one still code, or could not see. */
export function ScanOnce({ label, hint, kind, disabled, onCode }: { label: string; hint: string; kind?: "main"; disabled?: boolean; onCode: (code: string) => void }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return open ? (
    <Camera hint={hint} onCode={(code) => (onCode(code), close(), false)} onFail={close} />
  ) : (
    <Button {...(kind ? { kind } : {})} icon="camera" disabled={disabled ?? false} onPress={() => setOpen(true)}>
      {label}
    </Button>
  );
}

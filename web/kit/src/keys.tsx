// Keys to type an amount or a PIN, large enough for a thumb.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { Sum } from "./parts.tsx";
import { _, fillText } from "./words.ts";

const PIN_LENGTH = 6;

/** A sum that is typed, in minor units, `most` at the most; `children`: what is to be known of it. */
export function TypedSum({
  minor,
  sign,
  most,
  onChange,
  children,
}: {
  minor: number;
  sign: string;
  most: number;
  onChange: (minor: number) => void;
  children?: ComponentChildren;
}) {
  return (
    <>
      <Sum minor={minor} sign={sign} live>
        {children}
      </Sum>
      <Keypad minor={minor} most={most} onChange={onChange} />
    </>
  );
}

/** Twelve large keys for an amount in minor units, the same order in every script. `most` bounds it. */
function Keypad({ minor, most, onChange }: { minor: number; most: number; onChange: (minor: number) => void }) {
  const press = (digit: string) => {
    const next = Number(`${minor}${digit}`);
    if (Number.isSafeInteger(next) && next <= most) onChange(next);
  };
  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^\d$/.test(event.key)) press(event.key);
      else if (event.key === "Backspace") onChange(Math.trunc(minor / 10));
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  });
  return (
    <div class="keypad" dir="ltr" role="group" aria-label={_("Keys for the amount")}>
      {["1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0"].map((digit) => (
        <button type="button" key={digit} onClick={() => press(digit)}>
          {digit}
        </button>
      ))}
      <button type="button" onClick={() => onChange(Math.trunc(minor / 10))} aria-label={_("Erase the last digit")}>
        <Icon name="undo" />
      </button>
    </div>
  );
}

/** Six digits for a PIN, shown as dots. `onDone` when all are there. */
export function PinPad({ label, onDone }: { label: string; onDone: (pin: string) => void }) {
  const [pin, setPin] = useState("");
  const press = (digit: string) => {
    const next = pin + digit;
    if (next.length === PIN_LENGTH) {
      setPin("");
      onDone(next);
    } else setPin(next);
  };
  return (
    <div>
      <p class="dots" role="status" aria-label={fillText(_("{typed} of {all} digits"), { typed: String(pin.length), all: String(PIN_LENGTH) })}>
        {Array.from({ length: PIN_LENGTH }, (_each, place) => (
          <span key={place} class={place < pin.length ? "dot full" : "dot"} />
        ))}
      </p>
      <div class="keypad" dir="ltr" role="group" aria-label={label}>
        {["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((digit) => (
          <button type="button" key={digit} onClick={() => press(digit)}>
            {digit}
          </button>
        ))}
        <span />
        <button type="button" onClick={() => press("0")}>
          0
        </button>
        <button type="button" onClick={() => setPin(pin.slice(0, -1))} aria-label={_("Erase the last digit")}>
          <Icon name="undo" />
        </button>
      </div>
    </div>
  );
}

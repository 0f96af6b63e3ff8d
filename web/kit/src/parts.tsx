// What screens are made of: one heading, one column, few large things to touch; a state is an icon, a word and a colour, never colour alone.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { canSpeakAloud, speakAloud } from "./voice.ts";
import { _, fillText, money } from "./words.ts";

/** A button with a glyph and a word. `kind`: the main thing to do, another one, a quiet one, or one that cannot be taken back. */
export function Button({
  icon,
  kind = "second",
  submit,
  onPress,
  disabled,
  children,
}: {
  icon?: IconName;
  kind?: "main" | "second" | "quiet" | "danger";
  submit?: boolean;
  onPress?: () => void;
  disabled?: boolean;
  children: ComponentChildren;
}) {
  return (
    <button type={submit ? "submit" : "button"} class={kind} disabled={disabled ?? false} {...(onPress ? { onClick: onPress } : {})}>
      {icon ? <Icon name={icon} /> : null}
      <span>{children}</span>
    </button>
  );
}

/** A screen: its title takes the focus, so that a reader begins there. `say` is what the loudspeaker reads. */
export function Screen({
  title,
  say,
  onBack,
  wide,
  children,
}: {
  title: string;
  say?: string;
  onBack?: (() => void) | undefined;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    scrollTo(0, 0);
    document.title = `${title} · Amparo`;
  }, [title]);
  return (
    <main class={wide ? "wide" : ""}>
      <div class="head">
        {onBack ? (
          <button type="button" class="glyph" onClick={onBack} aria-label={_("Back")}>
            <Icon name="back" />
          </button>
        ) : null}
        <h1 tabIndex={-1} ref={heading}>
          {title}
        </h1>
        <Speaker text={say ?? title} />
      </div>
      {children}
    </main>
  );
}

/** Reads a screen aloud with a voice that this phone has itself; not there when it has none for the language. */
export function Speaker({ text }: { text: string }) {
  const [able, setAble] = useState(canSpeakAloud());
  useEffect(() => {
    const look = () => setAble(canSpeakAloud());
    globalThis.speechSynthesis?.addEventListener?.("voiceschanged", look);
    return () => globalThis.speechSynthesis?.removeEventListener?.("voiceschanged", look);
  }, []);
  return able ? (
    <button type="button" class="glyph" onClick={() => speakAloud(text)} aria-label={_("Read aloud")}>
      <Icon name="speaker" />
    </button>
  ) : null;
}

/** A sentence with a glyph. `role`: told at once when it appears. */
export function Notice({
  kind,
  icon,
  children,
}: {
  kind: "good" | "note" | "bad" | "plain";
  icon?: IconName;
  children: ComponentChildren;
}) {
  const shown: IconName = icon ?? (kind === "good" ? "check" : kind === "bad" ? "cross" : kind === "note" ? "warn" : "info");
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      <Icon name={shown} />
      <div>{children}</div>
    </div>
  );
}

/** An amount, isolated, in tabular figures. */
export function Amount({ minor, sign, large }: { minor: number; sign: string; large?: boolean }) {
  return (
    <bdi class={large ? "amount large" : "amount"} dir="ltr">
      {money(minor)} <span class="sign">{sign}</span>
    </bdi>
  );
}

/** Twelve large keys for an amount in minor units, the same order in every script. `most` bounds it. */
export function Keypad({ minor, most, onChange }: { minor: number; most: number; onChange: (minor: number) => void }) {
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

/** Digits for a PIN, shown as dots. `onDone` when the wanted number of them is there. */
export function PinPad({ length, label, onDone }: { length: number; label: string; onDone: (pin: string) => void }) {
  const [pin, setPin] = useState("");
  const press = (digit: string) => {
    const next = pin + digit;
    if (next.length === length) {
      setPin("");
      onDone(next);
    } else setPin(next);
  };
  return (
    <div>
      <p class="dots" role="status" aria-label={fillText(_("{typed} of {all} digits"), { typed: String(pin.length), all: String(length) })}>
        {Array.from({ length }, (_each, place) => (
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

/** A thing to choose: glyph, words, and what else is to be known of it. `current`: one of several, and whether it is chosen. */
export function Choice({ icon, title, note, onPress, current }: { icon?: IconName; title: string; note?: string; onPress: () => void; current?: boolean }) {
  return (
    <button type="button" class="choice" onClick={onPress} {...(current ? { "aria-current": "true" as const } : {})}>
      {icon ? <Icon name={icon} /> : null}
      <span class="choice-words">
        <b>{title}</b>
        {note ? <small>{note}</small> : null}
      </span>
      {current === undefined ? <Icon name="next" /> : current ? <Icon name="check" /> : null}
    </button>
  );
}

/** How much of a limit is used: bar, words, and amber from 80 % on. */
export function Meter({ label, used, most, shown }: { label: string; used: number; most: number; shown: string }) {
  const share = most > 0 ? Math.min(1, used / most) : 0;
  const level = share >= 1 ? "full" : share >= 0.8 ? "near" : "fine";
  return (
    <div class={`meter ${level}`}>
      <span>
        {level === "fine" ? null : <Icon name="warn" />}
        {label} <bdi>{shown}</bdi>
      </span>
      <progress max={1} value={share} aria-label={label} />
    </div>
  );
}

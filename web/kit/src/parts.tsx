// What screens are made of: one heading, one column, few large things to touch; a state is an icon, a word and a colour, never colour alone.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { choices } from "./settings.ts";
import { speakAloud } from "./voice.ts";
import { _, money } from "./words.ts";

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

/** A screen: its title takes the focus, so that a reader begins there. `say` is what the loudspeaker reads, one recorded sentence; `full` is
 * the same with the sums on it, for a phone that has a voice of its own. */
export function Screen({
  title,
  say,
  full,
  onBack,
  wide,
  children,
}: {
  title: string;
  say: string;
  full?: string | undefined;
  onBack?: (() => void) | undefined;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    scrollTo(0, 0);
    document.title = `${title} · Amparo`;
    if (choices().aloud) void speakAloud(say, full);
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
        <Speaker said={say} full={full} />
      </div>
      {children}
    </main>
  );
}

function Speaker({ said, full }: { said: string; full: string | undefined }) {
  const [able, setAble] = useState(true);
  const read = async () => setAble(await speakAloud(said, full));
  return (
    <button type="button" class="glyph" disabled={!able} onClick={() => void read()} aria-label={able ? _("Read aloud") : _("This phone cannot read aloud now.")}>
      <Icon name="speaker" />
    </button>
  );
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

/** What went wrong, once there are words for it. */
export function Failed({ said, children }: { said: string | undefined; children?: ComponentChildren }) {
  return said ? (
    <Notice kind="bad">
      <p>{said}</p>
      {children}
    </Notice>
  ) : null;
}

/** An amount, isolated, in tabular figures. */
export function Amount({ minor, sign, large }: { minor: number; sign: string; large?: boolean }) {
  return (
    <bdi class={large ? "amount large" : "amount"} dir="ltr">
      {money(minor)} <span class="sign">{sign}</span>
    </bdi>
  );
}

/** The sum that a screen is about, and what is to be known of it. `live`: told when it changes. */
export function Sum({ minor, sign, live, children }: { minor: number; sign: string; live?: boolean; children?: ComponentChildren }) {
  return (
    <p class="sum" {...(live ? { "aria-live": "polite" as const } : {})}>
      <Amount minor={minor} sign={sign} large />
      {children ? <small>{children}</small> : null}
    </p>
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

// A code as text, for phones without a camera.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { IconName } from "./icon.tsx";
import { Button } from "./parts.tsx";
import { _ } from "./words.ts";

/** One field and its button (`children`), which gives the text without the spaces around it. `id` names the field. `first`: what it holds at
 * first. `keys`: which keys the phone offers. `clears`: the field is empty afterwards, for the next one. `between`: what stands between field and button. */
export function CodeForm({
  id,
  label,
  first = "",
  keys,
  kind,
  icon,
  disabled,
  clears,
  between,
  onText,
  children,
}: {
  id: string;
  label: string;
  first?: string;
  keys?: "digits" | "capitals";
  kind?: "main";
  icon?: IconName;
  disabled?: boolean;
  clears?: boolean;
  between?: ComponentChildren;
  onText: (text: string) => unknown;
  children: ComponentChildren;
}) {
  const [typed, setTyped] = useState(first);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onText(typed.trim());
        if (clears) setTyped("");
      }}
    >
      <label for={id}>{label}</label>
      <textarea
        id={id}
        dir="ltr"
        inputMode={keys === "digits" ? "numeric" : "text"}
        autocapitalize={keys === "capitals" ? "characters" : "off"}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      {between}
      <Button submit {...(kind ? { kind } : {})} {...(icon ? { icon } : {})} disabled={disabled || !typed.trim()}>
        {children}
      </Button>
    </form>
  );
}

/** A code to paste, behind a button until it is wanted. */
export function Paste({ label, onText }: { label: string; onText: (text: string) => unknown }) {
  const [open, setOpen] = useState(false);
  return open ? (
    <CodeForm id="pasted" label={label} onText={onText}>
      {_("Use this code")}
    </CodeForm>
  ) : (
    <Button kind="quiet" icon="paper" onPress={() => setOpen(true)}>
      {label}
    </Button>
  );
}

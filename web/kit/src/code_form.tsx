// A code as text, for phones without a camera.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { IconName } from "./icon.tsx";
import { Button } from "./parts.tsx";

/** One field and its button (`children`), which gives the text without the spaces around it. `id` names the field. `clears`: the field is
 * empty afterwards, for the next one. */
export function CodeForm({
  id,
  label,
  icon,
  disabled,
  clears,
  onText,
  children,
}: {
  id: string;
  label: string;
  icon?: IconName;
  disabled?: boolean;
  clears?: boolean;
  onText: (text: string) => unknown;
  children: ComponentChildren;
}) {
  const [typed, setTyped] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onText(typed.trim());
        if (clears) setTyped("");
      }}
    >
      <label for={id}>{label}</label>
      <textarea id={id} dir="ltr" autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      <Button submit {...(icon ? { icon } : {})} disabled={disabled || !typed.trim()}>
        {children}
      </Button>
    </form>
  );
}

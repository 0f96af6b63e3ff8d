// A store that does not open: its PIN is asked for, or what is there is damaged; and the way out, which is to throw it away.

import { useState } from "preact/hooks";
import { PinPad } from "./keys.tsx";
import { Button, Failed, Notice, Screen } from "./parts.tsx";
import { _ } from "./words.ts";

/** `pin`: the store has one. `said`: why the last try failed. `warning`: what is lost by throwing it away. */
export function Locked({
  pin,
  said,
  warning,
  onPin,
  wipe,
}: {
  pin: boolean;
  said: string;
  warning: string;
  onPin: (pin: string) => void;
  wipe: () => Promise<void>;
}) {
  const [leaving, setLeaving] = useState(false);
  if (leaving) return <ThrowAway title={_("Throw everything away?")} wipe={wipe} warning={warning} onKeep={() => setLeaving(false)} />;
  return (
    <Screen title={pin ? _("Your PIN") : _("This cannot be opened")} say={pin ? _("Type your PIN.") : _("This cannot be opened. Ask for help.")} full={pin ? undefined : said}>
      <Failed said={said} />
      {pin ? <PinPad label={_("Your PIN")} onDone={onPin} /> : null}
      <Button kind="quiet" icon={pin ? "why" : "cross"} onPress={() => setLeaving(true)}>
        {pin ? _("I forgot the PIN") : _("Throw everything away")}
      </Button>
    </Screen>
  );
}

/** The last question before everything is thrown away; the app begins anew after it. `warning`: what is lost. */
export function ThrowAway({
  title,
  warning,
  wipe,
  onKeep,
}: {
  title: string;
  warning: preact.ComponentChildren;
  wipe: () => Promise<void>;
  onKeep: () => void;
}) {
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    await wipe().catch(() => undefined); // reloading shows what is there
    location.reload();
  };
  return (
    <Screen title={title} say={_("This cannot be taken back. Touch the arrow to keep everything.")} onBack={onKeep}>
      <Notice kind="bad">
        <p>{warning}</p>
      </Notice>
      <Button kind="danger" icon="cross" disabled={busy} onPress={() => void leave()}>
        {_("Throw everything away")}
      </Button>
      <Button onPress={onKeep}>{_("Keep it")}</Button>
    </Screen>
  );
}

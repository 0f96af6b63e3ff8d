// A store that does not open: its PIN is asked for, or what is there is damaged; and the way out, which is to throw it away.

import { useState } from "preact/hooks";
import { Button, Notice, PinPad, Screen } from "./parts.tsx";
import { _ } from "./words.ts";

/** `pin`: the store has one. `said`: why the last try failed. `warning`: what is lost by throwing it away. */
export function Locked({
  pin,
  length,
  said,
  warning,
  onPin,
  onWipe,
}: {
  pin: boolean;
  length: number;
  said: string;
  warning: string;
  onPin: (pin: string) => void;
  onWipe: () => Promise<void>;
}) {
  const [leaving, setLeaving] = useState(false);
  const [busy, setBusy] = useState(false);
  const wipe = async () => {
    setBusy(true);
    await onWipe().catch(() => undefined); // reloading shows what is there
    location.reload();
  };
  if (leaving) {
    return (
      <Screen title={_("Throw everything away?")} onBack={() => setLeaving(false)}>
        <Notice kind="bad">
          <p>{warning}</p>
        </Notice>
        <Button kind="danger" icon="cross" disabled={busy} onPress={() => void wipe()}>
          {_("Throw everything away")}
        </Button>
        <Button onPress={() => setLeaving(false)}>{_("Keep it")}</Button>
      </Screen>
    );
  }
  return (
    <Screen title={pin ? _("Your PIN") : _("This cannot be opened")} say={pin ? _("Type your PIN.") : said}>
      {said ? (
        <Notice kind="bad">
          <p>{said}</p>
        </Notice>
      ) : null}
      {pin ? <PinPad length={length} label={_("Your PIN")} onDone={onPin} /> : null}
      <Button kind="quiet" icon={pin ? "why" : "cross"} onPress={() => setLeaving(true)}>
        {pin ? _("I forgot the PIN") : _("Throw everything away")}
      </Button>
    </Screen>
  );
}

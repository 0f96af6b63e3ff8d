// Language, PIN, a new release, and throwing everything away.

import { Languages } from "@amparo/kit/languages.tsx";
import { Button, Choice, Notice, PinPad, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { useUpdate } from "@amparo/kit/update.ts";
import { _, fill } from "@amparo/kit/words.ts";
import { useState } from "preact/hooks";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

export const PIN_LENGTH = 6;

/** All settings on one screen, each with what it does. */
export function Settings({ world }: { world: World }) {
  const { keep, back, go } = world;
  const [step, setStep] = useState<"list" | "pin" | "again" | "wipe">("list");
  const [first, setFirst] = useState("");
  const [differs, setDiffers] = useState(false);
  const update = useUpdate();
  const { busy, failure, run } = useTask();
  const setPin = (pin: string | null) =>
    run(async () => {
      await keep.changePin(pin);
      world.changed();
      setStep("list");
    });
  if (step === "pin") {
    return (
      <Screen title={_("Choose a PIN")} say={_("Choose six digits that nobody guesses.")} onBack={() => setStep("list")}>
        {differs ? (
          <Notice kind="bad">
            <p>{_("The two were not the same. Choose again.")}</p>
          </Notice>
        ) : null}
        <PinPad
          length={PIN_LENGTH}
          label={_("New PIN")}
          onDone={(pin) => {
            setFirst(pin);
            setStep("again");
          }}
        />
      </Screen>
    );
  }
  if (step === "again") {
    return (
      <Screen title={_("The same PIN again")} onBack={() => setStep("pin")}>
        {busy ? <p class="wait">{_("One moment…")}</p> : null}
        <PinPad
          length={PIN_LENGTH}
          label={_("The same PIN again")}
          onDone={(pin) => {
            setDiffers(pin !== first);
            if (pin === first) setPin(pin);
            else setStep("pin");
          }}
        />
      </Screen>
    );
  }
  if (step === "wipe") {
    return (
      <Screen title={_("Throw everything away?")} onBack={() => setStep("list")}>
        <Notice kind="bad">
          <p>{_("The money on this phone is gone, unless you have the recovery code on paper.")}</p>
        </Notice>
        <Button
          kind="danger"
          icon="cross"
          disabled={busy}
          onPress={() =>
            run(async () => {
              await keep.wipe();
              location.reload();
            })
          }
        >
          {_("Throw everything away")}
        </Button>
        <Button onPress={() => setStep("list")}>{_("Keep it")}</Button>
      </Screen>
    );
  }
  return (
    <Screen title={_("Settings")} onBack={back}>
      {update.ready ? (
        <Notice kind="note" icon="update">
          <p>{_("A new release of this app is ready.")}</p>
          <Button icon="update" onPress={update.begin}>
            {_("Update now")}
          </Button>
        </Notice>
      ) : null}
      {failure ? (
        <Notice kind="bad">
          <p>{failureWords(failure)}</p>
        </Notice>
      ) : null}
      <h2>{_("Language")}</h2>
      <Languages onChosen={world.changed} />
      <h2>{_("PIN")}</h2>
      <p>{keep.hasPin() ? _("This wallet opens with your PIN.") : _("Without a PIN, whoever has this phone can pay.")}</p>
      <Button icon="lock" disabled={busy} onPress={() => setStep("pin")}>
        {keep.hasPin() ? _("Change the PIN") : _("Choose a PIN")}
      </Button>
      {keep.hasPin() ? (
        <Button kind="quiet" disabled={busy} onPress={() => setPin(null)}>
          {_("Open without a PIN")}
        </Button>
      ) : null}
      <h2>{_("This phone")}</h2>
      <Choice icon="bring-in" title={_("Bring a wallet back")} note={_("With the recovery code of another phone")} onPress={() => go("restore")} />
      <Choice icon="cross" title={_("Throw everything away")} onPress={() => setStep("wipe")} />
      <p class="hint">{fill(_("Anyone can compare this app with the public log: {address}"), { address: `${location.host}/files.json` })}</p>
    </Screen>
  );
}

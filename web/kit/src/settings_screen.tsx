// The screen of an app's settings: a new release, language, PIN, and throwing everything away; between them what only this app has.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Aloud } from "./aloud.tsx";
import { HomeScreen } from "./home_screen.tsx";
import { PinPad } from "./keys.tsx";
import { Languages } from "./languages.tsx";
import { ThrowAway } from "./locked.tsx";
import { Button, Choice, Failed, Notice, Screen } from "./parts.tsx";
import type { Failure } from "./task.ts";
import { useTask } from "./task.ts";
import { useUpdate } from "./update.ts";
import { _, fill } from "./words.ts";

/** The sealed store's own deeds. */
export interface Keeping {
  hasPin(): boolean;
  /** `null`: open without one. */
  changePin(pin: string | null): Promise<void>;
  wipe(): Promise<void>;
  /** Proofs that the public log was rewritten, as files' texts. */
  forks(): readonly string[];
}

/** The ways out of an app: what the choice is called, what is asked then, and what is lost. */
export interface Leaving {
  choice: string;
  question: string;
  warning: ComponentChildren;
}

/** All settings on one screen, each with what it does. `words`: what a failure is called. `pinNote`: what the PIN is for. */
export function SettingsScreen({
  keep,
  onBack,
  changed,
  words,
  pinNote,
  leaving,
  children,
}: {
  keep: Keeping;
  onBack: () => void;
  changed: () => void;
  words: (failure: Failure) => string;
  pinNote?: string;
  leaving: Leaving;
  children: ComponentChildren;
}) {
  const [step, setStep] = useState<"list" | "pin" | "wipe">("list");
  const { busy, failure, run } = useTask();
  const list = () => setStep("list");
  const setPin = (pin: string | null) =>
    run(async () => {
      await keep.changePin(pin);
      changed();
      list();
    });
  if (step === "pin") return <NewPin busy={busy} failed={failure && words(failure)} onPin={setPin} onBack={list} />;
  if (step === "wipe") return <ThrowAway title={leaving.question} warning={leaving.warning} wipe={keep.wipe} onKeep={list} />;
  return (
    <Screen title={_("Settings")} say={_("Here you choose the language, the sound and the PIN.")} onBack={onBack}>
      <NewRelease />
      <Failed said={failure && words(failure)} />
      <h2>{_("Language")}</h2>
      <Languages onChosen={changed} />
      <h2>{_("Sound")}</h2>
      <Aloud say={_("Here you choose the language, the sound and the PIN.")} />
      <h2>{_("PIN")}</h2>
      {pinNote ? <p>{pinNote}</p> : null}
      <Button icon="lock" disabled={busy} onPress={() => setStep("pin")}>
        {keep.hasPin() ? _("Change the PIN") : _("Choose a PIN")}
      </Button>
      {keep.hasPin() ? (
        <Button kind="quiet" disabled={busy} onPress={() => setPin(null)}>
          {_("Open without a PIN")}
        </Button>
      ) : null}
      {children}
      <HomeScreen />
      <Choice icon="cross" title={leaving.choice} onPress={() => setStep("wipe")} />
      <p class="hint">{fill(_("Anyone can compare this app with the public log: {address}"), { address: `${location.host}/files.json` })}</p>
    </Screen>
  );
}

function NewRelease() {
  const update = useUpdate();
  return update.ready ? (
    <Notice kind="note" icon="update">
      <p>{_("A new release of this app is ready.")}</p>
      <Button icon="update" onPress={update.begin}>
        {_("Update now")}
      </Button>
    </Notice>
  ) : null;
}

/** A PIN typed twice; one that differs is asked for anew. */
function NewPin({ busy, failed, onPin, onBack }: { busy: boolean; failed: string | undefined; onPin: (pin: string) => void; onBack: () => void }) {
  const [first, setFirst] = useState<string | undefined>();
  const [differs, setDiffers] = useState(false);
  if (first === undefined) {
    return (
      <Screen title={_("Choose a PIN")} say={_("Choose six digits that nobody guesses.")} onBack={onBack}>
        <Failed said={differs ? _("The two were not the same. Choose again.") : failed} />
        <PinPad key="first" label={_("New PIN")} onDone={setFirst} />
      </Screen>
    );
  }
  return (
    <Screen title={_("The same PIN again")} say={_("Type the same PIN once more.")} onBack={() => setFirst(undefined)}>
      {busy ? <p class="wait">{_("One moment…")}</p> : null}
      <Failed said={failed} />
      <PinPad
        key="again"
        label={_("The same PIN again")}
        onDone={(pin) => {
          setDiffers(pin !== first);
          if (pin === first) onPin(pin);
          else setFirst(undefined);
        }}
      />
    </Screen>
  );
}

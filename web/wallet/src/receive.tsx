// W6: take a code from another person or a link, and the first code from the office.

import { CodeForm, Paste } from "@amparo/kit/code_form.tsx";
import { Button, Failed, Notice, Screen, Sum } from "@amparo/kit/parts.tsx";
import { ScanOnce, Scanner } from "@amparo/kit/scan.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _, day, fill } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import type { Incoming } from "./model.ts";
import { Refused } from "./refused.tsx";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

/** Scan, look at it, add it. */
export function Receive({ world }: { world: World }) {
  const { wallet, home, back } = world;
  const [found, setFound] = useState<{ text: string; coming: Incoming } | undefined>();
  const [blind, setBlind] = useState(false);
  const { busy, failure, run } = useTask();
  const look = (text: string) =>
    run(async () => {
      setFound({ text, coming: await wallet.readCode(text) });
    });
  const read = (text: string): boolean => {
    look(text);
    return false;
  };
  const add = (hurry: boolean) =>
    run(async () => {
      if (!found) return;
      await wallet.receive(found.text, { hurry });
      world.changed();
      home("home");
    });
  return (
    <Screen title={_("Receive")} say={_("Scan the code that somebody shows you.")} onBack={back}>
      {found ? (
        <>
          <Sum minor={found.coming.amount} sign={sign(world, found.coming.unit)}>
            {found.coming.end ? fill(_("valid until {day}"), { day: day(found.coming.end) }) : null}
          </Sum>
          {found.coming.mine ? (
            <Notice kind="note">
              <p>{_("This code is your own.")}</p>
            </Notice>
          ) : null}
          <Refused failure={failure} onHurry={() => add(true)} busy={busy} />
          <Button kind="main" icon="plus" disabled={busy || found.coming.mine} onPress={() => add(false)}>
            {_("Add to your aid")}
          </Button>
        </>
      ) : (
        <>
          {blind ? null : <Scanner hint={_("Hold it over the code")} onCode={read} onFail={() => setBlind(true)} />}
          <Failed said={failure && failureWords(failure)} />
          <Paste label={_("Or paste a code")} onText={look} />
        </>
      )}
    </Screen>
  );
}

/** The office's code binds this phone to a household; then the papers come. */
export function Enrol({ world }: { world: World }) {
  const { wallet, home, back, online } = world;
  const [scanned, setScanned] = useState("");
  const { busy, failure, run } = useTask();
  const send = (typed: string) =>
    run(async () => {
      await wallet.enrol(typed);
      await wallet.fetchPapers();
      world.changed();
      home("home");
    });
  return (
    <Screen title={_("The office's code")} say={_("Type the code from the office, or scan it.")} onBack={back}>
      <ScanOnce
        label={_("Scan the code")}
        hint={_("Hold it over the code on the paper")}
        onCode={(text) => {
          setScanned(text);
          send(text);
        }}
      />
      <CodeForm
        key={scanned}
        id="office-code"
        first={scanned}
        label={_("Code from the office")}
        keys="capitals"
        kind="main"
        icon="check"
        disabled={busy || !online}
        between={<Failed said={failure && failureWords(failure)} />}
        onText={send}
      >
        {busy ? _("One moment…") : _("Add")}
      </CodeForm>
      {online ? null : <p class="hint">{_("This needs a connection.")}</p>}
      <p class="hint">{_("The office learns that this phone is yours, and nothing of what you buy.")}</p>
    </Screen>
  );
}

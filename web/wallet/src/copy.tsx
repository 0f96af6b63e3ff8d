// W10: the recovery code on paper, tested once; and bringing a wallet back from one.

import { Code } from "@amparo/kit/code.tsx";
import { CodeForm } from "@amparo/kit/code_form.tsx";
import { Amount, Button, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _, fill } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Progress } from "./model.ts";
import { Refused } from "./refused.tsx";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";
import { mainUnit } from "./state.ts";

/** Show it, write it down, type it once. */
export function Copy({ world }: { world: World }) {
  const { wallet, back } = world;
  const [step, setStep] = useState<"show" | "test" | "done">(wallet.isRecoveryTested() ? "done" : "show");
  const { busy, failure, run } = useTask();
  const groups = wallet.recoveryCode();
  if (step === "test") {
    return (
      <Screen title={_("Type the code from the paper")} say={_("Type the code that you wrote on paper.")} onBack={() => setStep("show")}>
        <CodeForm
          id="typed"
          label={_("Recovery code")}
          keys="digits"
          kind="main"
          icon="check"
          disabled={busy}
          between={<Failed said={failure && failureWords(failure)} />}
          onText={(typed) =>
            run(async () => {
              await wallet.testRecovery(typed);
              world.changed();
              setStep("done");
            })
          }
        >
          {_("Check it")}
        </CodeForm>
      </Screen>
    );
  }
  return (
    <Screen title={_("Save a copy")} say={_("Write this code on paper. It brings your money back if you lose the phone.")} onBack={back}>
      {step === "done" ? (
        <Notice kind="good">
          <p>{_("Your copy was tested. Keep the paper safe.")}</p>
        </Notice>
      ) : null}
      <p>{_("Write all groups on paper. Whoever reads the paper has your money.")}</p>
      <p class="printed">{groups}</p>
      <Code text={wallet.recoveryQr()} label={_("Recovery code as a picture")} />
      {step === "show" ? (
        <Button kind="main" icon="next" onPress={() => setStep("test")}>
          {_("I wrote it down")}
        </Button>
      ) : null}
      <Button icon="paper" onPress={() => print()}>
        {_("Print it")}
      </Button>
    </Screen>
  );
}

/** The code of a lost phone brings its money here, request by request, with pauses. */
export function Restore({ world }: { world: World }) {
  const { wallet, back, home, online } = world;
  const code = useRef("");
  const [progress, setProgress] = useState<Progress | undefined>();
  const { busy, failure, run } = useTask();
  const open = useRef(true);
  useEffect(() => {
    open.current = true;
    if (wallet.isRestoring()) go(false);
    return () => {
      open.current = false;
    };
  }, []);
  const go = (hurry: boolean) =>
    run(async () => {
      if (!wallet.isRestoring()) await wallet.beginRestore(code.current, { keepCode: true, hurry });
      let found = await wallet.restoreStep({ hurry });
      while (!found.done && open.current) {
        setProgress(found);
        await new Promise((rest) => setTimeout(rest, found.wait * 1000));
        found = await wallet.restoreStep({ hurry });
      }
      setProgress(found);
      world.changed();
    });
  const label = sign(world, mainUnit(world));
  return (
    <Screen title={_("Bring a wallet back")} say={_("Type the code from your paper. This takes some minutes.")} onBack={back}>
      {progress ? (
        <Notice kind={progress.done ? "good" : "plain"} icon={progress.done ? "check" : "clock"}>
          <p>
            {progress.done ? _("All is here.") : _("Searching. Leave the app open; you may go on later.")}{" "}
            {fill(_("Found: {found}, of it spent: {spent}"), {
              found: <Amount minor={progress.found} sign={label} />,
              spent: <Amount minor={progress.spent} sign={label} />,
            })}
          </p>
          {progress.done ? null : <progress aria-label={_("Searching")} />}
        </Notice>
      ) : (
        <CodeForm
          id="old-code"
          label={_("Recovery code")}
          keys="digits"
          kind="main"
          icon="bring-in"
          disabled={busy || !online}
          onText={(typed) => {
            code.current = typed;
            go(false);
          }}
        >
          {busy ? _("One moment…") : _("Bring it back")}
        </CodeForm>
      )}
      <Refused failure={failure} onHurry={() => go(true)} busy={busy} />
      {progress?.done ? (
        <Button kind="main" icon="home" onPress={() => home("home")}>
          {_("To your aid")}
        </Button>
      ) : null}
    </Screen>
  );
}

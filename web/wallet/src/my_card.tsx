// W8: the person's own card on the phone: what each who scans it learns, and the code to show.

import { Code } from "@amparo/kit/code.tsx";
import { Paste } from "@amparo/kit/code_form.tsx";
import { Button, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { ScanOnce } from "@amparo/kit/scan.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _ } from "@amparo/kit/words.ts";
import { useEffect, useState } from "preact/hooks";
import type { CardForm } from "./card.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

// A code that stays on the screen is read by whoever passes.
const SHOWN_MS = 60_000;

/** Scan the card's inside once; then show it when it is asked for. */
export function MyCard({ world }: { world: World }) {
  const { keep, back } = world;
  const [card, setCard] = useState(keep.card.kept());
  const [shown, setShown] = useState(false);
  const { busy, failure, run } = useTask();
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => setShown(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  if (!card) return <ScanCard busy={busy} said={failure && failureWords(failure)} back={back} onCode={(code) => run(async () => setCard(await keep.card.keep(code)))} />;
  return (
    <Screen title={_("My card")} say={_("This is your card. Show it only where you want to.")} onBack={back}>
      {shown ? <Code text={card.code} label={_("The code of your card")} /> : <WhoSees form={card.form} />}
      <Button kind="main" icon={shown ? "eye-off" : "card"} onPress={() => setShown(!shown)}>
        {shown ? _("Hide it") : _("Show the code")}
      </Button>
      {shown ? (
        <p class="hint">{_("It hides by itself after a minute.")}</p>
      ) : (
        <Button kind="quiet" icon="cross" disabled={busy} onPress={() => run(async () => (await keep.card.drop(), setCard(null)))}>
          {_("Take the card off this phone")}
        </Button>
      )}
      <Failed said={failure && failureWords(failure)} />
    </Screen>
  );
}

function ScanCard({ busy, said, back, onCode }: { busy: boolean; said: string | undefined; back: () => void; onCode: (code: string) => void }) {
  return (
    <Screen title={_("My card")} say={_("Scan the inside of your card. Then this phone can show it for you.")} onBack={back}>
      <p>{_("Keep the code of your printed card on this phone. The paper stays good.")}</p>
      <ScanOnce kind="main" label={_("Scan the inside of the card")} hint={_("Hold it over the code inside the card")} disabled={busy} onCode={onCode} />
      <Failed said={said} />
      <Paste label={_("Or paste a code")} onText={onCode} />
    </Screen>
  );
}

/** What each who scans it learns. */
function WhoSees({ form }: { form: CardForm }) {
  const identity = _("Name, date of birth, card number");
  return (
    <>
      <h2>{_("Who sees what")}</h2>
      <dl class="facts">
        <div>
          <dt>{_("Registration desk, clinic, bank")}</dt>
          <dd>{identity}</dd>
        </div>
        <div>
          <dt>{_("A shop")}</dt>
          <dd>{_("Nothing: no shop needs your card")}</dd>
        </div>
        <div>
          <dt>{_("Anybody else who scans it")}</dt>
          <dd>{form === "sealed" ? _("Nothing that can be read") : identity}</dd>
        </div>
      </dl>
      <Notice kind="note">
        <p>{_("Nobody may scan it at a meeting or a polling place. Whoever scans it twice knows that it is the same card.")}</p>
      </Notice>
    </>
  );
}

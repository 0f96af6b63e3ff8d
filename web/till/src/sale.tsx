// T2 to T4: the request beside the camera, what is missing, and the green page that stays until it is touched.

import { CodeForm } from "@amparo/kit/code_form.tsx";
import { Code } from "@amparo/kit/code.tsx";
import { Icon } from "@amparo/kit/icon.tsx";
import { Amount, Button, Failed, Notice, Screen, Sum } from "@amparo/kit/parts.tsx";
import { Scanner } from "@amparo/kit/scan.tsx";
import { ShownCode } from "@amparo/kit/shown.tsx";
import type { Failure } from "@amparo/kit/task.ts";
import { failureOf, useTask } from "@amparo/kit/task.ts";
import { signal } from "@amparo/kit/voice.ts";
import { _, fill } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import type { Taken } from "./model.ts";
import { failureWords, isRefusal } from "./says.ts";
import type { World } from "./state.ts";
import { Strip } from "./strip.tsx";

type Result = { taken: Taken } | { failure: Failure };

/** T2 and T3: the request and the camera at once. While a result is shown nothing is scanned. */
export function Scan({ world }: { world: World }) {
  const { till, online, home } = world;
  const sale = till.sale();
  const [result, setResult] = useState<Result | undefined>();
  const [blind, setBlind] = useState(false);
  const { busy, failure, run } = useTask();
  const [handBack, setHandBack] = useState<{ codes: string[]; refund: number } | undefined>();
  if (handBack) return <HandBack world={world} codes={handBack.codes} refund={handBack.refund} />;
  if (!sale) {
    return (
      <Screen title={_("No sale is open")} say={_("No sale is open. Go back and type the price.")} onBack={() => home("amount")}>
        {null}
      </Screen>
    );
  }
  const label = sign(world, sale.unit);
  const take = (code: string) =>
    run(async () => {
      try {
        const taken = await till.take(code, { online });
        signal(taken.state === "unknown" ? "bad" : "good");
        // After a part the next code is scanned at once.
        if (taken.state === "partly") next();
        else setResult({ taken });
      } catch (thrown) {
        signal("bad");
        setResult({ failure: failureOf(thrown) });
      }
      world.changed();
    });
  const read = (code: string): boolean => {
    if (code === sale.request) return true;
    take(code);
    return false;
  };
  const next = () => setResult(undefined);
  const done = () =>
    run(async () => {
      await till.finish();
      world.changed();
      home("amount");
    });
  if (result && "failure" in result && isRefusal(result.failure)) return <NotTaken shop={till.enrolment.name} failure={result.failure} onNext={next} />;
  // What was taken before this phone died is green too: nobody is asked to pay twice.
  const taken = result && "taken" in result ? result.taken : sale.taken;
  if (taken?.state === "paid") return <Paid world={world} taken={taken} unit={sale.unit} practice={sale.practice} onDone={done} />;
  const cancel = () =>
    run(async () => {
      const found = await till.cancel();
      world.changed();
      if (found.codes.length > 0 || found.refund > 0) setHandBack(found);
      else home("amount");
    });
  const unknown = taken?.state === "unknown";
  return (
    <Screen title={sale.parts > 0 ? _("Partly paid") : _("Let the customer scan")} say={_("Show the code to the customer, then scan theirs.")}>
      <Sum minor={sale.amount - sale.paid} sign={label}>
        {sale.parts > 0
          ? fill(_("{paid} of {all} is paid. Scan the next code."), { paid: <Amount minor={sale.paid} sign={label} />, all: <Amount minor={sale.amount} sign={label} /> })
          : null}
      </Sum>
      {unknown ? (
        <Notice kind="note">
          <p>{_("The answer was lost. Do not hand over goods yet.")}</p>
          <Button
            icon="update"
            disabled={busy}
            onPress={() =>
              run(async () => {
                await till.recover();
                next();
                world.changed();
              })
            }
          >
            {_("Ask again")}
          </Button>
        </Notice>
      ) : null}
      {result && "failure" in result ? (
        <Failed said={failureWords(result.failure)}>
          <Button onPress={next}>{_("Scan again")}</Button>
        </Failed>
      ) : null}
      <Failed said={failure && failureWords(failure)} />
      {sale.request ? <Code text={sale.request} label={_("Request for the customer to scan")} /> : null}
      {blind || result || unknown ? null : (
        <Scanner key={sale.parts} hint={_("Scan the customer's code or voucher here")} onCode={read} onFail={() => setBlind(true)} />
      )}
      {blind ? (
        <>
          <Notice kind="note" icon="camera">
            <p>{_("No camera. Allow it in the browser's settings, or paste the code.")}</p>
          </Notice>
          <CodeForm id="code" label={_("The customer's code")} disabled={busy} clears onText={take}>
            {_("Take this code")}
          </CodeForm>
        </>
      ) : null}
      {sale.practice ? (
        <Button icon="check" disabled={busy} onPress={() => take(till.practiceCode(sale.amount - sale.paid, sale.unit))}>
          {_("Use a practice code")}
        </Button>
      ) : null}
      {blind ? null : (
        <Button kind="quiet" icon="keys" onPress={() => setBlind(true)}>
          {_("Without the camera")}
        </Button>
      )}
      <Button kind="quiet" icon="cross" disabled={busy} onPress={cancel}>
        {_("Cancel the sale")}
      </Button>
    </Screen>
  );
}

/** T4: green, and it stays. */
export function Paid({ world, taken, unit, practice, onDone }: { world: World; taken: Taken; unit: string; practice: boolean; onDone: () => void }) {
  const sum = <Amount minor={taken.amount} sign={sign(world, unit)} large />;
  const standing = taken.confirmed ? _("confirmed") : _("stored, will be confirmed");
  return (
    <div class="paid" role="alert">
      <Icon name="check" large />
      <h1>{practice ? _("Paid (practice)") : _("Paid")}</h1>
      {sum}
      <p>{practice ? _("Without value: do not hand over goods.") : standing}</p>
      <button type="button" class="main huge" onClick={onDone}>
        <Icon name="next" />
        <span>{_("New sale")}</span>
      </button>
      {practice ? null : (
        <Strip shop={world.till.enrolment.name} title={_("Paid")}>
          {sum}
          <p>{standing}</p>
        </Strip>
      )}
    </div>
  );
}

/** A refused code: one sentence, no goods, and for the customer the reason on paper. */
export function NotTaken({ shop, failure, onNext }: { shop: string; failure: Failure; onNext: () => void }) {
  return (
    <div class="paid refused" role="alert">
      <Icon name="cross" large />
      <h1>{failureWords(failure)}</h1>
      <p>{_("Do not hand over goods.")}</p>
      <button type="button" class="main huge" onClick={onNext}>
        <Icon name="camera" />
        <span>{_("Scan again")}</span>
      </button>
      <Strip shop={shop} title={failureWords(failure)} code={failure.code} />
    </div>
  );
}

/** What a cancelled sale gives back: the customer scans each code, or gets a refund. */
function HandBack({ world, codes, refund }: { world: World; codes: string[]; refund: number }) {
  const [place, setPlace] = useState(0);
  const code = codes[place];
  return (
    <Screen title={_("Give the codes back")} say={_("Let the customer scan each code.")}>
      {code ? (
        <>
          <p>{fill(_("Code {place} of {all}: the customer scans it under Receive."), { place: String(place + 1), all: String(codes.length) })}</p>
          <ShownCode text={code} label={_("Code for the customer")} />
          <Button kind="main" icon="next" onPress={() => setPlace(place + 1)}>
            {_("The customer has it")}
          </Button>
        </>
      ) : (
        <>
          {refund > 0 ? (
            <Notice kind="note">
              <p>{fill(_("{amount} was confirmed already: give it back as a refund."), { amount: <Amount minor={refund} sign="" /> })}</p>
              <Button icon="undo" onPress={() => world.go("refund", refund)}>
                {_("Refund")}
              </Button>
            </Notice>
          ) : null}
          <Button kind="main" icon="check" onPress={() => world.home("amount")}>
            {_("Done")}
          </Button>
        </>
      )}
    </Screen>
  );
}

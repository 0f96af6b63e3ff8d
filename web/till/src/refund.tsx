// T7: a refund.

import { HandedCode } from "@amparo/kit/handed.tsx";
import { TypedSum } from "@amparo/kit/keys.tsx";
import { Amount, Button, Choice, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _, fill, isolated, money } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import type { Refund } from "./model.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";
import { MOST } from "./state.ts";

/** T7: a new code for a customer who gives something back; and those that nobody took yet. */
export function GiveBack({ world, minor: given }: { world: World; minor: number }) {
  const { till, back, online } = world;
  const unit = till.enrolment.units[0] ?? "";
  const [minor, setMinor] = useState(given);
  const [refund, setRefund] = useState<Refund | undefined>();
  const { busy, failure, run } = useTask();
  if (refund) return <RefundCode world={world} refund={refund} />;
  return (
    <Screen title={_("Refund")} say={_("Type how much the customer gets back.")} onBack={back}>
      <TypedSum minor={minor} sign={sign(world, unit)} most={MOST} onChange={setMinor} />
      <Failed said={failure && failureWords(failure)} />
      <Button
        kind="main"
        icon="undo"
        disabled={busy || minor === 0 || !online}
        onPress={() =>
          run(async () => {
            setRefund(await till.refund(minor, unit));
            world.changed();
          })
        }
      >
        {_("Refund")}
      </Button>
      {online ? <p class="hint">{_("Paid from sales that are confirmed and not sent in yet.")}</p> : <p class="hint">{_("A refund needs a connection: the new code is made with it.")}</p>}
      {till.refunds().map((each) => (
        <Choice key={each.number} icon="clock" title={isolated(`${money(each.amount)} ${sign(world, each.unit)}`)} note={_("Not taken yet")} onPress={() => setRefund(each)} />
      ))}
    </Screen>
  );
}

/** The code of a refund, until the customer has it, or it comes back. What was taken after all is the customer's, and the screen says so. */
export function RefundCode({ world, refund }: { world: World; refund: Refund }) {
  const { till, back, home, online } = world;
  const [taken, setTaken] = useState<{ back: number } | undefined>();
  const { busy, failure, run } = useTask();
  const label = sign(world, refund.unit);
  const takeBack = () =>
    run(async () => {
      // Finished meanwhile by itself, after a lost answer: it is back.
      const waits = till.refunds().some(({ number }) => number === refund.number);
      const sum = waits ? await till.takeBackRefund(refund.number) : refund.amount;
      world.changed();
      if (sum === refund.amount) home("amount");
      else setTaken({ back: sum });
    });
  if (taken) {
    return (
      <Screen title={_("Refund")} say={_("The customer has taken it already.")} onBack={() => home("amount")}>
        <Notice kind="good" icon="check">
          <p>{_("The customer has taken it already.")}</p>
          {taken.back > 0 ? <p>{fill(_("{amount} of it came back."), { amount: <Amount minor={taken.back} sign={label} /> })}</p> : null}
        </Notice>
      </Screen>
    );
  }
  return (
    <Screen title={_("Code for the customer")} say={_("The customer scans this code under Receive.")} onBack={back}>
      <HandedCode
        code={refund.code}
        label={_("Code for the customer")}
        minor={refund.amount}
        sign={label}
        words={failureWords}
        taken={_("The customer has it")}
        onTaken={async () => {
          await till.refundArrived(refund.number);
          world.changed();
          home("amount");
        }}
      />
      <Failed said={failure && failureWords(failure)} />
      <Button kind="quiet" icon="undo" disabled={busy || !online} onPress={takeBack}>
        {_("The customer did not take it")}
      </Button>
    </Screen>
  );
}

// T7: a refund.

import { HandedCode } from "@amparo/kit/handed.tsx";
import { TypedSum } from "@amparo/kit/keys.tsx";
import { Amount, Button, Choice, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _, fill, money } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import type { Refund } from "./model.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";
import { MOST } from "./state.ts";

/** T7: a new code for a customer who gives something back. */
export function GiveBack({ world, minor: given }: { world: World; minor: number }) {
  const { till, back, home, online } = world;
  const unit = till.enrolment.units[0] ?? "";
  const [minor, setMinor] = useState(given);
  const [refund, setRefund] = useState<Refund | undefined>();
  const [taken, setTaken] = useState<{ back: number } | undefined>();
  const { busy, failure, run } = useTask();
  // What was taken after all is the customer's: the code is over, and the screen says so.
  const takeBack = ({ number, amount }: Refund) =>
    run(async () => {
      // Finished meanwhile by itself, after a lost answer: it is back.
      const waits = till.refunds().some((each) => each.number === number);
      const back = waits ? await till.takeBackRefund(number) : amount;
      world.changed();
      if (back === amount) home("amount");
      else setTaken({ back });
    });
  if (taken) {
    return (
      <Screen title={_("Refund")} say={_("The customer has taken it already.")} onBack={() => home("amount")}>
        <Notice kind="good" icon="check">
          <p>{_("The customer has taken it already.")}</p>
          {taken.back > 0 ? <p>{fill(_("{amount} of it came back."), { amount: <Amount minor={taken.back} sign={sign(world, unit)} /> })}</p> : null}
        </Notice>
      </Screen>
    );
  }
  if (refund) {
    return (
      <Screen title={_("Code for the customer")} say={_("The customer scans this code under Receive.")} onBack={back}>
        <HandedCode
          code={refund.code}
          label={_("Code for the customer")}
          minor={refund.amount}
          sign={sign(world, refund.unit)}
          words={failureWords}
          taken={_("The customer has it")}
          onTaken={async () => {
            await till.refundArrived(refund.number);
            world.changed();
            home("amount");
          }}
        />
        <Failed said={failure && failureWords(failure)} />
        <Button kind="quiet" icon="undo" disabled={busy || !online} onPress={() => takeBack(refund)}>
          {_("The customer did not take it")}
        </Button>
      </Screen>
    );
  }
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
      {till.refunds().map((each) => (
        <Choice key={each.number} icon="clock" title={`${money(each.amount)} ${sign(world, each.unit)}`} note={_("Not taken yet")} onPress={() => setRefund(each)} />
      ))}
      {online ? <p class="hint">{_("Paid from sales that are confirmed and not sent in yet.")}</p> : <p class="hint">{_("A refund needs a connection: the new code is made with it.")}</p>}
    </Screen>
  );
}

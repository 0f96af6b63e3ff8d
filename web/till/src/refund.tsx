// T7: a refund.

import { HandedCode } from "@amparo/kit/handed.tsx";
import { TypedSum } from "@amparo/kit/keys.tsx";
import { Button, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _ } from "@amparo/kit/words.ts";
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
  const [refund, setRefund] = useState<Refund | undefined>(till.refunds()[0]);
  const [late, setLate] = useState(false);
  const { busy, failure, run } = useTask();
  // What was taken after all is the customer's: the code is over, and the screen says so.
  const takeBack = (number: number) =>
    run(async () => {
      // Finished meanwhile by itself, after a lost answer: it is back.
      const sum = till.refunds().some((each) => each.number === number) ? await till.takeBackRefund(number) : 1;
      world.changed();
      if (sum > 0) home("amount");
      else setLate(true);
    });
  if (late) {
    return (
      <Screen title={_("Refund")} say={_("The customer has taken it already.")} onBack={() => home("amount")}>
        <Notice kind="good" icon="check">
          <p>{_("The customer has taken it already.")}</p>
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
        <Button kind="quiet" icon="undo" disabled={busy || !online} onPress={() => takeBack(refund.number)}>
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
      {online ? <p class="hint">{_("Paid from sales that are confirmed and not sent in yet.")}</p> : <p class="hint">{_("A refund needs a connection: the new code is made with it.")}</p>}
    </Screen>
  );
}

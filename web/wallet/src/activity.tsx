// W7: what happened on this phone. No times and no shops are kept; the person can empty the list.

import { Amount, Button, Notice, Screen, Sum } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _, fill, moment } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import { EntryLine, kindWords, stateWords } from "./entry_line.tsx";
import { Refused } from "./refused.tsx";
import type { World } from "./state.ts";

/** All entries, waiting ones first. */
export function Activity({ world }: { world: World }) {
  const entries = world.wallet.activity();
  const waiting = entries.filter((entry) => entry.state === "waiting");
  const others = entries.filter((entry) => entry.state !== "waiting");
  const { busy, run } = useTask();
  return (
    <Screen title={_("Activity")} say={_("What you received and what you paid. Only this phone knows it.")} onBack={world.back}>
      {entries.length === 0 ? <p>{_("Nothing here yet. What you receive and pay shows here.")}</p> : null}
      <ul class="entries">
        {[...waiting, ...others].map((entry) => (
          <EntryLine key={entry.number} world={world} entry={entry} />
        ))}
      </ul>
      {others.length > 0 ? (
        <Button
          icon="cross"
          disabled={busy}
          onPress={() =>
            run(async () => {
              await world.wallet.clearActivity();
              world.changed();
            })
          }
        >
          {_("Empty the list")}
        </Button>
      ) : null}
      <p class="hint">{_("The list is on this phone only. It has no shops and no times.")}</p>
    </Screen>
  );
}

/** A payment that waits: show it again, say that it arrived, or take it back. */
export function EntryDetail({ world, number }: { world: World; number: number }) {
  const entry = world.wallet.activity().find((each) => each.number === number);
  const payment = world.wallet.payment(number);
  const { busy, failure, run } = useTask();
  const [said, setSaid] = useState<preact.ComponentChild>(null);
  if (!entry) return <Screen title={_("Activity")} say={_("What you received and what you paid. Only this phone knows it.")} onBack={world.back}>{said}</Screen>;
  const take = (hurry: boolean) =>
    run(async () => {
      const found = await world.wallet.takeBack(number, { hurry });
      const label = sign(world, entry.unit);
      setSaid(
        <Notice kind={found.taken ? "note" : "good"}>
          <p>
            {found.taken
              ? _("The shop has it already.")
              : found.later
                ? fill(_("It comes back after {moment}, if the shop does not use it."), { moment: moment(found.later) })
                : fill(_("{amount} is back."), { amount: <Amount minor={found.back} sign={label} /> })}
          </p>
        </Notice>,
      );
      world.changed();
    });
  return (
    <Screen title={kindWords(entry)} say={_("This is one payment, and what you can do with it.")} onBack={world.back}>
      <Sum minor={entry.amount} sign={sign(world, entry.unit)}>
        {stateWords(entry)}
      </Sum>
      {said}
      <Refused failure={failure} onHurry={() => take(true)} busy={busy} label={_("Take it back now all the same")} />
      {payment ? (
        <Button kind="main" icon="pay" onPress={() => world.go("code", payment)}>
          {_("Show the code again")}
        </Button>
      ) : null}
      {entry.state === "waiting" ? (
        <>
          <Button
            icon="check"
            disabled={busy}
            onPress={() =>
              run(async () => {
                await world.wallet.arrived(number);
                world.changed();
                world.back();
              })
            }
          >
            {_("The shop has it")}
          </Button>
          <Button icon="undo" disabled={busy || !world.online} onPress={() => take(false)}>
            {_("Get the money back")}
          </Button>
          {world.online ? null : <p class="hint">{_("Taking back needs a connection.")}</p>}
        </>
      ) : null}
    </Screen>
  );
}

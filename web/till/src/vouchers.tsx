// T5: a batch of paper vouchers.

import { Camera } from "@amparo/kit/camera.tsx";
import { CodeForm } from "@amparo/kit/code_form.tsx";
import { Amount, Button, Failed, Notice, Screen, Sum } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { signal } from "@amparo/kit/voice.ts";
import { _, fill, ngettext } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useRef, useState } from "preact/hooks";
import type { BadVoucher } from "./model.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";
import { Strip } from "./strip.tsx";

function badWords(bad: BadVoucher): string {
  switch (bad.reason) {
    case "twice":
      return _("scanned twice");
    case "spent":
      return _("used before");
    case "taken":
      return _("collected here before");
    case "ended":
      return _("expired");
    default:
      return _("not genuine or of another programme");
  }
}

/** T5: many vouchers, one sum. */
export function Vouchers({ world }: { world: World }) {
  const { till, back, online } = world;
  const unit = till.enrolment.units[0] ?? "";
  const label = sign(world, unit);
  const [batch, setBatch] = useState(till.batch());
  const [done, setDone] = useState(false);
  const [blind, setBlind] = useState(false);
  const last = useRef("");
  const counted = ngettext("{n} voucher", "{n} vouchers", batch.count);
  const { busy, failure, run } = useTask();
  const add = (code: string) =>
    run(async () => {
      const before = batch.count;
      const found = await till.addVoucher(code, unit);
      setBatch(found);
      signal(found.count > before ? "good" : "bad");
    });
  return (
    <Screen title={_("Paper vouchers")} say={_("Scan one voucher after the other.")} onBack={back}>
      <Sum minor={batch.sum} sign={label} live>
        {counted}
      </Sum>
      {batch.bad.length > 0 ? (
        <Notice kind="bad">
          <p>{_("These do not count. Do not hand over goods for them:")}</p>
          <ul>
            {batch.bad.map((bad) => (
              <li key={bad.place}>
                {fill(_("Number {place}: {reason}"), { place: String(bad.place), reason: badWords(bad) })} {bad.amount ? <Amount minor={bad.amount} sign={label} /> : null}
              </li>
            ))}
          </ul>
        </Notice>
      ) : null}
      <Failed said={failure && failureWords(failure)} />
      {done ? (
        <>
          <Notice kind="good">
            <p>{fill(_("{amount} is confirmed."), { amount: <Amount minor={batch.sum} sign={label} /> })}</p>
          </Notice>
          <Button
            kind="main"
            icon="check"
            onPress={() => {
              till.dropBatch();
              world.changed();
              back();
            }}
          >
            {_("Done")}
          </Button>
          <Strip shop={till.enrolment.name} title={_("Paid")}>
            <Amount minor={batch.sum} sign={label} large />
            <p>{counted}</p>
            {batch.bad.map((bad) => (
              <p key={bad.place}>{fill(_("Number {place}: {reason}"), { place: String(bad.place), reason: badWords(bad) })}</p>
            ))}
          </Strip>
        </>
      ) : (
        <>
          {blind ? (
            <CodeForm id="voucher" label={_("Code of the voucher")} disabled={busy} clears onText={add}>
              {_("Add")}
            </CodeForm>
          ) : (
            <Camera
              hint={_("Hold it over the next voucher")}
              onCode={(text) => {
                if (text !== last.current) {
                  last.current = text;
                  add(text);
                }
                return true;
              }}
              onFail={() => setBlind(true)}
            />
          )}
          <Button
            kind="main"
            icon="check"
            disabled={busy || batch.count === 0 || !online}
            onPress={() =>
              run(async () => {
                setBatch(await till.finishBatch(unit));
                setDone(true);
                world.changed();
              })
            }
          >
            {_("Finish")}
          </Button>
          {online ? null : <p class="hint">{_("Vouchers need a connection before the goods are handed over.")}</p>}
        </>
      )}
    </Screen>
  );
}

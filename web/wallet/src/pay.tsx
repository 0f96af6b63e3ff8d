// W2 to W5: scan the shop's request or type an amount, confirm, show the code.

import { Camera } from "@amparo/kit/camera.tsx";
import { Icon } from "@amparo/kit/icon.tsx";
import { Paste } from "@amparo/kit/code_form.tsx";
import { HandedCode } from "@amparo/kit/handed.tsx";
import { TypedSum } from "@amparo/kit/keys.tsx";
import { Amount, Button, Choice, Failed, Notice, Screen, Sum } from "@amparo/kit/parts.tsx";
import { nameOf } from "@amparo/kit/settings.ts";
import { failureOf, useTask } from "@amparo/kit/task.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { _, fill, fillText, language, moment, money } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import type { Asked, Payment } from "./model.ts";
import { Refused } from "./refused.tsx";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";
import { mainUnit } from "./state.ts";

const MOST = 99_999_999;

/** W2: the shop's code. Without a camera, or when it is not allowed, the person types the amount. */
export function Pay({ world }: { world: World }) {
  const { wallet, go, back } = world;
  const [failure, setFailure] = useState<Failure | undefined>();
  const [blind, setBlind] = useState<"refused" | "none" | undefined>();
  const read = (text: string): boolean => {
    try {
      go("confirm", wallet.readRequest(text));
      return false;
    } catch (thrown) {
      setFailure(failureOf(thrown));
      return true;
    }
  };
  return (
    <Screen title={_("Scan the shop's code")} say={_("Hold the camera over the code on the shop's screen.")} onBack={back}>
      {blind ? (
        <Notice kind="note" icon="camera">
          <p>{blind === "refused" ? _("The camera is not allowed. Allow it in the browser's settings, or type the amount.") : _("This phone shows no camera. Type the amount.")}</p>
        </Notice>
      ) : (
        <Camera hint={_("Hold it over the code on the shop's screen")} onCode={read} onFail={setBlind} />
      )}
      <Failed said={failure && failureWords(failure)} />
      <Button icon="keys" onPress={() => go("amount")}>
        {_("Type the amount instead")}
      </Button>
      <Paste label={_("Or paste the shop's code")} onText={read} />
    </Screen>
  );
}

/** W3: the amount, and what can be paid instead when no coins make it exactly without a connection. */
export function TypeAmount({ world }: { world: World }) {
  const { wallet, go, back, online } = world;
  const units = wallet.units();
  const [unit, setUnit] = useState(mainUnit(world));
  const [minor, setMinor] = useState(0);
  const { busy, failure, run, clear } = useTask();
  const label = sign(world, unit);
  const ways = minor ? wallet.waysOf(minor, unit) : undefined;
  const change = (next: number) => {
    clear();
    setMinor(next);
  };
  const show = (amount: number, hurry = false) =>
    run(async () => {
      const payment = await wallet.payAmount(amount, unit, { change: online, hurry });
      world.changed();
      go("code", payment);
    });
  const near = ways && !ways.plain && !online ? [ways.near.below, ways.near.above].filter((each) => each !== null) : [];
  return (
    <Screen title={_("How much?")} say={_("Type the amount that the shop says.")} onBack={back}>
      {units.length > 1
        ? units.map((each) => (
            <Choice key={each} title={nameOf(world.told, each, language())} current={each === unit} onPress={() => setUnit(each)} />
          ))
        : null}
      <TypedSum minor={minor} sign={label} most={MOST} onChange={change}>
        {fill(_("You have {amount}"), { amount: <Amount minor={wallet.holding(unit).balance} sign={label} /> })}
      </TypedSum>
      {near.length > 0 ? (
        <Notice kind="note">
          <p>{_("Without a connection these amounts are possible:")}</p>
          <div class="pair">
            {near.map((amount) => (
              <Button key={amount} onPress={() => change(amount)}>
                <Amount minor={amount} sign={label} />
              </Button>
            ))}
          </div>
        </Notice>
      ) : null}
      <Refused failure={failure} onHurry={() => show(minor, true)} busy={busy} />
      <Button kind="main" icon="pay" disabled={busy || !minor || near.length > 0} onPress={() => show(minor)}>
        {_("Show the code")}
      </Button>
      <p class="hint">{_("The shop needs a connection for this code.")}</p>
    </Screen>
  );
}

/** W4: who asks for how much, and what is left after it. */
export function Confirm({ world, asked }: { world: World; asked: Asked }) {
  const { wallet, go, back, online } = world;
  const { busy, failure, run } = useTask();
  const label = sign(world, asked.unit);
  const ways = wallet.ways(asked);
  const left = wallet.holding(asked.unit).balance - (ways.ahead ? 0 : asked.amount);
  const able = ways.ahead || (online && ways.online) || (ways.plain && !asked.lockKey);
  const pay = (options: { hurry?: boolean; plain?: boolean }) =>
    run(async () => {
      const payment = await wallet.pay(asked, options);
      world.changed();
      go("code", payment);
    });
  return (
    <Screen
      title={_("Pay this?")}
      say={_("Look at the amount. Touch Pay if it is right.")}
      full={fillText(_("The shop asks for {amount}. Touch Pay if that is right."), { amount: money(asked.amount) })}
      onBack={back}
    >
      <Sum minor={asked.amount} sign={label}>
        {nameOf(world.told, asked.unit, language())}
      </Sum>
      {left >= 0 ? <p class="sum">{fill(_("{amount} is left after it"), { amount: <Amount minor={left} sign={label} /> })}</p> : null}
      {ways.ahead ? (
        <Notice kind="good" icon="lock">
          <p>{_("Paid from what you set aside for this shop. No connection needed.")}</p>
        </Notice>
      ) : null}
      {!able && ways.plain ? (
        <Notice kind="note" icon="no-line">
          <p>{_("Without a connection the code works only if the shop has one. Ask the shop.")}</p>
          <Button disabled={busy} onPress={() => pay({ plain: true })}>
            {_("The shop has a connection")}
          </Button>
        </Notice>
      ) : null}
      {!able && !ways.plain ? (
        <Notice kind="note" icon="no-line">
          <p>{ways.online ? _("This payment needs a connection now.") : _("That is more than you have.")}</p>
        </Notice>
      ) : null}
      {ways.rests ? <p class="hint">{fill(_("Paying before {moment} makes it easier to guess who paid."), { moment: moment(ways.rests) })}</p> : null}
      <Refused failure={failure} onHurry={() => pay({ hurry: true })} busy={busy} />
      <button type="button" class="main huge" disabled={busy || !able} onClick={() => pay({})}>
        <Icon name="pay" />
        <span>{busy ? _("One moment…") : _("Pay")}</span>
      </button>
      {online && asked.lockKey ? (
        <Button kind="quiet" icon="lock" disabled={busy} onPress={() => go("aside", asked)}>
          {_("Set more aside for this shop")}
        </Button>
      ) : null}
    </Screen>
  );
}

/** Lock an amount to this shop ahead, so that it can be paid here in parts while neither side has a connection. */
export function Aside({ world, asked }: { world: World; asked: Asked }) {
  const { wallet, back } = world;
  const [minor, setMinor] = useState(0);
  const [until, setUntil] = useState(0);
  const { busy, failure, run } = useTask();
  const label = sign(world, asked.unit);
  const lock = (hurry: boolean) =>
    run(async () => {
      if (!asked.lockKey) return;
      const entry = await wallet.lockAhead(minor, asked.unit, asked.lockKey, { hurry });
      setUntil(entry.until);
      world.changed();
    });
  if (until) {
    return (
      <Screen title={_("Set aside for this shop")} say={_("This money waits for this shop. You can pay here without a connection.")} onBack={back}>
        <Notice kind="good" icon="lock">
          <p>
            {fill(_("{amount} can be paid here without a connection. What is not used comes back after {moment}."), {
              amount: <Amount minor={minor} sign={label} />,
              moment: moment(until),
            })}
          </p>
        </Notice>
        <Button kind="main" icon="check" onPress={back}>
          {_("Done")}
        </Button>
      </Screen>
    );
  }
  return (
    <Screen title={_("Set aside for this shop")} say={_("Type how much you want to pay here without a connection.")} onBack={back}>
      <TypedSum minor={minor} sign={label} most={MOST} onChange={setMinor}>
        {fill(_("You have {amount}"), { amount: <Amount minor={wallet.holding(asked.unit).balance} sign={label} /> })}
      </TypedSum>
      <Refused failure={failure} onHurry={() => lock(true)} busy={busy} />
      <Button kind="main" icon="lock" disabled={busy || !minor} onPress={() => lock(false)}>
        {busy ? _("One moment…") : _("Set aside")}
      </Button>
      <p class="hint">{_("Only this shop can take it. Unused, it comes back to you.")}</p>
    </Screen>
  );
}

/** W5: the code, as wide as the screen, and what to do once the shop has it. */
export function PayCode({ world, payment }: { world: World; payment: Payment }) {
  const { wallet, home } = world;
  return (
    <Screen title={_("Show this to the shop")} say={_("Hold the phone so that the shop can scan the code.")}>
      <HandedCode
        code={payment.code}
        label={_("Code for the shop")}
        minor={payment.amount}
        sign={sign(world, payment.unit)}
        note={payment.locked ? _("Only this shop can use the code. No connection needed.") : _("Whoever scans it can use it. Show it to the shop only.")}
        words={failureWords}
        taken={_("The shop has it")}
        onTaken={async () => {
          await wallet.arrived(payment.number);
          world.changed();
          home("home");
        }}
      />
      <Button kind="quiet" icon="clock" onPress={() => home("home")}>
        {_("Later: it waits under Activity")}
      </Button>
    </Screen>
  );
}

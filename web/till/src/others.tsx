// T5 to T8: a batch of vouchers, the money, a refund, the end of the day; and what is needed less often.

import { Camera } from "@amparo/kit/camera.tsx";
import { Code } from "@amparo/kit/code.tsx";
import { collector } from "@amparo/kit/frames.ts";
import { Languages } from "@amparo/kit/languages.tsx";
import { Amount, Button, Choice, Keypad, Notice, PinPad, Screen } from "@amparo/kit/parts.tsx";
import { ShownCode } from "@amparo/kit/shown.tsx";
import { failureOf, useTask } from "@amparo/kit/task.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { useUpdate } from "@amparo/kit/update.ts";
import { signal } from "@amparo/kit/voice.ts";
import { _, fill, moment, ngettext } from "@amparo/kit/words.ts";
import { useEffect, useRef, useState } from "preact/hooks";
import type { BadVoucher, Day, DepositReport, Refund, Sale } from "./model.ts";
import { Limits } from "./sale.tsx";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";
import { sign } from "./state.ts";

export const PIN_LENGTH = 6;

function Failed({ failure }: { failure: Failure | undefined }) {
  return failure ? (
    <Notice kind="bad">
      <p>{failureWords(failure)}</p>
    </Notice>
  ) : null;
}

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
  const [typed, setTyped] = useState("");
  const last = useRef("");
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
      <p class="sum" aria-live="polite">
        <Amount minor={batch.sum} sign={label} large />
        <small>{ngettext("{n} voucher", "{n} vouchers", batch.count)}</small>
      </p>
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
      <Failed failure={failure} />
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
        </>
      ) : (
        <>
          {blind ? (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                add(typed.trim());
                setTyped("");
              }}
            >
              <label for="voucher">{_("Code of the voucher")}</label>
              <textarea id="voucher" dir="ltr" autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
              <Button submit disabled={busy || !typed.trim()}>
                {_("Add")}
              </Button>
            </form>
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

function saleWords(sale: Sale): string {
  switch (sale.state) {
    case "stored":
      return _("stored");
    case "confirmed":
      return _("confirmed");
    case "waiting":
      return _("sent, not answered yet");
    case "refused":
      return _("refused; it is kept and tried again");
    case "ended":
      return _("expired; ask the programme");
    case "spent":
      return _("used before: lost");
  }
}

/** T6: what is stored, sent, to settle and paid. */
export function Money({ world }: { world: World }) {
  const { till, back, online } = world;
  const unit = till.enrolment.units[0] ?? "";
  const label = sign(world, unit);
  const { busy, failure, run } = useTask();
  const [report, setReport] = useState<DepositReport | undefined>();
  const standing = till.lastStanding(unit);
  const sales = till.sales();
  const look = () =>
    run(async () => {
      await till.standing(unit);
      world.changed();
    });
  useEffect(() => {
    if (online) look();
  }, [online]);
  const open = standing ? standing.to_settle - standing.asked : 0;
  return (
    <Screen title={_("Money")} onBack={back}>
      <Failed failure={failure} />
      {standing ? (
        <dl class="facts">
          <div>
            <dt>{_("Sent in")}</dt>
            <dd>
              <Amount minor={standing.deposited} sign={label} />
            </dd>
          </div>
          <div>
            <dt>{_("To settle")}</dt>
            <dd>
              <Amount minor={standing.to_settle} sign={label} />
            </dd>
          </div>
          <div>
            <dt>{_("Asked for")}</dt>
            <dd>
              <Amount minor={standing.asked} sign={label} />
            </dd>
          </div>
          <div>
            <dt>{_("Paid to your account")}</dt>
            <dd>
              <Amount minor={standing.settled} sign={label} />
            </dd>
          </div>
        </dl>
      ) : (
        <p>{sales.length > 0 ? _("Connect once to see what is to be paid.") : _("No sales yet.")}</p>
      )}
      {standing && !online ? <p class="hint">{fill(_("As of {moment}"), { moment: moment(standing.at) })}</p> : null}
      {report ? <Sent world={world} report={report} unit={unit} /> : null}
      <Button
        kind="main"
        icon="take-out"
        disabled={busy || !online}
        onPress={() =>
          run(async () => {
            await till.recover();
            setReport(await till.deposit(unit));
            await till.standing(unit);
            world.changed();
          })
        }
      >
        {busy ? _("One moment…") : _("Send in what is stored")}
      </Button>
      <Button
        icon="receive"
        disabled={busy || !online || open <= 0}
        onPress={() =>
          run(async () => {
            await till.askSettlement(unit, open);
            world.changed();
          })
        }
      >
        {_("Ask to be paid")}
      </Button>
      {online ? null : <p class="hint">{_("Sending in and asking need a connection.")}</p>}
      <Limits world={world} unit={unit} />
      {sales.length > 0 ? (
        <>
          <h2>{_("Stored sales")}</h2>
          <ul class="entries">
            {sales.map((sale) => (
              <li key={sale.number}>
                <span class="what">
                  <b>{fill(_("Sale {number}"), { number: String(sale.number) })}</b>
                  <small>{saleWords(sale)}</small>
                </span>
                <Amount minor={sale.amount} sign={sign(world, sale.unit)} />
              </li>
            ))}
          </ul>
          {sales.some((sale) => sale.state === "spent") ? (
            <Button
              icon="check"
              disabled={busy}
              onPress={() =>
                run(async () => {
                  await till.forgetSpent();
                  world.changed();
                })
              }
            >
              {_("I have seen which are lost")}
            </Button>
          ) : null}
        </>
      ) : null}
    </Screen>
  );
}

function Sent({ world, report, unit }: { world: World; report: DepositReport; unit: string }) {
  const label = sign(world, unit);
  const amount = (minor: number) => ({ amount: <Amount minor={minor} sign={label} /> });
  return (
    <Notice kind={report.lost > 0 ? "note" : "good"}>
      <p>{fill(_("{amount} is sent in."), amount(report.deposited))}</p>
      {report.pending > 0 ? <p>{fill(_("{amount} waits for an answer."), amount(report.pending))}</p> : null}
      {report.refused > 0 ? <p>{fill(_("{amount} was refused and is kept."), amount(report.refused))}</p> : null}
      {report.ended > 0 ? <p>{fill(_("{amount} has expired: ask the programme."), amount(report.ended))}</p> : null}
      {report.lost > 0 ? <p>{fill(_("{amount} had been used before and is lost."), amount(report.lost))}</p> : null}
    </Notice>
  );
}

/** T7: a new code for a customer who gives something back. */
export function GiveBack({ world, minor: given }: { world: World; minor: number }) {
  const { till, back, home, online } = world;
  const unit = till.enrolment.units[0] ?? "";
  const [minor, setMinor] = useState(given);
  const [refund, setRefund] = useState<Refund | undefined>(till.refunds()[0]);
  const { busy, failure, run } = useTask();
  if (refund) {
    return (
      <Screen title={_("Code for the customer")} say={_("The customer scans this code under Receive.")}>
        <p class="sum">
          <Amount minor={refund.amount} sign={sign(world, refund.unit)} large />
        </p>
        <ShownCode text={refund.code} label={_("Code for the customer")} />
        <Button
          kind="main"
          icon="check"
          disabled={busy}
          onPress={() =>
            run(async () => {
              await till.refundArrived(refund.number);
              world.changed();
              home("amount");
            })
          }
        >
          {_("The customer has it")}
        </Button>
        <Failed failure={failure} />
      </Screen>
    );
  }
  return (
    <Screen title={_("Refund")} say={_("Type how much the customer gets back.")} onBack={back}>
      <p class="sum" aria-live="polite">
        <Amount minor={minor} sign={sign(world, unit)} large />
      </p>
      <Keypad minor={minor} most={9_999_999} onChange={setMinor} />
      <Failed failure={failure} />
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

/** T8: the day's count; closed without a connection too. */
export function DayEnd({ world }: { world: World }) {
  const { till, back } = world;
  const unit = till.enrolment.units[0] ?? "";
  const label = sign(world, unit);
  const [closed, setClosed] = useState<Day | undefined>();
  const { busy, failure, run } = useTask();
  const shown = closed ?? till.today(unit);
  const row = (name: string, minor: number) => (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">
        <Amount minor={minor} sign={label} />
      </td>
    </tr>
  );
  return (
    <Screen title={closed ? _("The day is closed") : _("End of the day")} onBack={back}>
      <table>
        <caption class="unseen">{_("The day's sums")}</caption>
        <tbody>
          <tr>
            <th scope="row">{_("Sales")}</th>
            <td class="number">{shown.sales}</td>
          </tr>
          {row(_("Taken"), shown.taken)}
          {row(_("of it confirmed"), shown.confirmed)}
          {row(_("of it on paper"), shown.vouchers)}
          {row(_("Refunds"), shown.refunded)}
          {row(_("Sent in"), shown.deposited)}
          {row(_("Lost: used before"), shown.lost)}
          {row(_("Stored, not sent in"), shown.stored)}
        </tbody>
      </table>
      <Failed failure={failure} />
      {closed ? null : (
        <Button
          kind="main"
          icon="check"
          disabled={busy}
          onPress={() =>
            run(async () => {
              setClosed(await till.closeDay(unit));
              world.changed();
            })
          }
        >
          {_("Close the day")}
        </Button>
      )}
      <Button icon="paper" onPress={() => print()}>
        {_("Print or save it")}
      </Button>
    </Screen>
  );
}

/** The rest. */
export function More({ world }: { world: World }) {
  const { go, back } = world;
  return (
    <Screen title={_("More")} onBack={back}>
      <Choice icon="receive" title={_("Money")} note={_("Stored, sent in, to settle, paid")} onPress={() => go("money")} />
      <Choice icon="undo" title={_("Refund")} onPress={() => go("refund", 0)} />
      <Choice icon="clock" title={_("End of the day")} onPress={() => go("day")} />
      <Choice icon="info" title={_("Practice sale")} note={_("Learn with codes without value")} onPress={() => go("practice")} />
      <Choice icon="settings" title={_("Settings")} onPress={() => go("settings")} />
    </Screen>
  );
}

/** Language, PIN, a second till, a new release, leaving the shop. */
export function Settings({ world }: { world: World }) {
  const { keep, back, till } = world;
  const [step, setStep] = useState<"list" | "pin" | "again" | "second" | "wipe">("list");
  const [first, setFirst] = useState("");
  const update = useUpdate();
  const { busy, failure, run } = useTask();
  const stored = till.enrolment.units.reduce((sum, unit) => sum + till.meter(unit).stored, 0);
  const setPin = (pin: string | null) =>
    run(async () => {
      await keep.changePin(pin);
      world.changed();
      setStep("list");
    });
  if (step === "pin" || step === "again") {
    return (
      <Screen title={step === "pin" ? _("Choose a PIN") : _("The same PIN again")} onBack={() => setStep("list")}>
        <PinPad
          key={step}
          length={PIN_LENGTH}
          label={_("New PIN")}
          onDone={(pin) => {
            if (step === "pin") {
              setFirst(pin);
              setStep("again");
            } else if (pin === first) setPin(pin);
            else setStep("pin");
          }}
        />
      </Screen>
    );
  }
  if (step === "second") {
    return (
      <Screen title={_("A second till of this shop")} onBack={() => setStep("list")}>
        <Notice kind="note" icon="lock">
          <p>{_("Whoever scans this can take payments for this shop. Show it to nobody else.")}</p>
        </Notice>
        <Code text={till.secondTill()} label={_("Code for a second till")} />
      </Screen>
    );
  }
  if (step === "wipe") {
    return (
      <Screen title={_("Take this till out of the shop?")} onBack={() => setStep("list")}>
        <Notice kind="bad">
          <p>{stored > 0 ? fill(_("{amount} is stored and not sent in. It would be lost."), { amount: <Amount minor={stored} sign={sign(world, till.enrolment.units[0] ?? "")} /> }) : _("Everything was sent in. Nothing would be lost.")}</p>
        </Notice>
        <Button
          kind="danger"
          icon="cross"
          disabled={busy}
          onPress={() =>
            run(async () => {
              await keep.wipe();
              location.reload();
            })
          }
        >
          {_("Throw everything away")}
        </Button>
        <Button onPress={() => setStep("list")}>{_("Keep it")}</Button>
      </Screen>
    );
  }
  return (
    <Screen title={_("Settings")} onBack={back}>
      {update.ready ? (
        <Notice kind="note" icon="update">
          <p>{_("A new release of this app is ready.")}</p>
          <Button icon="update" onPress={update.begin}>
            {_("Update now")}
          </Button>
        </Notice>
      ) : null}
      <Failed failure={failure} />
      <h2>{_("Language")}</h2>
      <Languages onChosen={world.changed} />
      <h2>{_("PIN")}</h2>
      <Button icon="lock" disabled={busy} onPress={() => setStep("pin")}>
        {keep.hasPin() ? _("Change the PIN") : _("Choose a PIN")}
      </Button>
      {keep.hasPin() ? (
        <Button kind="quiet" disabled={busy} onPress={() => setPin(null)}>
          {_("Open without a PIN")}
        </Button>
      ) : null}
      <h2>{_("This till")}</h2>
      <Choice icon="plus" title={_("A second till of this shop")} onPress={() => setStep("second")} />
      <Choice icon="cross" title={_("Take this till out of the shop")} onPress={() => setStep("wipe")} />
      <p class="hint">{fill(_("Anyone can compare this app with the public log: {address}"), { address: `${location.host}/files.json` })}</p>
    </Screen>
  );
}

/** T0: the code from the office makes this phone a till. */
export function Begin({ onCode, online }: { onCode: (code: string) => Promise<void>; online: boolean }) {
  const [typed, setTyped] = useState("");
  const [blind, setBlind] = useState(true);
  const [failure, setFailure] = useState<Failure | undefined>();
  const [busy, setBusy] = useState(false);
  const parts = useRef(collector());
  const send = (code: string) => {
    setBusy(true);
    setFailure(undefined);
    onCode(code.trim())
      .catch((thrown: unknown) => setFailure(failureOf(thrown)))
      .finally(() => setBusy(false));
  };
  return (
    <Screen title={_("A till for your shop")} say={_("Scan the code that the office gave your shop.")}>
      <Failed failure={failure} />
      {blind ? null : (
        <Camera
          hint={_("Hold it over the office's code")}
          onCode={(text) => {
            const whole = parts.current.add(text);
            if (whole === undefined) return true;
            send(whole);
            return false;
          }}
          onFail={() => setBlind(true)}
        />
      )}
      {blind ? (
        <Button kind="main" icon="camera" onPress={() => setBlind(false)}>
          {_("Scan the office's code")}
        </Button>
      ) : null}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send(typed);
        }}
      >
        <label for="till-code">{_("Or paste it")}</label>
        <textarea id="till-code" dir="ltr" autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <Button icon="check" submit disabled={busy || !typed.trim() || !online}>
          {busy ? _("One moment…") : _("Begin")}
        </Button>
      </form>
      {online ? null : <p class="hint">{_("This needs a connection once.")}</p>}
      <h2>{_("Language")}</h2>
      <Languages onChosen={() => setTyped(typed)} />
    </Screen>
  );
}

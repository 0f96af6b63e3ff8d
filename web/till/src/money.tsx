// T6: the shop's money: stored, sent in, to settle, paid.

import { Amount, Button, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _, fill, moment } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useEffect, useState } from "preact/hooks";
import { Limits } from "./limits.tsx";
import type { DepositReport, Sale } from "./model.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

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
  const row = (name: string, minor: number) => (
    <div>
      <dt>{name}</dt>
      <dd>
        <Amount minor={minor} sign={label} />
      </dd>
    </div>
  );
  const open = standing ? standing.to_settle - standing.asked : 0;
  return (
    <Screen title={_("Money")} say={_("What is stored here, what was sent in, and what is still to be paid to you.")} onBack={back}>
      <Failed said={failure && failureWords(failure)} />
      {standing ? (
        <dl class="facts">
          {row(_("Sent in"), standing.deposited)}
          {row(_("To settle"), standing.to_settle)}
          {row(_("Asked for"), standing.asked)}
          {row(_("Paid to your account"), standing.settled)}
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

// W1: the first screen with the balance.

import { Icon } from "@amparo/kit/icon.tsx";
import { Amount, Button, Notice, Screen } from "@amparo/kit/parts.tsx";
import { choices, choose, nameOf } from "@amparo/kit/settings.ts";
import { _, day, fill, language, moment } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import { EntryLine } from "./entry_line.tsx";
import type { Seen } from "./state.ts";

/** Balance, until when, pay, receive, what happened last. */
export function Home({ world }: { world: Seen }) {
  const { wallet, go, online } = world;
  const [shown, setShown] = useState(choices().shown ?? false);
  const units = wallet.units();
  const papers = wallet.papers();
  // What another phone of this household took is theirs, until its wallet is brought back here.
  const due = papers.filter((paper) => wallet.aid(paper).due && !paper.claimed);
  const last = wallet.activity().slice(0, 3);
  const show = () => {
    choose({ shown: !shown });
    setShown(!shown);
  };
  return (
    <Screen title={_("Your aid")} say={_("This is your aid. In a shop, touch Pay.")}>
      {units.length === 0 && due.length === 0 ? (
        <Notice kind="plain" icon="info">
          <p>{wallet.isEnrolled() ? _("No aid yet. It shows here when it is ready.") : _("No aid yet. Add the code from the office.")}</p>
        </Notice>
      ) : null}
      {units.map((unit) => (
        <Balance key={unit} world={world} unit={unit} shown={shown} />
      ))}
      {units.length > 0 ? (
        <Button kind="quiet" icon={shown ? "eye-off" : "eye"} onPress={show}>
          {shown ? _("Hide the balance") : _("Show the balance")}
        </Button>
      ) : null}
      {due.length > 0 ? (
        <Notice kind="good" icon="receive">
          <p>{_("New aid is ready for you.")}</p>
          <Button icon="receive" onPress={() => go("papers")}>
            {_("Take your aid")}
          </Button>
        </Notice>
      ) : null}
      {units.length > 0 ? (
        <button type="button" class="main huge" onClick={() => go("pay")}>
          <Icon name="pay" />
          <span>{_("Pay")}</span>
        </button>
      ) : null}
      <div class="pair">
        {units.length > 0 ? (
          <Button icon="keys" onPress={() => go("amount")}>
            {_("Type the amount")}
          </Button>
        ) : null}
        <Button icon="receive" onPress={() => go(wallet.isEnrolled() ? "receive" : "enrol")}>
          {wallet.isEnrolled() ? _("Receive") : _("Add the office's code")}
        </Button>
        <Button icon="menu" onPress={() => go("more")}>
          {_("More")}
        </Button>
      </div>
      {units.length > 0 && !wallet.isRecoveryTested() ? (
        <Notice kind="note" icon="save">
          <p>{_("If you lose this phone you lose this money. Save a copy on paper.")}</p>
          <Button icon="save" onPress={() => go("copy")}>
            {_("Save a copy")}
          </Button>
        </Notice>
      ) : null}
      {last.length > 0 ? (
        <section>
          <h2>{_("Latest activity")}</h2>
          <ul class="entries">
            {last.map((entry) => (
              <EntryLine key={entry.number} world={world} entry={entry} />
            ))}
          </ul>
          <Button kind="quiet" icon="list" onPress={() => go("activity")}>
            {_("All activity")}
          </Button>
        </section>
      ) : null}
      {online ? null : <p class="hint">{_("Papers and new aid need a connection.")}</p>}
    </Screen>
  );
}

function Balance({ world, unit, shown }: { world: Seen; unit: string; shown: boolean }) {
  const holding = world.wallet.holding(unit);
  const end = world.wallet.nextEnd(unit);
  const label = sign(world, unit);
  const resting = holding.resting.reduce((sum, each) => sum + each.amount, 0);
  const first = holding.resting[0];
  return (
    <section class="balance">
      <p class="muted">{nameOf(world.told, unit, language())}</p>
      {shown ? <Amount minor={holding.balance} sign={label} large /> : <p class="amount large">•••</p>}
      {end ? (
        <p class={end.warnFrom <= Date.now() / 1000 ? "" : "muted"}>
          <Icon name="clock" /> {fill(_("Use it until {day}"), { day: day(end.finalExpiry) })}
        </p>
      ) : null}
      {shown && resting > 0 && first ? (
        <p class="muted">
          {fill(_("{amount} of it can be paid from {moment}"), { amount: <Amount minor={resting} sign={label} />, moment: moment(first.until) })}
        </p>
      ) : null}
      {shown && holding.aside > 0 ? <p class="muted">{fill(_("{amount} is set aside for shops"), { amount: <Amount minor={holding.aside} sign={label} /> })}</p> : null}
    </section>
  );
}

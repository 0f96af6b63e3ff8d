// What stands around every screen of the till, and which screen it is.

import { Icon } from "@amparo/kit/icon.tsx";
import { _, ngettext } from "@amparo/kit/words.ts";
import { DayEnd, GiveBack, Money, More, Settings, Vouchers } from "./others.tsx";
import { Scan, TypeAmount } from "./sale.tsx";
import type { World } from "./state.ts";

/** Bar, line about the connection, and the screen. */
export function Frame({ world }: { world: World }) {
  const { till, told, online } = world;
  const stored = till.sales().filter((sale) => sale.state === "stored").length;
  return (
    <>
      <header>
        {told.practice ? <p class="practice">{_("For practice: this money is invented.")}</p> : null}
        <div class="bar">
          <span class="name">
            <Icon name="till" /> {till.enrolment.name || "Amparo"}
          </span>
          <span class="state">
            <Icon name={online ? "line" : "no-line"} /> {online ? _("Connected") : _("No connection")}
          </span>
        </div>
        {online ? null : (
          <p class="offline" role="status">
            <Icon name="no-line" />
            <span>
              {_("No connection. You can go on selling.")} {stored > 0 ? ngettext("{n} sale stored.", "{n} sales stored.", stored) : ""}
            </span>
          </p>
        )}
      </header>
      <Shown world={world} />
    </>
  );
}

function Shown({ world }: { world: World }) {
  switch (world.place.name) {
    case "scan":
      return <Scan world={world} />;
    case "vouchers":
      return <Vouchers world={world} />;
    case "money":
      return <Money world={world} />;
    case "refund":
      return <GiveBack world={world} minor={typeof world.place.about === "number" ? world.place.about : 0} />;
    case "day":
      return <DayEnd world={world} />;
    case "more":
      return <More world={world} />;
    case "practice":
      return <TypeAmount world={world} practice />;
    case "settings":
      return <Settings world={world} />;
    default:
      return <TypeAmount world={world} />;
  }
}

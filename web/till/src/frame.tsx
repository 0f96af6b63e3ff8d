// What stands around every screen of the till, and which screen it is.

import { Bar } from "@amparo/kit/bar.tsx";
import { _, ngettext } from "@amparo/kit/words.ts";
import { DayEnd } from "./day.tsx";
import { Money } from "./money.tsx";
import { More, SecondTill, Settings } from "./more.tsx";
import { GiveBack } from "./refund.tsx";
import { Scan, TypeAmount } from "./sale.tsx";
import type { World } from "./state.ts";
import { Vouchers } from "./vouchers.tsx";

/** Bar, line about the connection, and the screen. */
export function Frame({ world }: { world: World }) {
  const { till } = world;
  const stored = till.sales().filter((sale) => sale.state === "stored").length;
  return (
    <>
      <Bar world={world} icon="till" name={till.enrolment.name || "Amparo"}>
        {_("No connection. You can go on selling.")} {stored > 0 ? ngettext("{n} sale stored.", "{n} sales stored.", stored) : ""}
      </Bar>
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
    case "second":
      return <SecondTill world={world} />;
    default:
      return <TypeAmount world={world} />;
  }
}

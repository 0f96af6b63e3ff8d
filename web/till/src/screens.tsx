// Which screen of the till is shown.

import { TypeAmount } from "./amount.tsx";
import { DayEnd } from "./day.tsx";
import { Money } from "./money.tsx";
import { More, SecondTill, Settings } from "./more.tsx";
import { GiveBack } from "./refund.tsx";
import { Scan } from "./sale.tsx";
import type { World } from "./state.ts";
import { Vouchers } from "./vouchers.tsx";

/** The screen by its name; the one that takes an amount stands in the frame. */
export function Screens({ world }: { world: World }) {
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
    case "amount":
      return null;
  }
}

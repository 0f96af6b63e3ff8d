// What stands around every screen of the till, and the first of them.

import { Bar } from "@amparo/kit/bar.tsx";
import { _, ngettext } from "@amparo/kit/words.ts";
import type { ComponentChildren } from "preact";
import { TypeAmount } from "./amount.tsx";
import type { Seen } from "./state.ts";

/** Bar, line about the connection, and the screen: the one that takes an amount, or `children`. */
export function Frame({ world, children }: { world: Seen; children: ComponentChildren }) {
  const { till } = world;
  const stored = till.sales().filter((sale) => sale.state === "stored").length;
  return (
    <>
      <Bar world={world} icon="till" name={till.enrolment.name || "Amparo"}>
        {_("No connection. You can go on selling.")} {stored > 0 ? ngettext("{n} sale stored.", "{n} sales stored.", stored) : ""}
      </Bar>
      {world.place.name === "amount" ? <TypeAmount world={world} /> : children}
    </>
  );
}

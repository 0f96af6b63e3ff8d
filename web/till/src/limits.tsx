// How much a till may take without a connection.

import { Amount, Meter } from "@amparo/kit/parts.tsx";
import { _, fill, money } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import type { Seen } from "./state.ts";

/** How full the till is without a connection. */
export function Limits({ world, unit }: { world: Seen; unit: string }) {
  const found = world.till.meter(unit);
  return (
    <section aria-label={_("Limits without a connection")}>
      <Meter label={_("stored")} used={found.stored} most={found.storedMost} shown={`${money(found.stored)} / ${money(found.storedMost)}`} />
      <Meter label={_("hours alone")} used={found.hoursAlone} most={found.hoursMost} shown={`${Math.floor(found.hoursAlone)} / ${found.hoursMost}`} />
      <p class="hint">{fill(_("At most {amount} in one sale, {n} sales stored."), { amount: <Amount minor={found.perSale} sign={sign(world, unit)} />, n: String(found.sales) })}</p>
    </section>
  );
}

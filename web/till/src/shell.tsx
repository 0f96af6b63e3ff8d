// The open till: bar, line about the connection, and one screen at a time; what was interrupted is finished by itself when there is a
// connection. Sending in is the shop's own deed: at which minutes it sells is nobody's business.

import { useOnline } from "@amparo/kit/line.ts";
import { usePlaces } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { useUpkeep } from "@amparo/kit/upkeep.ts";
import { useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import type { TillApi } from "./model.ts";
import type { Session } from "./session.ts";
import type { Name, World } from "./state.ts";

export { open, wipe } from "./session.ts";

/** The till of an enrolled shop. */
export function App({ session, till, told }: { session: Session; till: TillApi; told: Addresses }) {
  const [, redraw] = useState(0);
  const places = usePlaces<Name>(till.sale() ? "scan" : "amount");
  const online = useOnline();
  const changed = () => redraw((n) => n + 1);
  useUpkeep(online, session.upkeep, changed);
  const world: World = { ...places, till, told, online, changed, keep: session.keep };
  return <Frame world={world} />;
}

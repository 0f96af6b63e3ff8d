// The open wallet: bar, line about the connection, and one screen at a time; the upkeep runs by itself while there is a connection.

import { useOnline } from "@amparo/kit/line.ts";
import { usePlaces } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { useUpkeep } from "@amparo/kit/upkeep.ts";
import { useEffect, useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import type { Session } from "./session.ts";
import type { Name, World } from "./state.ts";

export { open, wipe } from "./session.ts";

/** The wallet. */
export function App({ opened, told, first }: { opened: Session; told: Addresses; first: Name }) {
  const [, redraw] = useState(0);
  const places = usePlaces<Name>("home");
  const online = useOnline();
  const changed = () => redraw((n) => n + 1);
  const world: World = { ...places, wallet: opened.wallet, told, online, changed, keep: opened.keep };
  useEffect(() => {
    if (first !== "home") places.go(first);
  }, []);
  useUpkeep(online, opened.upkeep, changed);
  return <Frame world={world} />;
}

// The open till: bar, line about the connection, and one screen at a time; what is stored is sent in by itself when there is a connection.

import { useOnline } from "@amparo/kit/line.ts";
import { usePlaces } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { askToPersist } from "@amparo/kit/update.ts";
import { useEffect, useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import type { Session } from "./session.ts";
import { openSession } from "./session.ts";
import type { Name, World } from "./state.ts";

export { wipe } from "./session.ts";

const UPKEEP_MS = 60_000;

/** Open the sealed store and everything above it. Rejects with the store's and the log's errors. */
export async function open(told: Addresses, pin: string | undefined, waiting: () => void): Promise<Session> {
  const session = await openSession(told, pin, waiting);
  void askToPersist();
  return session;
}

/** The till of an enrolled shop. */
export function App({ session, told }: { session: Session; told: Addresses }) {
  const till = session.till();
  const [, redraw] = useState(0);
  const places = usePlaces<Name>(till?.sale() ? "scan" : "amount");
  const online = useOnline();
  const changed = () => redraw((n) => n + 1);
  useEffect(() => {
    if (!online || !till) return;
    let open = true;
    const work = async () => {
      await session.upkeep().catch(() => undefined); // what did not work now is tried again in a minute
      if (open) changed();
    };
    void work();
    const timer = setInterval(() => void work(), UPKEEP_MS);
    return () => {
      open = false;
      clearInterval(timer);
    };
  }, [online, till]);
  if (!till) return null;
  const world: World = { ...places, till, told, online, changed, keep: session.keep };
  return <Frame world={world} />;
}

// The opened store: the first screen at once, from what the store alone shows; behind it comes what knows coins, curve and log, with
// all other screens and the upkeep.

import { useOnline } from "@amparo/kit/line.ts";
import { NotCome, Waiting, useBehind } from "@amparo/kit/opening.tsx";
import { usePlaces } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import { useUpkeep } from "@amparo/kit/upkeep.ts";
import type { Device } from "@amparo/purse/device.ts";
import { openDevice, wipeDevice } from "@amparo/purse/device.ts";
import { useEffect, useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import { Glance } from "./glance.ts";
import { failureWords } from "./says.ts";
import type { Name, Seen, World } from "./state.ts";

const NAME = "amparo-wallet";

/** Open the sealed store. `waiting` is called when another window has the wallet. Rejects with the errors of the store. */
export async function open(_told: Addresses, pin: string | undefined, waiting: () => void): Promise<Device> {
  return openDevice(NAME, pin, waiting);
}

/** Throw away what cannot be opened: the PIN was forgotten, or the store is damaged. */
export async function wipe(): Promise<void> {
  await wipeDevice(NAME);
}

/** The wallet. */
export function App({ opened, told, first }: { opened: Device; told: Addresses; first: Name }) {
  const [, redraw] = useState(0);
  const coming = useBehind(async () => {
    const { Screens, openSession } = await import("./whole.ts");
    return { Screens, session: await openSession(opened, told) };
  });
  const [glance] = useState(() => new Glance(opened.vault, clockOf(told)));
  const { whole } = coming;
  const places = usePlaces<Name>("home");
  const online = useOnline();
  const changed = () => redraw((n) => n + 1);
  useEffect(() => {
    if (first !== "home") places.go(first);
  }, []);
  useUpkeep(online && whole !== undefined, async () => whole?.session.upkeep(), changed);
  const around = { ...places, told, online, changed };
  const seen: Seen = { ...around, wallet: glance, keep: opened.keep };
  const world: World | undefined = whole && { ...around, wallet: whole.session.wallet, keep: whole.session.keep };
  return (
    <>
      <NotCome coming={coming} words={failureWords} />
      <Frame world={world ?? seen}>
        {whole && world ? <whole.Screens world={world} /> : <Waiting />}
      </Frame>
    </>
  );
}

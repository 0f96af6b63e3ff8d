// The opened store: the screen that takes an amount at once, from what the store alone shows; behind it comes what knows coins, curve and
// log, with all other screens and the upkeep. Sending in is the shop's own deed: at which minutes it sells is nobody's business.

import { useOnline } from "@amparo/kit/line.ts";
import { NotCome, Waiting, useBehind } from "@amparo/kit/opening.tsx";
import { usePlaces } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import { useUpkeep } from "@amparo/kit/upkeep.ts";
import type { Device } from "@amparo/purse/device.ts";
import { openDevice, wipeDevice } from "@amparo/purse/device.ts";
import { useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import { Glance, keptEnrolment } from "./glance.ts";
import { failureWords } from "./says.ts";
import type { Session } from "./session.ts";
import type { Name, Seen, World } from "./state.ts";

const NAME = "amparo-till";

/** What stands on the open store. */
export interface Whole extends Pick<typeof import("./whole.ts"), "Screens" | "Scanner"> {
  session: Session;
}

/** The open store. */
export interface Opened {
  keep: Device["keep"];
  told: Addresses;
  /** The till as the store shows it; null: this is no till yet. */
  glance(): Glance | null;
  /** All the rest, loaded once. Rejects with the errors of the log, and when it cannot be had. */
  whole(): Promise<Whole>;
}

/** Open the sealed store. `waiting` is called when another window has the till. Rejects with the errors of the store. */
export async function open(told: Addresses, pin: string | undefined, waiting: () => void): Promise<Opened> {
  const device = await openDevice(NAME, pin, waiting);
  const glance = new Glance(device.vault, clockOf(told));
  const load = async (): Promise<Whole> => {
    const { Screens, Scanner, openSession } = await import("./whole.ts");
    return { Screens, Scanner, session: await openSession(device, told) };
  };
  let whole: Promise<Whole> | undefined;
  return {
    keep: device.keep,
    told,
    glance: () => (keptEnrolment(device.vault) ? glance : null),
    whole() {
      whole ??= load().catch((thrown: unknown) => {
        whole = undefined; // the next one tries again
        throw thrown;
      });
      return whole;
    },
  };
}

/** Throw away what cannot be opened: the PIN was forgotten, or the store is damaged. */
export async function wipe(): Promise<void> {
  await wipeDevice(NAME);
}

/** The till of an enrolled shop. */
export function App({ opened, glance }: { opened: Opened; glance: Glance }) {
  const { told, keep } = opened;
  const [, redraw] = useState(0);
  const coming = useBehind(opened.whole);
  const { whole } = coming;
  const places = usePlaces<Name>(glance.isSelling() ? "scan" : "amount");
  const online = useOnline();
  const changed = () => redraw((n) => n + 1);
  const till = whole?.session.till();
  useUpkeep(online && whole !== undefined, async () => whole?.session.upkeep(), changed);
  const charge = async (minor: number, unit: string, practice: boolean) => {
    const { session } = await coming.again(); // what is there already comes at once
    await session.till()?.begin(minor, unit, { practice });
  };
  const seen: Seen = { ...places, told, online, changed, charge, till: glance, keep };
  const world: World | undefined = till && { ...seen, till, keep };
  return (
    <>
      <NotCome coming={coming} words={failureWords} />
      <Frame world={world ?? seen}>{whole && world ? <whole.Screens world={world} /> : <Waiting />}</Frame>
    </>
  );
}

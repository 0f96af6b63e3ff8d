// The opened store: the first screen at once, from what the store alone shows; behind it comes what knows coins, curve and log, with
// all other screens and the upkeep.

import { useOnline } from "@amparo/kit/line.ts";
import { Failed } from "@amparo/kit/parts.tsx";
import { usePlaces } from "@amparo/kit/places.ts";
import type { Addresses } from "@amparo/kit/settings.ts";
import { clockOf } from "@amparo/kit/settings.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { failureOf } from "@amparo/kit/task.ts";
import { useUpkeep } from "@amparo/kit/upkeep.ts";
import { _ } from "@amparo/kit/words.ts";
import type { Device } from "@amparo/purse/device.ts";
import { openDevice, wipeDevice } from "@amparo/purse/device.ts";
import { useEffect, useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import { Glance } from "./glance.ts";
import { failureWords } from "./says.ts";
import type { Session } from "./session.ts";
import type { Name, Seen, World } from "./state.ts";

const NAME = "amparo-wallet";

type Whole = typeof import("./whole.ts");

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
  const [whole, setWhole] = useState<{ Screens: Whole["Screens"]; session: Session } | undefined>();
  const [failure, setFailure] = useState<Failure | undefined>();
  const [glance] = useState(() => new Glance(opened.vault, clockOf(told)));
  const places = usePlaces<Name>("home");
  const online = useOnline();
  const changed = () => redraw((n) => n + 1);
  const begin = async () => {
    try {
      const { Screens, openSession } = await import("./whole.ts");
      setWhole({ Screens, session: await openSession(opened, told) });
    } catch (thrown) {
      setFailure(failureOf(thrown));
    }
  };
  useEffect(() => {
    if (first !== "home") places.go(first);
    void begin();
  }, []);
  useUpkeep(online && whole !== undefined, async () => whole?.session.upkeep(), changed);
  const around = { ...places, told, online, changed };
  const seen: Seen = { ...around, wallet: glance, keep: opened.keep };
  const world: World | undefined = whole && { ...around, wallet: whole.session.wallet, keep: whole.session.keep };
  return (
    <>
      <Failed said={failure && failureWords(failure)} />
      <Frame world={world ?? seen}>
        {whole && world ? (
          <whole.Screens world={world} />
        ) : (
          <main>
            <p class="wait" role="status">
              {_("Opening…")}
            </p>
          </main>
        )}
      </Frame>
    </>
  );
}

// What an app does by itself while there is a connection.

import { useEffect } from "preact/hooks";

const UPKEEP_MS = 60_000;

/** Work now and again every minute while `online`; `changed` after each time, as long as the screen is there. */
export function useUpkeep(online: boolean, upkeep: () => Promise<void>, changed: () => void): void {
  useEffect(() => {
    if (!online) return;
    let open = true;
    const work = async () => {
      await upkeep().catch(() => undefined); // what did not work now is tried again in a minute
      if (open) changed();
    };
    void work();
    const timer = setInterval(() => void work(), UPKEEP_MS);
    return () => {
      open = false;
      clearInterval(timer);
    };
  }, [online]);
}

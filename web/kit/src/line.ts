// Whether there is a connection: asked of the address that the app came from, because `navigator.onLine` says only that some network is
// there. The answer is empty; the question carries nothing and nobody writes it down.

import { useEffect, useState } from "preact/hooks";

const PATIENCE_MS = 4_000;
const AGAIN_MS = 20_000;

/** Ask once. */
export async function isOnline(): Promise<boolean> {
  if (!navigator.onLine) return false;
  try {
    const answer = await fetch("/alive", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok;
  } catch {
    return false;
  }
}

const listeners = new Set<(online: boolean) => void>();
let known = true;
let timer: ReturnType<typeof setTimeout> | undefined;

async function look(): Promise<void> {
  clearTimeout(timer);
  const found = await isOnline();
  if (found !== known) {
    known = found;
    for (const tell of listeners) tell(found);
  }
  if (document.visibilityState === "visible") timer = setTimeout(() => void look(), AGAIN_MS);
}

/** Whether there is a connection, kept current while the screen is looked at. */
export function useOnline(): boolean {
  const [online, setOnline] = useState(known);
  useEffect(() => {
    const again = () => void look();
    listeners.add(setOnline);
    addEventListener("online", again);
    addEventListener("offline", again);
    document.addEventListener("visibilitychange", again);
    again();
    return () => {
      listeners.delete(setOnline);
      removeEventListener("online", again);
      removeEventListener("offline", again);
      document.removeEventListener("visibilitychange", again);
    };
  }, []);
  return online;
}

// The app's own keeping: a worker keeps every file, and a new release begins only when somebody taps for it.

import { useEffect, useState } from "preact/hooks";

interface Policy {
  createScriptURL(address: string): string;
}
interface Policies {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): Policy;
}

const WORKER = "/worker.js";

function workerAddress(): string {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  const rules = {
    createScriptURL(address: string): string {
      if (address !== WORKER) throw new TypeError("address");
      return address;
    },
  };
  return policies ? policies.createPolicy("amparo", rules).createScriptURL(WORKER) : WORKER;
}

let waiting: ServiceWorker | undefined;
const listeners = new Set<(there: boolean) => void>();

function found(worker: ServiceWorker | null): void {
  if (!worker || !navigator.serviceWorker.controller) return;
  waiting = worker;
  for (const tell of listeners) tell(true);
}

/** Keep the app on this phone. Called once. */
export async function keepOnPhone(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    const kept = await navigator.serviceWorker.register(workerAddress(), { scope: "/", updateViaCache: "none" });
    found(kept.waiting);
    // Without a reader of codes of its own the phone needs ours before its first scan, which may be without a connection.
    if (!("BarcodeDetector" in globalThis)) void navigator.serviceWorker.ready.then((ready) => ready.active?.postMessage("fetch-spare"));
    kept.addEventListener("updatefound", () => {
      const coming = kept.installing;
      coming?.addEventListener("statechange", () => {
        if (coming.state === "installed") found(coming);
      });
    });
  } catch {
    // Without it the app works with a connection only; nothing is lost.
  }
}

/** Fetch a file that is not kept from the beginning, and keep it from now on. Rejects when it cannot be had. */
export async function fetchLater(path = ""): Promise<Response> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path);
  // By name: at the first visit the worker does not see what the page fetches.
  void navigator.serviceWorker?.ready.then(({ active }) => active?.postMessage(path));
  return answer;
}

/** Whether a new release lies ready, and how to begin it. */
export function useUpdate(): { ready: boolean; begin: () => void } {
  const [ready, setReady] = useState(waiting !== undefined);
  useEffect(() => {
    listeners.add(setReady);
    return () => void listeners.delete(setReady);
  }, []);
  return {
    ready,
    begin() {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting?.postMessage("begin");
    },
  };
}

/** Ask the browser not to throw the stored money away when the phone runs full. Whether it promised. */
export async function askToPersist(): Promise<boolean> {
  try {
    return (await navigator.storage?.persist?.()) ?? false;
  } catch {
    return false;
  }
}

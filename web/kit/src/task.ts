// One thing being done at a time: a screen shows that it waits, and says in words what went wrong.

import { useCallback, useState } from "preact/hooks";

/** What a failed task is told by: a stable code, where it has one, and the moment that some refusals name (unix seconds). */
export interface Failure {
  code: string;
  until: number;
}

/** The code of whatever was thrown; of a service's refusal the service's own. */
export function failureOf(thrown: unknown): Failure {
  const error = thrown as { code?: unknown; remoteCode?: unknown; values?: { said?: unknown; until?: unknown; waitUntil?: unknown } };
  const code = [error.values?.said, error.remoteCode, error.code].find((each) => typeof each === "string" && each !== "") ?? "app.unexpected";
  const until = [error.values?.until, error.values?.waitUntil].find((each): each is number => typeof each === "number");
  return { code: String(code), until: until ?? 0 };
}

/** Runs tasks one after the other: `busy` while one runs, `failure` of the last one. */
export function useTask(): { busy: boolean; failure: Failure | undefined; run: (task: () => Promise<void>) => void; clear: () => void } {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>();
  const run = useCallback((task: () => Promise<void>) => {
    setBusy(true);
    setFailure(undefined);
    task()
      .catch((thrown: unknown) => setFailure(failureOf(thrown)))
      .finally(() => setBusy(false));
  }, []);
  return { busy, failure, run, clear: useCallback(() => setFailure(undefined), []) };
}

// A code that one person shows and another takes: the code, its sum, and the word of who showed it that it was taken.

import { Button, Failed, Sum } from "./parts.tsx";
import { ShownCode } from "./shown.tsx";
import type { Failure } from "./task.ts";
import { useTask } from "./task.ts";

/** The inside of the screen of such a code. `words`: what a failure is called. */
export function HandedCode(given: {
  code: string;
  label: string;
  minor: number;
  sign: string;
  note?: string;
  words: (failure: Failure) => string;
  taken: string;
  onTaken: () => Promise<void>;
}) {
  const { busy, failure, run } = useTask();
  return (
    <>
      <ShownCode text={given.code} label={given.label} />
      <Sum minor={given.minor} sign={given.sign}>
        {given.note}
      </Sum>
      <Failed said={failure && given.words(failure)} />
      <Button kind="main" icon="check" disabled={busy} onPress={() => run(given.onTaken)}>
        {given.taken}
      </Button>
    </>
  );
}

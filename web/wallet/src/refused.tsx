// What went wrong, and a way on where waiting only protects privacy.

import { Button, Failed } from "@amparo/kit/parts.tsx";
import type { Failure } from "@amparo/kit/task.ts";
import { _ } from "@amparo/kit/words.ts";
import { failureWords } from "./says.ts";

/** `label`: what the way on is called, where "go on" does not say it. */
export function Refused({ failure, onHurry, busy, label }: { failure: Failure | undefined; onHurry: () => void; busy: boolean; label?: string }) {
  return (
    <Failed said={failure && failureWords(failure)}>
      {failure?.code.endsWith("_rests") ? (
        <Button disabled={busy} onPress={onHurry}>
          {label ?? _("Go on now all the same")}
        </Button>
      ) : null}
    </Failed>
  );
}

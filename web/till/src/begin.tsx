// T0: the code from the office.

import { CodeForm } from "@amparo/kit/code_form.tsx";
import { Languages } from "@amparo/kit/languages.tsx";
import { Button, Failed, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _ } from "@amparo/kit/words.ts";
import { useState } from "preact/hooks";
import { failureWords } from "./says.ts";

type Scanner = typeof import("@amparo/kit/scan.tsx").Scanner;

/** T0: the code from the office makes this phone a till. `scanner`: how codes are scanned, once that is loaded. */
export function Begin({ onCode, online, scanner }: { onCode: (code: string) => Promise<void>; online: boolean; scanner: () => Promise<Scanner | undefined> }) {
  const [, redraw] = useState(0);
  const [scan, setScan] = useState<{ Scanner: Scanner } | undefined>();
  const { busy, failure, run } = useTask();
  const open = async () => {
    const Scanner = await scanner();
    setScan(Scanner && { Scanner });
  };
  const send = (code: string) => run(() => onCode(code.trim()));
  return (
    <Screen title={_("A till for your shop")} say={_("Scan the code that the office gave your shop.")}>
      <Failed said={failure && failureWords(failure)} />
      {scan ? (
        <scan.Scanner
          hint={_("Hold it over the office's code")}
          onCode={(code) => {
            send(code);
            return false;
          }}
          onFail={() => setScan(undefined)}
        />
      ) : (
        <Button kind="main" icon="camera" disabled={busy} onPress={() => run(open)}>
          {_("Scan the office's code")}
        </Button>
      )}
      <CodeForm id="till-code" label={_("Or paste it")} icon="check" disabled={busy || !online} onText={send}>
        {busy ? _("One moment…") : _("Begin")}
      </CodeForm>
      {online ? null : <p class="hint">{_("This needs a connection once.")}</p>}
      <h2>{_("Language")}</h2>
      <Languages onChosen={() => redraw((n) => n + 1)} />
    </Screen>
  );
}

// The till begins: words, settings, then the sealed store; everything that knows coins is loaded behind the first screen.

import { useOnline } from "@amparo/kit/line.ts";
import { Locked } from "@amparo/kit/locked.tsx";
import { Notice } from "@amparo/kit/parts.tsx";
import type { Addresses } from "@amparo/kit/settings.ts";
import { addresses, choices, choose } from "@amparo/kit/settings.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { failureOf } from "@amparo/kit/task.ts";
import { keepOnPhone } from "@amparo/kit/update.ts";
import type { Language } from "@amparo/kit/words.ts";
import { LANGUAGES, _, languageOfPhone, speak, useTable } from "@amparo/kit/words.ts";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Begin, PIN_LENGTH } from "./others.tsx";
import { failureWords } from "./says.ts";

type Shell = typeof import("./shell.tsx");
type Session = Awaited<ReturnType<Shell["open"]>>;

function Start() {
  const online = useOnline();
  const [, redraw] = useState(0);
  const [begun] = useState(choices().begun === true);
  const [told, setTold] = useState<Addresses | undefined>();
  const [shell, setShell] = useState<Shell | undefined>();
  const [session, setSession] = useState<Session | undefined>();
  const [needsPin, setNeedsPin] = useState(false);
  const [elsewhere, setElsewhere] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>();
  const opening = useRef<Promise<Session | undefined> | undefined>(undefined);
  const open = async (loaded: Shell, settings: Addresses, pin?: string): Promise<Session | undefined> => {
    setFailure(undefined);
    try {
      const opened = await loaded.open(settings, pin, () => setElsewhere(true));
      setSession(opened);
      setNeedsPin(false);
      return opened;
    } catch (thrown) {
      const found = failureOf(thrown);
      if (found.code === "vault.pin_needed") setNeedsPin(true);
      else setFailure(found);
    }
    return undefined;
  };
  useEffect(() => {
    opening.current = (async () => {
      try {
        const [loaded, settings] = await Promise.all([import("./shell.tsx"), addresses()]);
        setShell(loaded);
        setTold(settings);
        return await open(loaded, settings);
      } catch (thrown) {
        setFailure(failureOf(thrown));
        return undefined;
      }
    })();
  }, []);
  const enrol = async (code: string) => {
    const opened = session ?? (await opening.current);
    if (!opened) return;
    await opened.enrol(code);
    choose({ begun: true });
    redraw((n) => n + 1);
  };
  if (session && shell && told) {
    if (session.till()) return <shell.App session={session} told={told} />;
    return <Begin online={online} onCode={enrol} />;
  }
  // A phone that was never a till shows at once how to begin; what knows coins comes behind it.
  if (!begun && !failure && !elsewhere && !needsPin) return <Begin online={online} onCode={enrol} />;
  const broken = failure?.code.startsWith("vault.") ?? false;
  if (shell && told && (needsPin || broken)) {
    return (
      <Locked
        pin={needsPin}
        length={PIN_LENGTH}
        said={failure ? failureWords(failure) : ""}
        warning={_("What is stored and not sent in is lost.")}
        onPin={(pin) => void open(shell, told, pin)}
        onWipe={shell.wipe}
      />
    );
  }
  return (
    <main>
      {failure ? (
        <Notice kind="bad">
          <p>{failureWords(failure)}</p>
        </Notice>
      ) : (
        <p class="wait" role="status">
          {elsewhere ? _("The till is open in another window. Close that one.") : _("Opening…")}
        </p>
      )}
    </main>
  );
}

async function begin(): Promise<void> {
  const chosen = choices().language;
  try {
    await speak(chosen && chosen in LANGUAGES ? (chosen as Language) : languageOfPhone());
  } catch {
    useTable("en", {});
  }
  const root = document.getElementById("app");
  if (root) render(<Start />, root);
  if (document.readyState === "complete") void keepOnPhone();
  else addEventListener("load", () => void keepOnPhone(), { once: true });
}

void begin();

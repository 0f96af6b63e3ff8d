// The wallet begins: words, settings, then the sealed store; everything that knows coins is loaded behind the first screen.

import { Locked } from "@amparo/kit/locked.tsx";
import { Notice } from "@amparo/kit/parts.tsx";
import type { Addresses } from "@amparo/kit/settings.ts";
import { addresses, choices, choose } from "@amparo/kit/settings.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { failureOf } from "@amparo/kit/task.ts";
import { keepOnPhone } from "@amparo/kit/update.ts";
import type { Language } from "@amparo/kit/words.ts";
import { LANGUAGES, _, language, languageOfPhone, speak, useTable } from "@amparo/kit/words.ts";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Welcome } from "./home.tsx";
import { failureWords } from "./says.ts";
import { PIN_LENGTH } from "./settings.tsx";

type Shell = typeof import("./shell.tsx");
type Opened = Awaited<ReturnType<Shell["open"]>>;

function Begin() {
  const [, redraw] = useState(0);
  const [welcome, setWelcome] = useState(choices().language === undefined);
  const [first, setFirst] = useState<"home" | "restore">("home");
  const [told, setTold] = useState<Addresses | undefined>();
  const [shell, setShell] = useState<Shell | undefined>();
  const [opened, setOpened] = useState<Opened | undefined>();
  const [needsPin, setNeedsPin] = useState(false);
  const [elsewhere, setElsewhere] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>();
  const open = async (loaded: Shell, settings: Addresses, pin?: string) => {
    setFailure(undefined);
    try {
      setOpened(await loaded.open(settings, pin, () => setElsewhere(true)));
      setNeedsPin(false);
    } catch (thrown) {
      const found = failureOf(thrown);
      if (found.code === "vault.pin_needed") return setNeedsPin(true);
      setFailure(found);
    }
  };
  useEffect(() => {
    if (welcome) return;
    void (async () => {
      try {
        const [loaded, settings] = await Promise.all([import("./shell.tsx"), addresses()]);
        setShell(loaded);
        setTold(settings);
        await open(loaded, settings);
      } catch (thrown) {
        setFailure(failureOf(thrown));
      }
    })();
  }, [welcome]);
  const start = (place: "home" | "restore") => {
    choose({ language: language() });
    setFirst(place);
    setWelcome(false);
  };
  if (welcome) return <Welcome onStart={() => start("home")} onRestore={() => start("restore")} redraw={() => redraw((n) => n + 1)} />;
  if (opened && shell && told) return <shell.App opened={opened} told={told} first={first} />;
  const broken = failure?.code.startsWith("vault.") ?? false;
  if (shell && told && (needsPin || broken)) {
    return (
      <Locked
        pin={needsPin}
        length={PIN_LENGTH}
        said={failure ? failureWords(failure) : ""}
        warning={_("The money on this phone is gone, unless you have the recovery code on paper.")}
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
          {elsewhere ? _("The wallet is open in another window. Close that one.") : _("Opening…")}
        </p>
      )}
    </main>
  );
}

async function begin(): Promise<void> {
  const chosen = choices().language;
  const wanted: Language = chosen && chosen in LANGUAGES ? (chosen as Language) : languageOfPhone();
  try {
    await speak(wanted);
  } catch {
    useTable("en", {});
  }
  const root = document.getElementById("app");
  if (root) render(<Begin />, root);
  if (document.readyState === "complete") void keepOnPhone();
  else addEventListener("load", () => void keepOnPhone(), { once: true });
}

void begin();

// The wallet begins: words, settings, then the sealed store; everything that knows coins is loaded behind the first screen.

import { Unopened, begin, useOpening } from "@amparo/kit/opening.tsx";
import { choices, choose } from "@amparo/kit/settings.ts";
import { _, language } from "@amparo/kit/words.ts";
import { useEffect, useState } from "preact/hooks";
import { failureWords } from "./says.ts";
import { App, open, wipe } from "./shell.tsx";
import { Welcome } from "./welcome.tsx";

function Begin() {
  const [, redraw] = useState(0);
  const [welcome, setWelcome] = useState(choices().language === undefined);
  const [first, setFirst] = useState<"home" | "restore">("home");
  const opening = useOpening(async () => ({ App, open, wipe }));
  useEffect(() => {
    if (!welcome) void opening.begin();
  }, [welcome]);
  const start = (place: "home" | "restore") => {
    choose({ language: language() });
    setFirst(place);
    setWelcome(false);
  };
  if (welcome) return <Welcome onStart={() => start("home")} onRestore={() => start("restore")} redraw={() => redraw((n) => n + 1)} />;
  const { part, told, opened } = opening;
  if (opened && part && told) return <part.App opened={opened} told={told} first={first} />;
  return (
    <Unopened
      opening={opening}
      words={failureWords}
      warning={_("The money on this phone is gone, unless you have the recovery code on paper.")}
      elsewhere={_("The wallet is open in another window. Close that one.")}
    />
  );
}

void begin(<Begin />);

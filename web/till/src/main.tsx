// The till begins: words, settings, then the sealed store; everything that knows coins is loaded behind the first screen.

import { useOnline } from "@amparo/kit/line.ts";
import { Unopened, begin, useOpening, whenIdle } from "@amparo/kit/opening.tsx";
import { choices, choose } from "@amparo/kit/settings.ts";
import { _ } from "@amparo/kit/words.ts";
import { useEffect, useState } from "preact/hooks";
import { Begin } from "./begin.tsx";
import { failureWords } from "./says.ts";
import * as shell from "./shell.tsx";

function Start() {
  const online = useOnline();
  const [, redraw] = useState(0);
  const [begun] = useState(choices().begun === true);
  const opening = useOpening(async () => shell);
  // A phone that was never a till shows how to begin first; what knows coins comes when that stands.
  useEffect(() => {
    if (begun) void opening.begin();
    else whenIdle(() => void opening.begin().then((opened) => opened?.whole()).catch(() => undefined));
  }, []);
  const whole = async () => (opening.opened ?? (await opening.begin()))?.whole();
  const enrol = async (code: string) => {
    const session = (await whole())?.session;
    if (!session) return;
    await session.enrol(code);
    choose({ begun: true });
    redraw((n) => n + 1);
  };
  const { opened, failure, elsewhere, needsPin } = opening;
  const glance = opened?.glance();
  if (opened && glance) return <shell.App opened={opened} glance={glance} />;
  if (opened || (!begun && !failure && !elsewhere && !needsPin)) return <Begin online={online} scanner={async () => (await whole())?.Scanner} onCode={enrol} />;
  return (
    <Unopened
      opening={opening}
      words={failureWords}
      warning={_("What is stored and not sent in is lost.")}
      elsewhere={_("The till is open in another window. Close that one.")}
    />
  );
}

void begin(<Start />);

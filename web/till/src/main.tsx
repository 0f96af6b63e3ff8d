// The till begins: words, settings, then the sealed store; everything that knows coins is loaded behind the first screen.

import { useOnline } from "@amparo/kit/line.ts";
import { Unopened, begin, useOpening, whenIdle } from "@amparo/kit/opening.tsx";
import { choices, choose } from "@amparo/kit/settings.ts";
import { _ } from "@amparo/kit/words.ts";
import { useEffect, useState } from "preact/hooks";
import { Begin } from "./begin.tsx";
import { failureWords } from "./says.ts";

function Start() {
  const online = useOnline();
  const [, redraw] = useState(0);
  const [begun] = useState(choices().begun === true);
  const opening = useOpening(() => import("./shell.tsx"));
  // A phone that was never a till shows how to begin first; what knows coins comes when that stands.
  useEffect(() => (begun ? void opening.begin() : whenIdle(() => void opening.begin())), []);
  const enrol = async (code: string) => {
    const session = opening.opened ?? (await opening.begin());
    if (!session) return;
    await session.enrol(code);
    choose({ begun: true });
    redraw((n) => n + 1);
  };
  const { part, told, opened, failure, elsewhere, needsPin } = opening;
  const till = opened?.till();
  if (opened && part && told && till) return <part.App session={opened} till={till} told={told} />;
  if (opened || (!begun && !failure && !elsewhere && !needsPin)) return <Begin online={online} onCode={enrol} />;
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

// The app's picture on the phone's first screen: by the browser's own question where it asks one, else by a picture of where to touch.

import { useEffect, useState } from "preact/hooks";
import { Button } from "./parts.tsx";
import { _ } from "./words.ts";

interface Question extends Event {
  prompt(): Promise<unknown>;
}

let question: Question | undefined;
const listeners = new Set<() => void>();

globalThis.addEventListener?.("beforeinstallprompt", (event) => {
  event.preventDefault(); // asked when somebody touches the button, not over the first screen
  question = event as Question;
  for (const tell of listeners) tell();
});

/** How the app comes to the phone's first screen; nothing where it is there already. */
export function HomeScreen() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const tell = () => redraw((n) => n + 1);
    listeners.add(tell);
    return () => void listeners.delete(tell);
  }, []);
  if (matchMedia("(display-mode: standalone)").matches) return null;
  if (question) {
    return (
      <Button kind="quiet" icon="home" onPress={() => void question?.prompt()}>
        {_("Put it on the first screen of this phone")}
      </Button>
    );
  }
  return (
    <details>
      <summary>{_("Put it on the first screen of this phone")}</summary>
      <ol class="steps">
        <li>
          <Phone line="M14 18h40" mark="M68 13v.1M68 18v.1M68 23v.1" ring="M68 7a11 11 0 1 0 0 22 11 11 0 0 0 0-22" />
          {_("Touch the three dots at the top of the browser.")}
        </li>
        <li>
          <Phone line="M14 36h56M14 54h56M14 94h56" mark="M16 74h10M21 69v10M34 74h30" ring="M8 63h68v22H8z" />
          {_("Touch “Add to home screen”.")}
        </li>
        <li>
          <Phone line="M16 18h12v12H16zM36 18h12v12H36zM56 18h12v12H56z" mark="M40 66h4" ring="M42 46a20 20 0 1 0 0 40 20 20 0 0 0 0-40" app />
          {_("From then on, touch the green picture.")}
        </li>
      </ol>
    </details>
  );
}

/** A phone with what is on it, and a ring around what to touch. */
function Phone({ line, mark, ring, app }: { line: string; mark: string; ring: string; app?: boolean }) {
  return (
    <svg viewBox="0 0 84 120" aria-hidden="true">
      <rect x={2} y={2} width={80} height={116} rx={9} />
      <path class="line" d={line} />
      {app ? <rect class="app" x={30} y={54} width={24} height={24} rx={6} /> : <path class="mark" d={mark} />}
      <path class="ring" d={ring} />
    </svg>
  );
}

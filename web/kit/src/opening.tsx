// How an app begins: words and its first screen at once; behind it comes what knows more, which opens the sealed store, with its PIN if it
// has one.

import type { ComponentChildren, VNode } from "preact";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Locked } from "./locked.tsx";
import { Button, Failed } from "./parts.tsx";
import type { Addresses } from "./settings.ts";
import { addresses, choices } from "./settings.ts";
import type { Failure } from "./task.ts";
import { failureOf } from "./task.ts";
import { askToPersist, keepOnPhone } from "./update.ts";
import { fetchVoice } from "./voice.ts";
import type { Language } from "./words.ts";
import { LANGUAGES, _, languageOfPhone, speakFirst } from "./words.ts";

const IDLE_MS = 2_000;

/** The part of an app that is loaded behind its first screen. */
export interface Behind<Opened> {
  /** Open the sealed store and everything above it. `waiting` is called when another window has it. Rejects with `vault.pin_needed`. */
  open(told: Addresses, pin: string | undefined, waiting: () => void): Promise<Opened>;
  /** Throw away what cannot be opened. */
  wipe(): Promise<void>;
}

/** What is there of a part and of what it opened. */
export interface Opening<Part, Opened> {
  part: Part | undefined;
  told: Addresses | undefined;
  opened: Opened | undefined;
  needsPin: boolean;
  elsewhere: boolean;
  failure: Failure | undefined;
  /** Begin, once: what was opened, or undefined when it did not open (`needsPin` and `failure` say why). */
  begin(): Promise<Opened | undefined>;
  /** Try a PIN. */
  type(pin: string): void;
}

type State<Part, Opened> = Omit<Opening<Part, Opened>, "begin" | "type">;

/** The opening of what `load` brings. */
export function useOpening<Part extends Behind<Opened>, Opened>(load: () => Promise<Part & Behind<Opened>>): Opening<Part, Opened> {
  const [state, setState] = useState<State<Part, Opened>>({
    part: undefined,
    told: undefined,
    opened: undefined,
    needsPin: false,
    elsewhere: false,
    failure: undefined,
  });
  const begun = useRef<Promise<Opened | undefined> | undefined>(undefined);
  const change = (some: Partial<State<Part, Opened>>) => setState((now) => ({ ...now, ...some }));
  const open = async (part: Part, told: Addresses, pin?: string): Promise<Opened | undefined> => {
    change({ failure: undefined });
    try {
      const opened = await part.open(told, pin, () => change({ elsewhere: true }));
      void askToPersist();
      change({ opened, needsPin: false });
      return opened;
    } catch (thrown) {
      const failure = failureOf(thrown);
      change(failure.code === "vault.pin_needed" ? { needsPin: true } : { failure });
      return undefined;
    }
  };
  const first = async (): Promise<Opened | undefined> => {
    try {
      const [part, told] = await Promise.all([load(), addresses()]);
      change({ part, told });
      return await open(part, told);
    } catch (thrown) {
      change({ failure: failureOf(thrown) });
      return undefined;
    }
  };
  return {
    ...state,
    begin: () => (begun.current ??= first()),
    type(pin) {
      if (state.part && state.told) void open(state.part, state.told, pin);
    },
  };
}

/** What stands behind a first screen, loaded as soon as that is shown. `failure`: why it did not come; `again` loads it once more. */
export interface Coming<Whole> {
  whole: Whole | undefined;
  failure: Failure | undefined;
  again(): Promise<Whole>;
}

/** What `load` brings, behind a first screen. */
export function useBehind<Whole extends object>(load: () => Promise<Whole>): Coming<Whole> {
  const [whole, setWhole] = useState<Whole | undefined>();
  const [failure, setFailure] = useState<Failure | undefined>();
  const again = async () => {
    setFailure(undefined);
    try {
      const found = await load();
      setWhole(found);
      return found;
    } catch (thrown) {
      setFailure(failureOf(thrown));
      throw thrown;
    }
  };
  useEffect(() => void again().catch(() => undefined), []);
  return { whole, failure, again };
}

/** That what stands behind the first screen did not come. `words`: what the failure is called. */
export function NotCome<Whole>({ coming: { failure, again }, words }: { coming: Coming<Whole>; words: (failure: Failure) => string }) {
  return (
    <Failed said={failure && words(failure)}>
      <Button icon="update" onPress={() => void again().catch(() => undefined)}>
        {_("Try again")}
      </Button>
    </Failed>
  );
}

/** The place of a screen that is not there yet; `children` instead of "Opening…". */
export function Waiting({ children }: { children?: ComponentChildren }) {
  return (
    <main>
      <p class="wait" role="status">
        {children ?? _("Opening…")}
      </p>
    </main>
  );
}

/** The screen while nothing is opened: its PIN is asked for, it cannot be opened, or it opens. `words`: what a failure is called.
 * `warning`: what is lost by throwing the store away. `elsewhere`: that another window has it. */
export function Unopened<Opened>({
  opening,
  words,
  warning,
  elsewhere,
}: {
  opening: Opening<Behind<Opened>, Opened>;
  words: (failure: Failure) => string;
  warning: string;
  elsewhere: string;
}) {
  const { part, needsPin, failure } = opening;
  const said = failure ? words(failure) : "";
  if (part && (needsPin || failure?.code.startsWith("vault."))) {
    return <Locked pin={needsPin} said={said} warning={warning} onPin={opening.type} wipe={part.wipe} />;
  }
  if (!said) return <Waiting>{opening.elsewhere ? elsewhere : undefined}</Waiting>;
  return (
    <main>
      <Failed said={said} />
    </main>
  );
}

/** Work once the page stands and the phone has nothing else to do. */
export function whenIdle(work: () => void): void {
  const rest = () => ("requestIdleCallback" in globalThis ? void requestIdleCallback(work, { timeout: IDLE_MS }) : void setTimeout(work, IDLE_MS));
  afterLoad(rest);
}

function afterLoad(work: () => void): void {
  if (document.readyState === "complete") work();
  else addEventListener("load", work, { once: true });
}

/** Show an app's first screen in the chosen language, else in the phone's, and keep the app on this phone. */
export async function begin(screen: VNode): Promise<void> {
  const chosen = choices().language;
  await speakFirst(chosen && chosen in LANGUAGES ? (chosen as Language) : languageOfPhone());
  const root = document.getElementById("app");
  if (root) render(screen, root);
  afterLoad(() => void keepOnPhone());
  // So that what is read aloud is there without a connection, also after a new release.
  if (choices().aloud) void fetchVoice().catch(() => undefined);
}

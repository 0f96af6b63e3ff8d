// W0: the welcome.

import { Aloud } from "@amparo/kit/aloud.tsx";
import { HomeScreen } from "@amparo/kit/home_screen.tsx";
import { Languages } from "@amparo/kit/languages.tsx";
import { Button, Screen } from "@amparo/kit/parts.tsx";
import { _ } from "@amparo/kit/words.ts";

/** The first thing a person sees. */
export function Welcome({ onStart, onRestore, redraw }: { onStart: () => void; onRestore: () => void; redraw: () => void }) {
  return (
    <Screen title={_("Your aid on your phone")} say={_("Choose your language. Then touch Begin.")}>
      <Languages onChosen={redraw} />
      <Aloud say={_("Choose your language. Then touch Begin.")} />
      <Button kind="main" icon="next" onPress={onStart}>
        {_("Begin")}
      </Button>
      <Button kind="quiet" icon="bring-in" onPress={onRestore}>
        {_("I have a recovery code from another phone")}
      </Button>
      <p class="hint">{_("No phone? A paper card and vouchers give the same rights. Ask the office.")}</p>
      <HomeScreen />
    </Screen>
  );
}

// Language, PIN, a new release, and throwing everything away.

import { Choice } from "@amparo/kit/parts.tsx";
import { SettingsScreen } from "@amparo/kit/settings_screen.tsx";
import { _ } from "@amparo/kit/words.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

/** All settings on one screen, each with what it does. */
export function Settings({ world }: { world: World }) {
  const { keep, back, go, changed } = world;
  return (
    <SettingsScreen
      keep={keep}
      onBack={back}
      changed={changed}
      words={failureWords}
      pinNote={keep.hasPin() ? _("This wallet opens with your PIN.") : _("Without a PIN, whoever has this phone can pay.")}
      leaving={{
        choice: _("Throw everything away"),
        question: _("Throw everything away?"),
        warning: _("The money on this phone is gone, unless you have the recovery code on paper."),
      }}
    >
      <h2>{_("This phone")}</h2>
      <Choice icon="bring-in" title={_("Bring a wallet back")} note={_("With the recovery code of another phone")} onPress={() => go("restore")} />
    </SettingsScreen>
  );
}

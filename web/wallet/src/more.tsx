// What is needed less often.

import { Choice, Notice, Screen } from "@amparo/kit/parts.tsx";
import { _, fill } from "@amparo/kit/words.ts";
import type { World } from "./state.ts";

/** A list of the other screens. */
export function More({ world }: { world: World }) {
  const { go, back } = world;
  return (
    <Screen title={_("More")} say={_("Your card, your decisions, your activity, a copy, and settings.")} onBack={back}>
      <Choice icon="card" title={_("My card")} note={_("To show who you are, only where you want to")} onPress={() => go("card")} />
      <Choice icon="why" title={_("Decisions and why")} note={_("Each yes or no, checked on this phone")} onPress={() => go("papers")} />
      <Choice icon="list" title={_("All activity")} onPress={() => go("activity")} />
      <Choice icon="save" title={_("Save a copy")} note={_("A code on paper brings the money back")} onPress={() => go("copy")} />
      <Choice icon="settings" title={_("Settings")} note={_("Language, PIN, new release")} onPress={() => go("settings")} />
      {world.told.contact ? (
        <Notice kind="plain" icon="info">
          <p>{fill(_("Help: {contact}. Help and aid are free. Nobody may ask for money or your vote."), { contact: world.told.contact })}</p>
        </Notice>
      ) : null}
    </Screen>
  );
}

// What a till needs less often: the way to it, its settings, and a second till.

import { Code } from "@amparo/kit/code.tsx";
import { Amount, Choice, Notice, Screen } from "@amparo/kit/parts.tsx";
import { SettingsScreen } from "@amparo/kit/settings_screen.tsx";
import { _, fill } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

/** The rest. */
export function More({ world }: { world: World }) {
  const { go, back } = world;
  return (
    <Screen title={_("More")} say={_("Money, refund, end of the day, and settings.")} onBack={back}>
      <Choice icon="receive" title={_("Money")} note={_("Stored, sent in, to settle, paid")} onPress={() => go("money")} />
      <Choice icon="undo" title={_("Refund")} onPress={() => go("refund", 0)} />
      <Choice icon="clock" title={_("End of the day")} onPress={() => go("day")} />
      <Choice icon="info" title={_("Practice sale")} note={_("Learn with codes without value")} onPress={() => go("practice")} />
      <Choice icon="settings" title={_("Settings")} onPress={() => go("settings")} />
    </Screen>
  );
}

/** Language, PIN, a second till, a new release, leaving the shop. */
export function Settings({ world }: { world: World }) {
  const { keep, back, go, changed, till } = world;
  const { units } = till.enrolment;
  const stored = units.reduce((sum, unit) => sum + till.meter(unit).stored, 0);
  const lost = { amount: <Amount minor={stored} sign={sign(world, units[0] ?? "")} /> };
  return (
    <SettingsScreen
      keep={keep}
      onBack={back}
      changed={changed}
      words={failureWords}
      leaving={{
        choice: _("Take this till out of the shop"),
        question: _("Take this till out of the shop?"),
        warning: stored > 0 ? fill(_("{amount} is stored and not sent in. It would be lost."), lost) : _("Everything was sent in. Nothing would be lost."),
      }}
    >
      <h2>{_("This till")}</h2>
      <Choice icon="plus" title={_("A second till of this shop")} onPress={() => go("second")} />
    </SettingsScreen>
  );
}

/** The code that makes another phone a till of this shop. */
export function SecondTill({ world }: { world: World }) {
  return (
    <Screen title={_("A second till of this shop")} say={_("Whoever scans this can take payments for this shop. Show it to nobody else.")} onBack={world.back}>
      <Notice kind="note" icon="lock">
        <p>{_("Whoever scans this can take payments for this shop. Show it to nobody else.")}</p>
      </Notice>
      <Code text={world.till.secondTill()} label={_("Code for a second till")} />
    </Screen>
  );
}

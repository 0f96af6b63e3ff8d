// T1: the amount. It stands on what the store alone shows.

import { Icon } from "@amparo/kit/icon.tsx";
import { TypedSum } from "@amparo/kit/keys.tsx";
import { Amount, Button, Choice, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { nameOf } from "@amparo/kit/settings.ts";
import { useTask } from "@amparo/kit/task.ts";
import { _, fill, language } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import { Limits } from "./limits.tsx";
import { failureWords } from "./says.ts";
import type { Seen } from "./state.ts";
import { MOST } from "./state.ts";

/** T1: type, and one tap. The three limits are shown while there is no connection. */
export function TypeAmount({ world, practice = false }: { world: Seen; practice?: boolean }) {
  const { till, go, online } = world;
  const units = till.enrolment.units;
  const [unit, setUnit] = useState(units[0] ?? "");
  const [minor, setMinor] = useState(0);
  const { busy, failure, run } = useTask();
  const label = sign(world, unit);
  const day = till.today(unit);
  const charge = () =>
    run(async () => {
      await world.charge(minor, unit, practice);
      setMinor(0);
      world.changed();
      go("scan");
    });
  return (
    <Screen title={practice ? _("Practice sale") : till.enrolment.name || _("New sale")} say={_("Type the price. Then touch Charge.")} onBack={practice ? world.back : undefined}>
      {practice ? (
        <Notice kind="note">
          <p>{_("For learning: practice codes have no value.")}</p>
        </Notice>
      ) : null}
      {units.length > 1
        ? units.map((each) => <Choice key={each} title={nameOf(world.told, each, language())} current={each === unit} onPress={() => setUnit(each)} />)
        : null}
      <TypedSum minor={minor} sign={label} most={MOST} onChange={setMinor}>
        {practice ? null : fill(_("Today: {amount} in {n} sales"), { amount: <Amount minor={day.taken} sign={label} />, n: String(day.sales) })}
      </TypedSum>
      <Failed said={failure && failureWords(failure)} />
      <button type="button" class="main huge" disabled={busy || minor === 0} onClick={charge}>
        <Icon name="till" />
        <span>{_("Charge")}</span>
      </button>
      {online || practice ? null : <Limits world={world} unit={unit} />}
      {practice ? null : (
        <div class="pair">
          <Button icon="paper" disabled={busy} onPress={() => go("vouchers")}>
            {_("Vouchers")}
          </Button>
          <Button icon="menu" disabled={busy} onPress={() => go("more")}>
            {_("More")}
          </Button>
        </div>
      )}
    </Screen>
  );
}

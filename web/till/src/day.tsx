// T8: the end of the day.

import { Amount, Button, Failed, Screen } from "@amparo/kit/parts.tsx";
import { useTask } from "@amparo/kit/task.ts";
import { _ } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useState } from "preact/hooks";
import type { Day } from "./model.ts";
import { failureWords } from "./says.ts";
import type { World } from "./state.ts";

/** T8: the day's count; closed without a connection too. */
export function DayEnd({ world }: { world: World }) {
  const { till, back } = world;
  const unit = till.enrolment.units[0] ?? "";
  const label = sign(world, unit);
  const [closed, setClosed] = useState<Day | undefined>();
  const { busy, failure, run } = useTask();
  const shown = closed ?? till.today(unit);
  const row = (name: string, minor: number) => (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">
        <Amount minor={minor} sign={label} />
      </td>
    </tr>
  );
  return (
    <Screen title={closed ? _("The day is closed") : _("End of the day")} say={_("The sums of this day.")} onBack={back}>
      <table>
        <caption class="unseen">{_("The day's sums")}</caption>
        <tbody>
          <tr>
            <th scope="row">{_("Sales")}</th>
            <td class="number">{shown.sales}</td>
          </tr>
          {row(_("Taken"), shown.taken)}
          {row(_("of it confirmed"), shown.confirmed)}
          {row(_("of it on paper"), shown.vouchers)}
          {row(_("Refunds"), shown.refunded)}
          {row(_("Sent in"), shown.deposited)}
          {row(_("Lost: used before"), shown.lost)}
          {row(_("Stored, not sent in"), shown.stored)}
        </tbody>
      </table>
      <Failed said={failure && failureWords(failure)} />
      {closed ? null : (
        <Button
          kind="main"
          icon="check"
          disabled={busy}
          onPress={() =>
            run(async () => {
              setClosed(await till.closeDay(unit));
              world.changed();
            })
          }
        >
          {_("Close the day")}
        </Button>
      )}
      <Button icon="paper" onPress={() => print()}>
        {_("Print or save it")}
      </Button>
    </Screen>
  );
}

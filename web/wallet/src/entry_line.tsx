// One line of what happened on this phone.

import { Icon } from "@amparo/kit/icon.tsx";
import type { IconName } from "@amparo/kit/icon.tsx";
import { Amount, Button } from "@amparo/kit/parts.tsx";
import { _ } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import type { Entry } from "./model.ts";
import type { Seen } from "./state.ts";

const GLYPHS: Readonly<Record<Entry["kind"], IconName>> = { claimed: "receive", received: "receive", paid: "pay", aside: "lock" };

/** What kind of thing happened. */
export function kindWords(entry: Entry): string {
  switch (entry.kind) {
    case "claimed":
      return _("Aid taken");
    case "received":
      return _("Received");
    case "paid":
      return _("Paid");
    case "aside":
      return _("Set aside for a shop");
  }
}

/** How it stands. */
export function stateWords(entry: Entry): string {
  switch (entry.state) {
    case "waiting":
      return _("not yet confirmed");
    case "done":
      return _("done");
    case "back":
      return _("came back");
    case "later":
      return _("comes back later");
  }
}

/** One entry; a waiting one can be touched. */
export function EntryLine({ world, entry }: { world: Seen; entry: Entry }) {
  const open = entry.state === "waiting";
  return (
    <li>
      <Icon name={GLYPHS[entry.kind]} />
      <span class="what">
        <b>{kindWords(entry)}</b>
        <small>{stateWords(entry)}</small>
      </span>
      <Amount minor={entry.amount} sign={sign(world, entry.unit)} />
      {open ? (
        <Button kind="quiet" onPress={() => world.go("entry", entry.number)}>
          {_("Open")}
        </Button>
      ) : null}
    </li>
  );
}

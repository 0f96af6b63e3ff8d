// Which screen of the wallet it is.

import { Activity, EntryDetail } from "./activity.tsx";
import { Copy, Restore } from "./copy.tsx";
import type { Asked, Payment } from "./model.ts";
import { More } from "./more.tsx";
import { MyCard } from "./my_card.tsx";
import { Complain, PaperDetail, Papers } from "./papers.tsx";
import { Aside, Confirm, Pay, PayCode, TypeAmount } from "./pay.tsx";
import { Enrol, Receive } from "./receive.tsx";
import { Settings } from "./settings.tsx";
import type { Complaint, World } from "./state.ts";

/** Every screen but the first, by its name. */
export function Screens({ world }: { world: World }) {
  const about = world.place.about;
  switch (world.place.name) {
    case "pay":
      return <Pay world={world} />;
    case "amount":
      return <TypeAmount world={world} />;
    case "confirm":
      return <Confirm world={world} asked={about as Asked} />;
    case "code":
      return <PayCode world={world} payment={about as Payment} />;
    case "aside":
      return <Aside world={world} asked={about as Asked} />;
    case "receive":
      return <Receive world={world} />;
    case "enrol":
      return <Enrol world={world} />;
    case "activity":
      return <Activity world={world} />;
    case "entry":
      return <EntryDetail world={world} number={about as number} />;
    case "papers":
      return <Papers world={world} />;
    case "paper":
      return <PaperDetail world={world} place={about as number} />;
    case "complain":
      return <Complain world={world} about={about as Complaint} />;
    case "copy":
      return <Copy world={world} />;
    case "restore":
      return <Restore world={world} />;
    case "card":
      return <MyCard world={world} />;
    case "settings":
      return <Settings world={world} />;
    case "more":
      return <More world={world} />;
    case "home":
      return null;
  }
}

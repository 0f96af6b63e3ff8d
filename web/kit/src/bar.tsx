// What stands above every screen: whether it is for practice, the app's name, and the connection.

import type { ComponentChildren } from "preact";
import type { IconName } from "./icon.tsx";
import { Icon } from "./icon.tsx";
import { Forks } from "./fork.tsx";
import type { Surroundings } from "./world.ts";
import { _ } from "./words.ts";

/** What the bar shows of the app it belongs to. */
interface Shown extends Pick<Surroundings<string>, "told" | "online"> {
  keep: { forks(): readonly string[] };
}

/** The bar, without a connection the line that says what works all the same (`children`), and what the log did wrong. */
export function Bar({ world, icon, name, children }: { world: Shown; icon: IconName; name: string; children: ComponentChildren }) {
  const { told, online } = world;
  const forks = world.keep.forks();
  return (
    <header>
      {told.practice ? <p class="practice">{_("For practice: this money is invented.")}</p> : null}
      <div class="bar">
        <span class="name">
          <Icon name={icon} /> {name}
        </span>
        <span class="state">
          <Icon name={online ? "line" : "no-line"} /> {online ? _("Connected") : _("No connection")}
        </span>
      </div>
      {online ? null : (
        <p class="offline" role="status">
          <Icon name="no-line" />
          <span>{children}</span>
        </p>
      )}
      <Forks forks={forks} />
    </header>
  );
}

// What stands around every screen of the wallet, and the first of them.

import { Bar } from "@amparo/kit/bar.tsx";
import { _ } from "@amparo/kit/words.ts";
import type { ComponentChildren } from "preact";
import { Home } from "./home.tsx";
import type { Seen } from "./state.ts";

/** Bar, line about the connection, and the screen: the first one, or `children`. */
export function Frame({ world, children }: { world: Seen; children: ComponentChildren }) {
  return (
    <>
      <Bar world={world} icon="shelter" name="Amparo">
        {_("No connection. You can still pay.")}
      </Bar>
      {world.place.name === "home" ? <Home world={world} /> : children}
    </>
  );
}

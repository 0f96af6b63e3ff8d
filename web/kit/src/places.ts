// Which screen is shown, with the phone's own way back. Addresses name screens and nothing else: what a screen works on stays in memory.

import { useEffect, useState } from "preact/hooks";

/** A screen by its name, with what it works on. */
export interface Place<Name extends string = string> {
  name: Name;
  about?: unknown;
}

/** The place shown, and how to go on, go back, or begin anew. */
export interface Places<Name extends string> {
  place: Place<Name>;
  go: (name: Name, about?: unknown) => void;
  back: () => void;
  home: (name: Name) => void;
}

/** Places as a pile; the browser's back button takes the uppermost off. */
export function usePlaces<Name extends string>(first: Name): Places<Name> {
  const [pile, setPile] = useState<Place<Name>[]>([{ name: first }]);
  useEffect(() => {
    history.replaceState(0, "", location.pathname);
    const popped = (event: PopStateEvent) => {
      const depth = typeof event.state === "number" ? event.state : 0;
      setPile((now) => now.slice(0, depth + 1));
    };
    addEventListener("popstate", popped);
    return () => removeEventListener("popstate", popped);
  }, []);
  const top = pile.at(-1) as Place<Name>;
  return {
    place: top,
    go(name, about) {
      history.pushState(pile.length, "", `#${name}`);
      setPile([...pile, { name, about }]);
    },
    back: () => history.back(),
    home(name) {
      const deep = pile.length - 1;
      setPile([{ name }]);
      if (deep > 0) history.go(-deep);
    },
  };
}

// Sound: each screen read aloud as it opens, for whoever would rather listen than read.

import { useState } from "preact/hooks";
import { Button } from "./parts.tsx";
import { choices, choose } from "./settings.ts";
import { speakAloud } from "./voice.ts";
import { _ } from "./words.ts";

/** Switches the reading aloud on and off; on, it begins with the sentence of the present screen. */
export function Aloud({ say }: { say: string }) {
  const [on, setOn] = useState(choices().aloud ?? false);
  const turn = () => {
    choose({ aloud: !on });
    setOn(!on);
    if (!on) void speakAloud(say);
  };
  return (
    <Button kind="quiet" icon="speaker" onPress={turn}>
      {on ? _("Sound is on: screens are read aloud") : _("Sound is off")}
    </Button>
  );
}

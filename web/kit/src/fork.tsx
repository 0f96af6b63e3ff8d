// The worst that can be said of a public log: it no longer says what it once said. Seen on every screen until the app is thrown away.

import { Button, Notice } from "./parts.tsx";
import { saveFile } from "./save_file.ts";
import { _ } from "./words.ts";

/** Says so, and gives the proofs away; nothing while there are none. */
export function Forks({ forks }: { forks: readonly string[] }) {
  return forks.length > 0 ? (
    <Notice kind="bad">
      <p>{_("The public log no longer says what it once said. Your money stays yours. Save the proof and show it to people you trust.")}</p>
      <Button icon="file" onPress={() => forks.forEach((each, place) => saveFile(`amparo-log-${place + 1}.json`, each))}>
        {_("Save the proof")}
      </Button>
    </Notice>
  ) : null;
}

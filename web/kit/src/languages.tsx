// The choice of the language, each by its own name.

import { useState } from "preact/hooks";
import { Choice, Failed } from "./parts.tsx";
import { choose } from "./settings.ts";
import type { Language } from "./words.ts";
import { LANGUAGES, _, language, speak } from "./words.ts";

/** Languages by their own names; the rest of the app follows at once. Without a connection only those that are kept. */
export function Languages({ onChosen }: { onChosen: () => void }) {
  const [failed, setFailed] = useState(false);
  const pick = async (chosen: Language) => {
    try {
      await speak(chosen);
    } catch {
      return setFailed(true);
    }
    setFailed(false);
    choose({ language: chosen });
    onChosen();
  };
  return (
    <div>
      <Failed said={failed ? _("This needs a connection once.") : undefined} />
      {(Object.keys(LANGUAGES) as Language[]).map((each) => (
        <div lang={each} dir={each === "ar" ? "rtl" : "ltr"} key={each}>
          <Choice icon="globe" title={LANGUAGES[each]} onPress={() => void pick(each)} current={each === language()} />
        </div>
      ))}
    </div>
  );
}

// The choice of the language, each by its own name.

import { Choice } from "./parts.tsx";
import { choose } from "./settings.ts";
import type { Language } from "./words.ts";
import { LANGUAGES, language, speak } from "./words.ts";

/** Languages by their own names; the rest of the app follows at once. */
export function Languages({ onChosen }: { onChosen: () => void }) {
  const pick = async (chosen: Language) => {
    try {
      await speak(chosen);
    } catch {
      return;
    }
    choose({ language: chosen });
    onChosen();
  };
  return (
    <div>
      {(Object.keys(LANGUAGES) as Language[]).map((each) => (
        <div lang={each} dir={each === "ar" ? "rtl" : "ltr"} key={each}>
          <Choice icon="globe" title={LANGUAGES[each]} onPress={() => void pick(each)} current={each === language()} />
        </div>
      ))}
    </div>
  );
}

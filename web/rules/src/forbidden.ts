// Concepts that no fact or rule may hold, recognised by name in five languages. Twin of amparo_rules.forbidden (its comments say how);
// the lists come from there. LIMIT: signs outside of Latin and Arabic script may be folded otherwise than in Python.
import { fail } from "@amparo/cashu/errors.ts";

import { ALLOWED_PHRASES, ARTICLES, FORBIDDEN_PHRASES, HARMLESS_WORDS, STEMS } from "./generated.ts";

const ARABIC: Readonly<Record<string, string>> = { أ: "ا", إ: "ا", آ: "ا", ى: "ي", ة: "ه" };
/** [stem, whether any ending counts, concept], in the order in which they are tried. */
const stems: readonly (readonly [string, boolean, string])[] = Object.entries(STEMS).flatMap(([concept, words]) =>
  words.split(" ").map((word) => [word.replace("*", ""), word.endsWith("*"), concept] as const),
);

/** The words of a name: camelCase and signs split, accents and Arabic marks dropped, lower case. */
function fold(text: string): string[] {
  return text
    .replace(/[\p{Cf}\u0640]/gu, "")
    .replace(/([a-z])([A-Z])|([A-Z]+)([A-Z][a-z])/g, "$1$3 $2$4")
    .normalize("NFKD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll("ς", "σ")
    .replace(/[أإآىة]/g, (sign) => ARABIC[sign] ?? sign)
    .split(/[^\p{L}\p{Nl}\p{No}]+/u)
    .filter((word) => word !== "");
}

function conceptOf(word: string, longerThan = 0): string | undefined {
  const variants = [word, ...ARTICLES.filter((article) => word.startsWith(article)).map((article) => word.slice(article.length))];
  for (const variant of variants) {
    for (const [stem, isOpen, concept] of stems) {
      if (stem.length > longerThan && (variant === stem || (isOpen && variant.startsWith(stem)))) return concept;
    }
  }
  return undefined;
}

/** The forbidden concept that `name` speaks of. */
export function forbiddenConcept(name: string): string | undefined {
  const words = fold(name);
  const skipped = new Set(HARMLESS_WORDS);
  for (const [place, word] of words.slice(1).entries()) {
    const phrase = `${words[place] ?? ""} ${word}`;
    if (Object.hasOwn(FORBIDDEN_PHRASES, phrase)) return FORBIDDEN_PHRASES[phrase];
    if (ALLOWED_PHRASES.includes(phrase)) for (const each of phrase.split(" ")) skipped.add(each);
  }
  for (const [place, word] of words.entries()) {
    if (skipped.has(word)) continue;
    // Split names too: geo_point, color de piel. A stem counts only if it reaches beyond the first word.
    const found = conceptOf(word) ?? conceptOf(words.slice(place, place + 4).join(""), word.length);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Fails with `rules.forbidden_concept` when `name` speaks of something Amparo never records. */
export function refuseForbidden(name: string): void {
  if (forbiddenConcept(name) !== undefined) fail("rules.forbidden_concept", "A name speaks of what is never recorded.");
}

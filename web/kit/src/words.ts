// The words of the screens in five languages: one gettext catalogue (packages/apps/.../locale), English is the source. The build writes each
// text of a script as its place in the words of a language, which are fetched once and kept with the app for use without a connection: so a
// phone has each text in its own language only.

import type { ComponentChild } from "preact";
import { h } from "preact";
import { fetchLater } from "./update.ts";

export type Language = "es" | "en" | "fr" | "ar" | "pt";
export const LANGUAGES: Readonly<Record<Language, string>> = {
  es: "Español",
  en: "English",
  fr: "Français",
  ar: "العربية",
  pt: "Português",
};

// Set by the build: where each language's words lie.
declare const WORD_FILES: string;
const AGAIN_MS = 2_000;

/** The words of a language by their place, English too; a plural has all forms of the language. What is not built (tests) has translations
 * by English text. */
export type Table = Readonly<Record<string, string | readonly string[]>>;

let table: Table = {};
let current: Language = "en";

function fileOf(chosen: Language): string {
  return (JSON.parse(WORD_FILES) as Readonly<Record<Language, string>>)[chosen];
}

/** The language of the screens now. */
export function language(): Language {
  return current;
}

/** Use these words from now on, and turn the page their way. */
export function useTable(chosen: Language, words: Table): void {
  table = words;
  current = chosen;
  document.documentElement.lang = chosen;
  document.documentElement.dir = chosen === "ar" ? "rtl" : "ltr";
}

/** Fetch a language's words and use them. Rejects without a connection when they were never fetched. */
export async function speak(chosen: Language): Promise<void> {
  const answer = await fetchLater(fileOf(chosen));
  useTable(chosen, (await answer.json()) as Table);
}

/** Speak a language as soon as its words can be had, or at once another whose words lie on this phone (which was set to a new language without
 * a connection). Until then there is nothing to show. */
export async function speakFirst(chosen: Language): Promise<void> {
  const speaks = (each: Language) =>
    speak(each).then(
      () => true,
      () => false,
    );
  while (!(await speaks(chosen))) {
    for (const each of Object.keys(LANGUAGES) as Language[]) {
      if ((await globalThis.caches?.match(fileOf(each))) && (await speaks(each))) return;
    }
    await new Promise<unknown>((done) => {
      window.ononline = done;
      setTimeout(done, AGAIN_MS);
    });
  }
}

/** The language that this phone is set to, when it is one of ours; else Spanish. */
export function languageOfPhone(): Language {
  for (const each of navigator.languages) {
    const short = each.slice(0, 2);
    if (short in LANGUAGES) return short as Language;
  }
  return "es";
}

/** A text in the chosen language. */
export function _(text: string): string {
  const found = table[text];
  return typeof found === "string" && found ? found : text;
}

/** A text with a number in it, in the form that the number asks for; `{n}` stands for the number. */
export function ngettext(one: string, many: string, count: number): string {
  const forms = table[one];
  const form = Array.isArray(forms) ? (forms as readonly string[])[pluralForm(current, count)] : undefined;
  return (form || (count === 1 ? one : many)).replaceAll("{n}", String(count));
}

/** Which of a language's forms a number takes, as in the catalogues' own headers. */
export function pluralForm(chosen: Language, count: number): number {
  if (chosen === "ar") {
    const rest = count % 100;
    return count === 0 ? 0 : count === 1 ? 1 : count === 2 ? 2 : rest >= 3 && rest <= 10 ? 3 : rest >= 11 ? 4 : 5;
  }
  return (chosen === "fr" ? count > 1 : count !== 1) ? 1 : 0;
}

/** A text whose `{names}` are filled with values, each isolated, so that amounts, dates and codes keep their order in any script. */
export function fill(text: string, values: Readonly<Record<string, ComponentChild>>): ComponentChild[] {
  return text.split(/(\{\w+\})/).map((part) => {
    const name = part.startsWith("{") ? part.slice(1, -1) : "";
    return name && name in values ? h("bdi", null, values[name]) : part;
  });
}

/** The same as plain text, for speaking and for labels. */
export function fillText(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** A code or date inside plain text, kept in its own order in any script. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}

/** Minor units as people write them here, always in Western digits: 1,234.50. Paper, till and phone show the same. */
export function money(minor: number, decimals = 2): string {
  const sign = minor < 0 ? "-" : "";
  const digits = String(Math.abs(minor)).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals).replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${whole}${decimals ? `.${digits.slice(-decimals)}` : ""}`;
}

/** A share of 0 to 1 as people read it. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A day in the chosen language, from unix seconds. */
export function day(seconds: number): string {
  return new Intl.DateTimeFormat(`${current}-u-nu-latn`, { day: "numeric", month: "long", year: "numeric" }).format(seconds * 1000);
}

/** A day and hour in the chosen language, from unix seconds. */
export function moment(seconds: number): string {
  return new Intl.DateTimeFormat(`${current}-u-nu-latn`, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(
    seconds * 1000,
  );
}

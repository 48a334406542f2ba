/** The texts of the console in the user's language: `t("key")`. English stands in for what a language lacks. */

import en from "./texts/en.js";

export const LANGUAGES = { en: "English", de: "Deutsch", ru: "Русский" };
const KEY = "clipwise-language";

let texts = en;
let chosen = "en";

const isKnown = (language) => Object.hasOwn(LANGUAGES, language);

/** The language chosen here before, else the first of the browser's that there are texts in. */
export function preferredLanguage() {
  const stored = localStorage.getItem(KEY);
  if (stored && isKnown(stored)) return stored;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isKnown) ?? "en";
}

export const language = () => chosen;

/** Load a language and use it from now on; `keep` makes it the choice for later visits. */
export async function useLanguage(tag, keep = false) {
  texts = tag === "en" ? en : (await import(`./texts/${tag}.js`)).default;
  chosen = tag;
  document.documentElement.lang = tag;
  if (keep) localStorage.setItem(KEY, tag);
}

/** The text of a key that comes from the server, or `fallback` where the console does not know it. */
export const textOr = (key, fallback) => (key in en ? t(key) : fallback);

/** The text of a key; functions get `values`. */
export function t(key, values = {}) {
  const text = texts[key] ?? en[key] ?? key;
  return typeof text === "function" ? text(values) : text;
}

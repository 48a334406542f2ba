/** Words that a search has found, marked in a text. */

import { html } from "./html.js";

/** A text for comparing: without case and accents, with as many letters. */
export const plain = (text) =>
  [...text].map((letter) => (letter.length > 1 ? "\uFFFD" : letter.normalize("NFD")[0].toLowerCase()[0])).join("");

const LONG_WORD = 5;

/** A phrase as it occurs in a text: whole, else a long word without its ending, as in “onions” for “onion”. */
const stemIn = (where, what) =>
  (where.includes(what) || what.length < LONG_WORD ? [what] : [what.slice(0, -1), what.slice(0, -2)]).find((stem) => where.includes(stem));

/** The text with every occurrence of the phrases marked. */
export function marked(text, phrases) {
  const letters = [...text];
  const where = plain(text);
  const sought = phrases.map((phrase) => stemIn(where, plain(phrase))).filter(Boolean);
  const parts = [];
  let end = 0;
  for (;;) {
    const places = sought.map((what) => ({ at: where.indexOf(what, end), size: what.length })).filter(({ at }) => at >= 0);
    if (!places.length) break;
    const { at, size } = places.reduce((first, place) => (place.at < first.at ? place : first));
    parts.push(letters.slice(end, at).join(""), html`<mark>${letters.slice(at, at + size).join("")}</mark>`);
    end = at + size;
  }
  return parts.length ? [...parts, letters.slice(end).join("")] : text;
}

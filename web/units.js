/** Names of kitchen units in the language of a recipe, as the exports write them. */

import NAMES from "./unit-names.js";

/** The name of a unit beside an amount; "" for pieces, which are counted without a word. */
export function unitName(unit, largest, tag) {
  if (!unit || unit === "piece") return "";
  const names = NAMES[(tag ?? "en").slice(0, 2).toLowerCase()] ?? NAMES.en;
  const [singular, plural = singular] = names[unit] ?? [unit];
  return largest > 1 ? plural : singular;
}

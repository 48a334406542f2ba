/** Names of kitchen units in the language of a recipe, as the exports write them: `shared/exports/wording.py`. */

const forms = (names, ending) => Object.fromEntries(names.split(" ").map((name) => [name, [name, name + ending]]));

const en = {
  ...forms("cup pint quart gallon stick knob drop handful clove slice can jar bottle pack bag sprig stalk head sheet cube "
    + "ball bar scoop spoon tub roll dessertspoon knife-tip", "s"),
  ...forms("pinch dash bunch box glass inch splash", "es"),
  leaf: ["leaf", "leaves"],
};
const de = {
  tsp: ["TL"], tbsp: ["EL"], bunch: ["Bund"], handful: ["Handvoll"], dash: ["Schuss"], drop: ["Tropfen"], bag: ["Beutel"],
  tub: ["Becher"], cube: ["Würfel"], spoon: ["Löffel"], cup: ["Tasse", "Tassen"], oz: ["Unze", "Unzen"],
  pinch: ["Prise", "Prisen"], "knife-tip": ["Messerspitze", "Messerspitzen"], clove: ["Zehe", "Zehen"],
  slice: ["Scheibe", "Scheiben"], can: ["Dose", "Dosen"], glass: ["Glas", "Gläser"], jar: ["Glas", "Gläser"],
  bottle: ["Flasche", "Flaschen"], pack: ["Packung", "Packungen"], sprig: ["Zweig", "Zweige"], stalk: ["Stange", "Stangen"],
  leaf: ["Blatt", "Blätter"], head: ["Kopf", "Köpfe"], sheet: ["Platte", "Platten"], ball: ["Kugel", "Kugeln"],
  bar: ["Tafel", "Tafeln"], roll: ["Rolle", "Rollen"],
};
const ru = {
  g: ["г"], kg: ["кг"], mg: ["мг"], ml: ["мл"], dl: ["дл"], l: ["л"], tsp: ["ч. л."], tbsp: ["ст. л."],
  dessertspoon: ["дес. л."], cup: ["стак."], oz: ["унц."], lb: ["фунт"], cm: ["см"], pinch: ["щеп."], drop: ["кап."],
  bunch: ["пуч."], clove: ["зубч."], slice: ["ломт."], can: ["бан."], bottle: ["бут."], pack: ["уп."], sprig: ["веточ."],
  leaf: ["лист."], head: ["гол."], cube: ["куб."], bar: ["плит."],
};

export const UNITS = { en, de, ru };

/** The name of a unit beside an amount; "" for pieces, which are counted without a word. */
export function unitName(unit, largest, tag) {
  if (!unit || unit === "piece") return "";
  const [singular, plural = singular] = UNITS[(tag ?? "en").slice(0, 2)]?.[unit] ?? (UNITS[(tag ?? "en").slice(0, 2)] ? [unit] : en[unit] ?? [unit]);
  return largest > 1 ? plural : singular;
}

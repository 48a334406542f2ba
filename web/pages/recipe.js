/** A recipe to cook from: portions, ingredients to tick off, steps that play their place in the video, a print. */

import { get } from "../api.js";
import { Byline, Downloads, Loading, Notes, OtherResults, PageTitle, ProblemBox, TimeButton, useLoaded, useResult } from "../components.js";
import { amount, minutes, number } from "../format.js";
import { html, useState } from "../html.js";
import { nameOf } from "../jobs.js";
import { Player, usePlayer } from "../player.js";
import { go } from "../router.js";
import { t } from "../texts.js";
import { unitName } from "../units.js";

const MOST_SERVINGS = 99;
const SYSTEMS = ["", "metric", "us"];
/** Units of one system only, as in shared/exports/units.py. */
const CONVERTIBLE = new Set(["mg", "g", "kg", "ml", "cl", "dl", "l", "cm", "cup", "pint", "quart", "gallon", "fl oz", "oz", "lb", "inch"]);
const UNITS_KEY = "clipwise-units";
const CONTINUED = { lb: "oz", kg: "g", l: "ml" };

/** An amount with its unit: `2–3 tbsp`. */
function measureText({ amount: first, amountMax, unit }, tag) {
  const values = [first, amountMax].filter((value) => value != null);
  return `${values.map((value) => amount(value, unit)).join("–")} ${unitName(unit, Math.max(0, ...values), tag)}`.trim();
}

/** All measures of an ingredient: `¼ cup + 1 tbsp`, `2 cups (240 g)`, `5 lb 4 oz`. */
function quantityText(ingredient, tag) {
  const measures = ingredient.measures ?? [];
  const added = measures.filter(({ relation }) => relation === "plus").map((measure) =>
    `${CONTINUED[ingredient.unit] === measure.unit ? "" : "+ "}${measureText(measure, tag)}`);
  const same = measures.filter(({ relation }) => relation === "same").map((measure) => measureText(measure, tag)).join(", ");
  return [measureText(ingredient, tag), ...added, same && `(${same})`].filter(Boolean).join(" ");
}

export default function RecipePage({ id, query }) {
  const { value: job, problem, reload } = useResult(id, "recipe");
  const original = job?.result;
  const wanted = Number(query.servings) || original?.servings;
  const [system, chooseSystem] = useSystem();
  const isScaled = original?.servings && wanted !== original.servings;
  const isConvertible = original?.ingredients.some(({ unit }) => CONVERTIBLE.has(unit));
  const change = [isScaled && `&servings=${wanted}`, isConvertible && system && `&units=${system}`].filter(Boolean).join("");
  // The server scales and converts, so that page, print and files round alike.
  const changed = useLoaded(
    async () => (change ? get(`v1/jobs/${job.id}/export?format=json${change}`) : null),
    [change, job?.id],
  );
  const player = usePlayer();
  if (!job) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  const recipe = (change && changed.value) || original;
  return html`
    <article class="recipe">
      <header class="recipe-head">
        <div>
          <${PageTitle} lang=${recipe.language}>${original.title || nameOf(job)}<//>
          <${Byline} job=${job} />
          ${recipe.description && html`<p class="lead" lang=${recipe.language ?? undefined}>${recipe.description}</p>`}
          <${Facts} recipe=${recipe} />
          <${Downloads} job=${job} formats=${["md", "jsonld"]} query=${change}>
            <button type="button" class="primary" onClick=${() => print()}>${t("recipe.print")}</button>
          <//>
        </div>
        <div class="watch"><${Player} job=${job} player=${player} poster=${recipe.thumbnail ?? job.video.thumbnail?.name} /></div>
      </header>
      <div class="recipe-body">
        <section class="card ingredients" aria-labelledby="ingredients">
          <h2 id="ingredients">${t("recipe.ingredients")}</h2>
          ${original.servings && html`<${Servings} id=${id} value=${wanted} original=${original.servings} />`}
          ${isConvertible && html`<${Systems} value=${system} choose=${chooseSystem} />`}
          <${ProblemBox} problem=${change && changed.problem} />
          <${Ingredients} id=${id} recipe=${recipe} onJump=${player.jump} />
        </section>
        <section aria-labelledby="steps">
          <h2 id="steps">${t("recipe.steps")}</h2>
          <ol class="steps" lang=${recipe.language ?? undefined}>
            ${recipe.steps.map((step) => html`<${Step} step=${step} system=${system} onJump=${player.jump} />`)}
          </ol>
          ${recipe.equipment.length > 0 && html`<h2>${t("recipe.equipment")}</h2><p>${recipe.equipment.join(", ")}</p>`}
          <${Nutrition} values=${recipe.nutrition} />
          <${Notes} notes=${recipe.notes} />
        </section>
      </div>
    </article>
    <${OtherResults} job=${job} />`;
}

function Facts({ recipe }) {
  const facts = [
    [t("recipe.prep"), recipe.prepMinutes && minutes(recipe.prepMinutes)],
    [t("recipe.cook"), recipe.cookMinutes && minutes(recipe.cookMinutes)],
    [t("recipe.total"), recipe.totalMinutes && minutes(recipe.totalMinutes)],
    [t("recipe.makes"), recipe.yield && measureText(recipe.yield, recipe.language)],
    [t("recipe.difficulty"), recipe.difficulty && t(`recipe.${recipe.difficulty}`)],
    [t("recipe.cuisine"), recipe.cuisine],
  ].filter(([, value]) => value);
  return facts.length > 0 && html`<dl class="chips">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function Servings({ id, value, original }) {
  const show = (servings) => go(`recipes/${id}`, { query: servings === original ? {} : { servings }, replace: true });
  return html`
    <div class="servings no-print" role="group" aria-label=${t("recipe.servings")}>
      <button type="button" aria-label=${t("recipe.fewer")} disabled=${value <= 1} onClick=${() => show(Math.max(1, Math.ceil(value) - 1))}>−</button>
      <output aria-live="polite"><strong>${number(value)}</strong> ${t("recipe.servings")}</output>
      <button type="button" aria-label=${t("recipe.more")} disabled=${value >= MOST_SERVINGS} onClick=${() => show(Math.floor(value) + 1)}>+</button>
    </div>
    <p class="print-only">${number(value)} ${t("recipe.servings")}</p>`;
}

/** The units that somebody cooks with, in every recipe: `metric`, `us`, or "" for those of the video. */
function useSystem() {
  const [system, setSystem] = useState(localStorage.getItem(UNITS_KEY) ?? "");
  const choose = (value) => {
    localStorage.setItem(UNITS_KEY, value);
    setSystem(value);
  };
  return [SYSTEMS.includes(system) ? system : "", choose];
}

const Systems = ({ value, choose }) => html`
  <fieldset class="switch no-print">
    <legend class="unseen">${t("recipe.units")}</legend>
    ${SYSTEMS.map((system) => html`
      <label><input type="radio" name="units" value=${system} checked=${value === system} onChange=${() => choose(system)} />
        <span>${t(`recipe.units.${system || "video"}`)}</span></label>`)}
  </fieldset>`;

/** What is ticked off, for as long as the tab is open. */
function useTicks(id) {
  const key = `clipwise-ticks-${id}`;
  const [ticks, setTicks] = useState(() => new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]")));
  const toggle = (index) => {
    const next = new Set(ticks);
    if (!next.delete(index)) next.add(index);
    sessionStorage.setItem(key, JSON.stringify([...next]));
    setTicks(next);
  };
  return [ticks, toggle];
}

function Ingredients({ id, recipe, onJump }) {
  const [ticks, toggle] = useTicks(id);
  const groups = [];
  for (const [index, ingredient] of recipe.ingredients.entries()) {
    const last = groups.at(-1);
    if (last && last.name === ingredient.group) last.members.push([index, ingredient]);
    else groups.push({ name: ingredient.group, members: [[index, ingredient]] });
  }
  return groups.map(({ name, members }) => html`
    ${name && html`<h3 lang=${recipe.language ?? undefined}>${name}</h3>`}
    <ul class="ticks" lang=${recipe.language ?? undefined}>
      ${members.map(([index, ingredient]) => html`
        <li class=${ticks.has(index) ? "ticked" : ""}>
          <label><input type="checkbox" checked=${ticks.has(index)} onChange=${() => toggle(index)} />
            <span><b>${quantityText(ingredient, recipe.language)}</b> ${[ingredient.name, ingredient.note].filter(Boolean).join(", ")}</span></label>
          ${ingredient.seen?.time != null && html`<${TimeButton} time=${ingredient.seen.time} onJump=${onJump} />`}
        </li>`)}
    </ul>`);
}

/** A temperature in the units somebody cooks with; Fahrenheit in steps of an oven's dial. */
const temperature = (celsius, system) =>
  (system === "us" ? `${number(Math.round((celsius * 9 / 5 + 32) / 5) * 5)} °F` : `${number(celsius)} °C`);

function Step({ step, system, onJump }) {
  const facts = [
    step.minutes && `${step.minutesMax ? `${number(step.minutes)}–` : ""}${minutes(step.minutesMax ?? step.minutes)}`,
    step.temperatureC && temperature(step.temperatureC, system),
  ].filter(Boolean);
  return html`
    <li>
      <p>${step.text}</p>
      <p class="step-facts">
        ${step.seen?.time != null && html`<${TimeButton} time=${step.seen.time} onJump=${onJump} />`}
        ${facts.map((fact) => html`<span class="chip">${fact}</span>`)}
      </p>
    </li>`;
}

function Nutrition({ values }) {
  const rows = [["caloriesKcal", "kcal"], ["proteinG", "g"], ["fatG", "g"], ["carbohydratesG", "g"]].filter(([name]) => values?.[name] != null);
  return rows.length > 0 && html`<h2>${t("recipe.nutrition")}</h2>
    <dl class="chips">${rows.map(([name, unit]) => html`<div><dt>${t(`nutrition.${name}`)}</dt><dd>${number(values[name])} ${unit}</dd></div>`)}</dl>`;
}

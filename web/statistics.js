/** Tables and a chart of ended jobs: numbers, durations and costs by kind, stage and day. */

import { ago, elapsed, money, number, shortDate } from "./format.js";
import { html } from "./html.js";
import { t, textOr } from "./texts.js";

const BAR = 20; // widths and heights of the chart, in its own units
const HEIGHT = 100;

const time = (seconds) => (seconds === null ? "–" : elapsed(seconds * 1000));
const sumOf = (counts) => Object.values(counts).reduce((sum, value) => sum + value, 0);

export function Statistics({ statistics }) {
  const { kinds, stages, days, countedUntil } = statistics;
  if (!kinds.length) return html`<p class="nothing">${t("statistics.none")}</p>`;
  return html`
    <div class="tables">
      <${Table} name=${t("statistics.kinds")} columns=${["kind", "done", "empty", "failed", "cancelled", "median", "slow", "cost"]}
        rows=${kinds.map((kind) => [textOr(`kind.${kind.kind}`, kind.kind), number(kind.done), number(kind.empty), number(kind.failed),
          number(kind.cancelled), time(kind.p50Sec), time(kind.p95Sec), money(kind.costUsd)])} />
      <${Table} name=${t("statistics.stages")} columns=${["stage", "runs", "median", "slow", "waitMedian", "waitSlow", "errors"]}
        rows=${stages.map((stage) => [textOr(`stage.${stage.stage}`, stage.stage), number(stage.runs), time(stage.p50Sec), time(stage.p95Sec),
          time(stage.waitP50Sec), time(stage.waitP95Sec), html`<${Errors} errors=${stage.errors} />`])} />
      <div><${Costs} days=${days} /></div>
    </div>
    <p class="hint">${t("statistics.percentiles")} ${countedUntil && html`${t("statistics.until")} <time datetime=${countedUntil}>${ago(countedUntil)}</time>.`}</p>`;
}

/** A table of numbers whose first column names the row; on a narrow screen it scrolls within itself. */
export const Table = ({ name, columns, rows }) => html`
  <div class="table-scroll" tabindex="0" role="region" aria-label=${name}>
    <table class="numbers">
      <caption>${name}</caption>
      <thead><tr>${columns.map((column) => html`<th scope="col">${t(`statistics.${column}`)}</th>`)}</tr></thead>
      <tbody>${rows.map(([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((value) => html`<td>${value}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;

const Errors = ({ errors }) => {
  const codes = Object.entries(errors).sort(([, one], [, other]) => other - one);
  return codes.length ? html`<span class="bad-text">${number(sumOf(errors))}</span> <span class="share">${codes.map(([code]) => code).join(", ")}</span>` : "0";
};

/** The cost of each day, as bars by kind and as a table. */
export function Costs({ days }) {
  const kinds = [...new Set(days.flatMap(({ costs }) => Object.keys(costs)))].sort();
  return html`
    ${kinds.length > 0 && html`<${CostChart} days=${[...days].reverse()} kinds=${kinds} />`}
    <${Table} name=${t("statistics.daily")} columns=${["day", "jobs", "failed", "cost"]}
      rows=${days.map((day) => [html`<time datetime=${day.day}>${shortDate(day.day)}</time>`, number(day.jobs), number(day.failed), money(day.costUsd)])} />`;
}

function CostChart({ days, kinds }) {
  const most = Math.max(...days.map(({ costUsd }) => costUsd));
  const bars = days.flatMap((day, index) => {
    let top = HEIGHT;
    return kinds.map((kind, color) => {
      const height = ((day.costs[kind] ?? 0) / most) * HEIGHT;
      top -= height;
      return html`<rect class=${`color-${color % 6}`} x=${index * BAR + 3} y=${top} width=${BAR - 6} height=${height} />`;
    });
  });
  return html`
    <figure class="cost-chart">
      <svg viewBox=${`0 0 ${Math.max(7, days.length) * BAR} ${HEIGHT}`} preserveAspectRatio="none" role="img"
        aria-label=${t("statistics.chart", { most: money(most) })}>${bars}</svg>
      <figcaption>${kinds.map((kind, color) => html`<span class=${`legend color-${color % 6}`}>${textOr(`kind.${kind}`, kind)}</span>`)}</figcaption>
    </figure>`;
}

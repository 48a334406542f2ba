/** A dataset, live: what was found, downloaded and accepted, its contact sheet and its exports. */

import { post, remove } from "../api.js";
import { announce, Loading, PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { ContactSheet } from "../contact-sheet.js";
import { DatasetExports } from "../dataset-exports.js";
import { DatasetBadge, stateOfDataset, useDataset } from "../dataset-state.js";
import { number } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { go } from "../router.js";
import { t, textOr } from "../texts.js";

const LEVELS = ["fast", "medium", "slow"];

export default function DatasetPage({ id, query }) {
  const [round, setRound] = useState(0);
  const { dataset, problem } = useDataset(id, round);
  const before = useRef(null);
  const state = dataset && stateOfDataset(dataset);
  useTitle(dataset?.name);
  useEffect(() => {
    if (before.current && before.current !== state) announce(`${dataset.name}: ${t(`dataset.state.${state}`)}`);
    before.current = state;
  }, [state]);
  const again = () => setRound(round + 1);
  if (!dataset || problem?.isFinal) return problem ? html`<${ProblemBox} problem=${problem} retry=${problem.isFinal ? null : again} />` : html`<${Loading} />`;
  return html`
    <${PageTitle}>${dataset.name}<//>
    <p class="byline">${dataset.keywords.join(" · ")}</p>
    <${Progress} dataset=${dataset} state=${state} again=${again} />
    <p class="connection" role="status">${problem ? t("job.reconnecting") : ""}</p>
    <${Counters} progress=${dataset.progress} />
    ${dataset.progress.images.downloaded > 0 && html`
      <${ContactSheet} key=${`${query.show ?? ""} ${dataset.endedAt}`} dataset=${dataset} show=${query.show ?? "all"} again=${again}>
        ${dataset.status !== "running" && html`<${DatasetExports} dataset=${dataset} />`}
        <${Delete} dataset=${dataset} />
      <//>`}
    ${!dataset.progress.images.downloaded && html`<${Delete} dataset=${dataset} />`}`;
}

/** How far it is, and what can be done now; its height stays while it runs. */
function Progress({ dataset, state, again }) {
  const { progress } = dataset;
  const path = `v1/datasets/${dataset.id}`;
  const [level, setLevel] = useState(progress.validated?.level ?? dataset.level);
  const [act, isBusy, problem] = useAction(async (action) => {
    await post(`${path}/${action}`, action === "validations" ? { level } : undefined);
    again();
  });
  const hasFailed = progress.chunks.failed + (progress.validated?.chunks.failed ?? 0) > 0 || dataset.status === "failed";
  const isOver = dataset.status !== "running" && dataset.status !== "pending";
  const button = (action, style = "") => html`
    <button type="button" class=${style} disabled=${isBusy} onClick=${() => act(action)}>${t(`dataset.${action}`)}</button>`;
  return html`
    <section class=${`outcome card ${state === "completed" ? "done" : state}`} aria-labelledby="state">
      <div class="outcome-line">
        <h2 id="state"><${DatasetBadge} dataset=${dataset} /> ${t(`dataset.is.${state}`)}</h2>
        <span class="share">${dataset.percent} %</span>
      </div>
      <progress max="100" value=${dataset.percent} aria-label=${t("job.progress")}></progress>
      <p class="facts">${progress.stage ? `${textOr(`stage.${progress.stage}`, progress.stage)} · ${t("dataset.chunks", { done: number(progress.chunks.completed), total: number(progress.chunks.total) })}` : "\u00a0"}</p>
      ${dataset.error && html`<p class="reason">${dataset.error.message}</p>`}
      <div class="buttons">
        ${(dataset.status === "pending" || dataset.status === "cancelled") && button("start", "primary")}
        ${dataset.status === "running" && button("stop", "quiet")}
        ${isOver && hasFailed && button("retry", "primary")}
        ${isOver && progress.images.downloaded > 0 && html`
          <span class="joined">${button("validations", "quiet")}
            <select aria-label=${t("datasets.level")} value=${level} onChange=${(event) => setLevel(event.target.value)}>
              ${LEVELS.map((name) => html`<option value=${name}>${t(`datasets.level.${name}`)}</option>`)}
            </select></span>`}
      </div>
      <${ProblemBox} problem=${problem} />
    </section>`;
}

function Counters({ progress }) {
  const { images, validated, sources } = progress;
  const rejected = Object.values(images.rejected).reduce((sum, value) => sum + value, 0);
  const names = Object.keys(sources).sort();
  return html`
    <dl class="figures">
      <div><dt>${t("dataset.found")}</dt><dd>${number(images.found)}</dd></div>
      <div><dt>${t("dataset.downloaded")}</dt><dd>${number(images.downloaded)}</dd></div>
      <div><dt>${t("dataset.notTaken")}</dt><dd>${number(rejected)}</dd></div>
      <div><dt>${t("dataset.accepted")}</dt><dd>${validated ? number(validated.accepted) : "–"}</dd></div>
    </dl>
    <details><summary>${t("dataset.details")}</summary>
      <div class="table-scroll" tabindex="0" role="region" aria-label=${t("dataset.sources")}>
        <table class="numbers">
          <caption>${t("dataset.sources")}</caption>
          <thead><tr>${["source", "found", "downloaded", "chunksFailed", "problems"].map((name) => html`<th scope="col">${t(`dataset.${name}`)}</th>`)}</tr></thead>
          <tbody>${names.map((name) => html`
            <tr><th scope="row">${name}</th><td>${number(sources[name].found)}</td><td>${number(sources[name].downloaded)}</td>
              <td>${number(sources[name].chunks.failed)}</td><td class="words-cell">${sources[name].errors.map(({ message }) => message).join(" ")}</td></tr>`)}</tbody>
        </table>
      </div>
      ${rejected > 0 && html`<${Reasons} title=${t("dataset.reasons")} counts=${images.rejected} />`}
      ${validated && Object.keys(validated.findings).length > 0 && html`<${Reasons} title=${t("dataset.findings")} counts=${validated.findings} />`}
    </details>`;
}

const Reasons = ({ title, counts }) => html`
  <h3>${title}</h3>
  <dl class="chips">${Object.entries(counts).sort(([, one], [, other]) => other - one).map(([name, value]) => html`
    <div><dt>${textOr(`check.${name}`, name.replaceAll("_", " "))}</dt><dd>${number(value)}</dd></div>`)}</dl>`;

function Delete({ dataset }) {
  const [drop, isBusy, problem] = useAction(async () => {
    if (!confirm(t("dataset.confirmDelete", { name: dataset.name }))) return;
    await remove(`v1/datasets/${dataset.id}`);
    announce(t("job.deleted", { name: dataset.name }));
    go("datasets", { replace: true });
  });
  return html`<p class="end"><button type="button" class="quiet danger" disabled=${isBusy} onClick=${drop}>${t("job.delete")}</button></p>
    <${ProblemBox} problem=${problem} />`;
}

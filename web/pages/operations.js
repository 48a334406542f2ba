/** Operations: what waits and runs, what failed, how long it took and cost; of all users for administrators. */

import { get, post } from "../api.js";
import { announce, Loading, PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { DeadLetters } from "../dead-letters.js";
import { ago, money, number } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { usePolled } from "../polling.js";
import { go, link } from "../router.js";
import { Statistics } from "../statistics.js";
import { t, textOr } from "../texts.js";

const REFRESH_MS = 10_000;
const COUNT_LIMIT = 1000;
const PAGE = 8;
const STATUSES = ["failed", "running", "queued", "done", "cancelled"];
const DAYS = ["1", "7", "31"];
const DATASET = "dataset:";

/** A number of jobs; the server counts no further than its limit. */
const count = (value) => (value >= COUNT_LIMIT ? `${number(COUNT_LIMIT)}+` : number(value));

export default function Operations({ query }) {
  useTitle(t("operations.title"));
  const status = STATUSES.includes(query.status) ? query.status : "failed";
  const days = DAYS.includes(query.days) ? query.days : "7";
  const show = (changes) => go("operations", { query: { ...query, ...changes }, replace: true });
  const { value, problem, isStale, reload } = usePolled(async () => {
    const [load, jobs, statistics] = await Promise.all([
      get("v1/operations"), get(`v1/operations/jobs?status=${status}&limit=${PAGE}`), get(`v1/operations/statistics?days=${days}`),
    ]);
    const letters = load.scope === "all" ? await get("v1/operations/dead-letters") : null;
    return { load, jobs, statistics, letters };
  }, [status, days], REFRESH_MS);
  if (!value) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  return html`
    <${PageTitle}>${t("operations.title")}<//>
    <p class="lead">${t(`operations.scope.${value.load.scope}`)}</p>
    <${ProblemBox} problem=${problem} />
    <${Load} load=${value.load} />
    <section aria-labelledby="jobs">
      <div class="section-line">
        <h2 id="jobs">${t("operations.jobs")}</h2>
        <select aria-label=${t("library.state")} value=${status} onChange=${(event) => show({ status: event.target.value })}>
          ${STATUSES.map((name) => html`<option value=${name}>${t(`state.${name}`)}</option>`)}
        </select>
      </div>
      <${Jobs} key=${status} status=${status} first=${value.jobs} isStale=${isStale} reload=${reload} />
    </section>
    ${value.letters && html`<${DeadLetters} first=${value.letters} reload=${reload} />`}
    <section aria-labelledby="statistics">
      <div class="section-line">
        <h2 id="statistics">${t("operations.statistics")}</h2>
        <select aria-label=${t("operations.period")} value=${days} onChange=${(event) => show({ days: event.target.value })}>
          ${DAYS.map((name) => html`<option value=${name}>${t("operations.days", { count: Number(name) })}</option>`)}
        </select>
      </div>
      <${Statistics} statistics=${value.statistics} />
    </section>`;
}

/** What waits and runs now, in all and by stage. */
function Load({ load }) {
  const { jobs, stages, queue } = load;
  const waiting = queue && Object.values(queue).reduce((sum, value) => sum + value, 0);
  const names = [...new Set([...Object.keys(stages), ...Object.keys(queue ?? {})])];
  return html`
    <section aria-labelledby="load">
      <h2 id="load">${t("operations.load")}</h2>
      <dl class="figures">
        <div><dt>${t("state.running")}</dt><dd>${count(jobs.running)}</dd></div>
        <div><dt>${t("state.queued")}</dt><dd>${count(jobs.queued)}</dd></div>
        ${queue && html`<div><dt>${t("operations.events")}</dt><dd>${number(waiting)}</dd></div>`}
      </dl>
      ${names.length > 0 && html`
        <table class="numbers">
          <thead><tr><th scope="col">${t("operations.stage")}</th><th scope="col">${t("operations.runningJobs")}</th>
            ${queue && html`<th scope="col">${t("operations.events")}</th>`}</tr></thead>
          <tbody>${names.map((name) => html`
            <tr><th scope="row">${textOr(`stage.${name}`, name)}</th><td>${count(stages[name] ?? 0)}</td>${queue && html`<td>${number(queue[name] ?? 0)}</td>`}</tr>`)}
          </tbody>
        </table>`}
      ${load.scope === "all" && !queue && html`<p class="hint">${t("operations.noQueue")}</p>`}
    </section>`;
}

/** The jobs with a status; older ones on demand, which stay as they were read. */
function Jobs({ status, first, isStale, reload }) {
  const [older, setOlder] = useState(null);
  const [more, isBusy, problem] = useAction(async () => {
    const page = await get(`v1/operations/jobs?status=${status}&limit=${PAGE}&cursor=${encodeURIComponent((older ?? first).cursor)}`);
    setOlder({ jobs: [...(older?.jobs ?? []), ...page.jobs], cursor: page.cursor });
  });
  useEffect(() => setOlder(null), [isStale]);
  const newest = new Set(first.jobs.map(({ id }) => id));
  const jobs = [...first.jobs, ...(older?.jobs ?? []).filter(({ id }) => !newest.has(id))];
  const { cursor } = older ?? first;
  return html`
    ${jobs.length ? html`
      <ul class=${`records ${isStale ? "stale" : ""}`}>${jobs.map((job) => html`<${JobRow} key=${job.id} job=${job} reload=${reload} />`)}</ul>`
    : html`<p class="nothing">${t("operations.noJobs")}</p>`}
    <${ProblemBox} problem=${problem} />
    ${cursor && html`<p class="center"><button type="button" disabled=${isBusy} onClick=${more}>${t("library.more")}</button></p>`}`;
}

function JobRow({ job, reload }) {
  const name = job.name ?? job.id.slice(0, 8);
  const dataset = job.owner.startsWith(DATASET) ? job.owner.slice(DATASET.length) : "";
  const [act, isBusy, problem] = useAction(async (action) => {
    if (action === "cancel" && !confirm(t("operations.confirmCancel", { name }))) return;
    await post(`v1/operations/jobs/${job.id}/${action}`);
    announce(t(`operations.${action}Done`, { name }));
    reload();
  });
  const facts = [
    textOr(`kind.${job.kind}`, job.kind),
    job.stage && textOr(`stage.${job.stage}`, job.stage),
    job.attempts > 1 && t("job.attempt", { count: job.attempts }),
    job.status === "running" && `${job.progress} %`,
    job.costUsd > 0 && money(job.costUsd),
    !job.own && !dataset && `${t("operations.owner")} ${job.owner}`,
  ].filter(Boolean).join(" · ");
  return html`
    <li class="row">
      <div class="row-text">
        <p class="row-name">${job.own ? html`<a href=${link(`jobs/${job.id}`)}>${name}</a>`
          : dataset ? html`<a href=${link(`datasets/${dataset}`)}>${name}</a>` : html`<span>${name}</span>`}
          <span class="share"><time datetime=${job.createdAt}>${ago(job.createdAt)}</time></span></p>
        <p class="facts">${facts}</p>
        ${job.error && html`<p class="reason"><span class="bad-text">${job.error.message}</span> <code class="share">${job.error.code}</code></p>`}
      </div>
      <div class="buttons">
        ${job.error?.retryable && html`
          <button type="button" disabled=${isBusy} aria-label=${`${t("job.retry")}: ${name}`} onClick=${() => act("retry")}>${t("job.retry")}</button>`}
        ${(job.status === "running" || job.status === "queued") && html`
          <button type="button" class="quiet" disabled=${isBusy} aria-label=${`${t("job.cancel")}: ${name}`} onClick=${() => act("cancel")}>${t("job.cancel")}</button>`}
      </div>
      <${ProblemBox} problem=${problem} />
    </li>`;
}

/** The library: everything made so far, newest first, filtered by kind and state, and searched to the second. */

import { get } from "../api.js";
import { Badge, Loading, PageTitle, Picture, ProblemBox, Tags, useTitle } from "../components.js";
import { ago, clock } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { KindIcon } from "../icons.js";
import { KINDS, nameOf, resultLink, stateOf, videoOf } from "../jobs.js";
import { go, link } from "../router.js";
import { ORIGINS, SearchResults } from "../search-results.js";
import { t } from "../texts.js";
import { hasEnded } from "../watch.js";

const PAGE = 12;
const REFRESH_MS = 4000;
const TYPING_MS = 600; // each search counts against the user's limit of questions
const STATES = ["running", "done", "failed", "cancelled"];

/** A page of the summaries of jobs. */
function load({ kind, status }, cursor) {
  const parameters = new URLSearchParams({ view: "summary", limit: PAGE });
  for (const [name, value] of Object.entries({ kind, status, cursor })) if (value) parameters.set(name, value);
  return get(`v1/jobs?${parameters}`);
}

/** The jobs that match: `{jobs, cursor, problem, more}`. While some run, the first page is read again and again. */
function useJobs(query) {
  const [state, setState] = useState({});
  const key = JSON.stringify(query);
  const isRunning = state.jobs?.some((job) => !hasEnded(job)) ?? false;
  useEffect(() => {
    let isCurrent = true;
    setState((old) => ({ ...old, problem: null }));
    load(query).then(
      (page) => isCurrent && setState({ ...page, key }),
      (problem) => isCurrent && setState((old) => ({ ...old, problem })),
    );
    return () => { isCurrent = false; };
  }, [key]);
  useEffect(() => {
    if (!isRunning) return undefined;
    const refresh = async () => {
      if (document.hidden) return;
      const { jobs } = await load(query).catch(() => ({}));
      if (!jobs) return;
      const oldest = jobs.at(-1)?.createdAt ?? "";
      setState((old) => (old.key === key ? { ...old, jobs: [...jobs, ...old.jobs.filter((job) => job.createdAt < oldest)] } : old));
    };
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, [isRunning, key]);
  const more = async () => {
    try {
      const page = await load(query, state.cursor);
      setState((old) => ({ ...old, jobs: [...old.jobs, ...page.jobs], cursor: page.cursor }));
    } catch (problem) {
      setState((old) => ({ ...old, problem }));
    }
  };
  return { ...state, isStale: state.key !== key, more };
}

export default function Library({ query, capabilities }) {
  useTitle(t("nav.library"));
  const { q = "", kind = "", status = "" } = query;
  const origin = ORIGINS.includes(query.in) ? query.in : "";
  const { jobs, cursor, problem, isStale, more } = useJobs({ kind, status });
  // An analysis without a title, such as a transcript, has that of another one of the same video.
  const titles = new Map(jobs?.filter(({ title }) => title).map((job) => [videoOf(job), job.title]));
  if (jobs && !jobs.length && !q && !kind && !status && !isStale) return html`<${FirstVisit} capabilities=${capabilities} />`;
  return html`
    <${PageTitle}>${t("nav.library")}<//>
    <${Filters} q=${q} origin=${origin} kind=${kind} status=${status} />
    ${q ? html`<${SearchResults} q=${q} origin=${origin} />` : html`
      <${ProblemBox} problem=${problem} />
      ${!jobs && !problem && html`<${Loading} />`}
      ${jobs && html`
        <ul class=${`grid ${isStale ? "stale" : ""}`} aria-label=${t("nav.library")}>
          ${jobs.map((job) => html`<${Card} key=${job.id} job=${job} title=${titles.get(videoOf(job))} />`)}
        </ul>
        ${!jobs.length && html`<p class="lead" role="status">${t("library.nothing")}</p>`}
        ${cursor && html`<p class="center"><button type="button" onClick=${more}>${t("library.more")}</button></p>`}`}`}`;
}

function Filters({ q, origin, kind, status }) {
  const [words, setWords] = useState(q);
  const timer = useRef(0);
  const show = (query) => {
    clearTimeout(timer.current);
    go("", { query, replace: true });
  };
  const search = (text, wait) => {
    setWords(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => show({ q: text.trim(), in: origin }), wait);
  };
  useEffect(() => { if (q !== words.trim()) setWords(q); }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return html`
    <form class="filters" role="search" onSubmit=${(event) => { event.preventDefault(); show({ q: words.trim(), in: origin }); }}>
      <input type="search" value=${words} maxlength="500" placeholder=${t("library.search")} aria-label=${t("library.search")}
        onInput=${({ target }) => search(target.value, target.value.trim() ? TYPING_MS : 0)} />
      ${q ? html`
        <select key="origin" aria-label=${t("search.where")} value=${origin} onChange=${({ target }) => show({ q, in: target.value })}>
          <option value="">${t("search.everywhere")}</option>
          ${ORIGINS.map((name) => html`<option value=${name}>${t(`search.in.${name}`)}</option>`)}
        </select>` : html`
        <select key="kind" aria-label=${t("library.kind")} value=${kind} onChange=${({ target }) => show({ kind: target.value, status })}>
          <option value="">${t("library.allKinds")}</option>
          ${KINDS.map((name) => html`<option value=${name}>${t(`kind.${name}`)}</option>`)}
        </select>
        <select key="state" aria-label=${t("library.state")} value=${status} onChange=${({ target }) => show({ kind, status: target.value })}>
          <option value="">${t("library.allStates")}</option>
          ${STATES.map((name) => html`<option value=${name}>${t(`state.${name}`)}</option>`)}
        </select>`}
    </form>`;
}

function Card({ job, title }) {
  const state = stateOf(job);
  return html`
    <li class="tile">
      <a href=${resultLink(job)}>
        <span class="tile-picture">
          <${Picture} jobId=${job.id} name=${job.thumbnail} />
          ${!job.thumbnail && html`<${KindIcon} kind=${job.kind} />`}
          ${job.durationSec > 0 && html`<span class="length">${clock(job.durationSec)}</span>`}
        </span>
        <span class="tile-title">${job.title || title || nameOf(job)}</span>
      </a>
      <span class="tile-facts">
        <span>${t(`kind.${job.kind}`)}</span>
        ${state === "done" ? html`<time datetime=${job.createdAt}>${ago(job.createdAt)}</time>` : html`<${Badge} job=${job} />`}
        ${!hasEnded(job) && html`<span class="share">${job.progress} %</span>`}
      </span>
      <${Tags} tags=${job.tags} />
    </li>`;
}

/** What somebody sees who has nothing yet. */
function FirstVisit({ capabilities }) {
  const { ai, speech } = capabilities;
  const missing = ai ? (speech ? "" : "speech") : speech ? "ai" : "both";
  return html`
    <section class="welcome">
      <${PageTitle}>${t("welcome.title")}<//>
      <p class="lead">${t("welcome.text")}</p>
      <p><a class="button primary large" href=${link("new")}>${t("welcome.start")}</a></p>
      <ul class="offers">
        ${["recipe", "summary", "transcript"].map((kind) => html`
          <li><${KindIcon} kind=${kind} /><strong>${t(`kind.${kind}`)}</strong><span>${t(`new.${kind}`)}</span></li>`)}
      </ul>
      ${missing && html`<p class="hint">${t(`welcome.${missing}`)}</p>`}
    </section>`;
}

/** The library: everything made so far, newest first, searched by words and filtered by kind and state. */

import { get } from "../api.js";
import { Ago, Badge, Loading, PageTitle, Picture, ProblemBox, useTitle } from "../components.js";
import { FirstVisit } from "../first-visit.js";
import { clock } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { KindIcon } from "../icons.js";
import { KINDS, nameOf, resultLink, stateOf, videoOf } from "../jobs.js";
import { go, link } from "../router.js";
import { t } from "../texts.js";
import { hasEnded } from "../watch.js";

const PAGE = 12;
const REFRESH_MS = 4000;
const STATES = ["running", "done", "failed", "cancelled"];

/** A page of jobs; with search words, of the first jobs of the videos that have them. */
async function load({ q, kind, status }, cursor) {
  const parameters = new URLSearchParams({ limit: PAGE });
  for (const [name, value] of Object.entries(q ? { q } : { kind, status })) if (value) parameters.set(name, value);
  if (cursor) parameters.set("cursor", cursor);
  if (!q) return get(`v1/jobs?${parameters}`);
  const page = await get(`v1/videos?${parameters}`);
  const jobs = await Promise.all(page.videos.map(({ id }) => get(`v1/jobs/${id}`)));
  return { jobs, cursor: page.cursor };
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
  const { jobs, cursor, problem, isStale, more } = useJobs({ q, kind, status });
  // An analysis without a title, such as a transcript, has that of another one of the same video.
  const titles = new Map(jobs?.filter(({ result }) => result?.title).map((job) => [videoOf(job), job.result.title]));
  const isFiltered = Boolean(q || kind || status);
  if (jobs && !jobs.length && !isFiltered && !isStale) return html`<${FirstVisit} capabilities=${capabilities} />`;
  return html`
    <${PageTitle}>${t("nav.library")}<//>
    <${Filters} q=${q} kind=${kind} status=${status} />
    <${ProblemBox} problem=${problem} />
    ${!jobs && !problem && html`<${Loading} />`}
    ${jobs && html`
      <ul class=${`grid ${isStale ? "stale" : ""}`} aria-label=${t("nav.library")}>
        ${jobs.map((job) => html`<${Card} key=${job.id} job=${job} title=${titles.get(videoOf(job))} />`)}
      </ul>
      ${!jobs.length && html`<p class="lead" role="status">${t("library.nothing")}</p>`}
      ${cursor && html`<p class="center"><button type="button" onClick=${more}>${t("library.more")}</button></p>`}`}`;
}

function Filters({ q, kind, status }) {
  const [words, setWords] = useState(q);
  const timer = useRef(0);
  const show = (query) => go("", { query, replace: true });
  const search = (text) => {
    setWords(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => show({ q: text.trim() }), 250);
  };
  useEffect(() => { if (q !== words.trim()) setWords(q); }, [q]);
  return html`
    <form class="filters" role="search" onSubmit=${(event) => { event.preventDefault(); show({ q: words.trim() }); }}>
      <input type="search" value=${words} placeholder=${t("library.search")} aria-label=${t("library.search")}
        onInput=${(event) => search(event.target.value)} />
      <select aria-label=${t("library.kind")} value=${kind} onChange=${(event) => show({ kind: event.target.value, status })}>
        <option value="">${t("library.allKinds")}</option>
        ${KINDS.map((name) => html`<option value=${name}>${t(`kind.${name}`)}</option>`)}
      </select>
      <select aria-label=${t("library.state")} value=${status} onChange=${(event) => show({ kind, status: event.target.value })}>
        <option value="">${t("library.allStates")}</option>
        ${STATES.map((name) => html`<option value=${name}>${t(`state.${name}`)}</option>`)}
      </select>
    </form>`;
}

function Card({ job, title }) {
  const state = stateOf(job);
  const duration = job.video.info?.durationSec;
  const name = (job.result?.thumbnail) || job.video.thumbnail?.name;
  return html`
    <li class="tile">
      <a href=${resultLink(job)}>
        <span class="tile-picture">
          <${Picture} jobId=${job.id} name=${name} />
          ${!name && html`<${KindIcon} kind=${job.kind} />`}
          ${duration > 0 && html`<span class="length">${clock(duration)}</span>`}
        </span>
        <span class="tile-title">${job.title || job.result?.title || title || nameOf(job)}</span>
      </a>
      <span class="tile-facts">
        <span>${t(`kind.${job.kind}`)}</span>
        ${state === "done" ? html`<${Ago} time=${job.createdAt} />` : html`<${Badge} job=${job} />`}
        ${!hasEnded(job) && html`<span class="share">${job.progress} %</span>`}
      </span>
      ${job.tags.length > 0 && html`<span class="tags">${job.tags.map((tag) => html`<a href=${link("", { q: tag })}>#${tag}</a>`)}</span>`}
    </li>`;
}

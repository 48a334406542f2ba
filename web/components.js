/** What several pages are built from. */

import { download, get, mediaLink, post } from "./api.js";
import { ago, clock } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { KINDS, nameOf, resultLink, stateOf, videoOf } from "./jobs.js";
import { go, link } from "./router.js";
import { t } from "./texts.js";

/** Have screen readers read a text, without moving anything. */
export function announce(text) {
  document.getElementById("announcement").textContent = text;
}

/** What `load` gives, again whenever `keys` change: `{value, problem, reload}`. */
export function useLoaded(load, keys) {
  const [state, setState] = useState({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (value) => isCurrent && setState({ value }),
      (problem) => isCurrent && setState((old) => ({ ...old, problem })),
    );
    return () => { isCurrent = false; };
  }, [...keys, round]);
  return { ...state, reload: () => setRound(round + 1) };
}

/** An action of a button: `[run, isBusy, problem]`. */
export function useAction(work) {
  const [state, setState] = useState({ isBusy: false, problem: null });
  const run = async (...values) => {
    setState({ isBusy: true, problem: null });
    try {
      await work(...values);
      setState({ isBusy: false, problem: null });
    } catch (problem) {
      setState({ isBusy: false, problem });
    }
  };
  return [run, state.isBusy, state.problem];
}

export function useTitle(title) {
  useEffect(() => { document.title = title ? `${title} · Clipwise` : "Clipwise"; }, [title]);
}

export const ProblemBox = ({ problem, retry }) => problem && html`
  <div class="notice bad" role="alert">
    <p>${problem.message}</p>
    ${retry && html`<button type="button" onClick=${retry}>${t("action.tryAgain")}</button>`}
  </div>`;

/** A text whose parts between backticks are commands or names of settings. */
export const WithCode = ({ text }) => text.split("`").map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));

export const Loading = () => html`<p class="loading" role="status">${t("loading")}</p>`;

export function Badge({ job }) {
  const state = stateOf(job);
  return html`<span class=${`badge ${state}`}>${t(`state.${state}`)}</span>`;
}

/** The link of a picture or video for `src`; "" until it is known. */
export function useMedia(path) {
  const [state, setState] = useState({});
  useEffect(() => {
    let isCurrent = true;
    if (path) {
      mediaLink(path).then((source) => isCurrent && setState({ path, source }), () => {});
    }
    return () => { isCurrent = false; };
  }, [path]);
  return state.path === path ? state.source : "";
}

export const mediaPath = (jobId, name) => `v1/jobs/${jobId}/media/${name.split("/").map(encodeURIComponent).join("/")}`;

/** A picture of a job in a box of fixed shape, so that nothing moves when it comes. */
export function Picture({ jobId, name, alt = "" }) {
  const source = useMedia(name ? mediaPath(jobId, name) : "");
  const [isBroken, setBroken] = useState(false);
  return html`<span class="picture">
    ${source && !isBroken && html`<img src=${source} alt=${alt} loading="lazy" decoding="async" onError=${() => setBroken(true)} />`}
  </span>`;
}

/** Tags as links to what else has them. */
export const Tags = ({ tags }) => tags.length > 0 && html`
  <span class="tags">${tags.map((tag) => html`<a href=${link("", { q: tag })}>#${tag}</a>`)}</span>`;

/** A place in the video, which the player jumps to. */
export const TimeButton = ({ time, onJump }) => html`
  <button type="button" class="time" aria-label=${t("player.jump", { time: clock(time) })} onClick=${() => onJump(time)}>
    <span aria-hidden="true">▸</span> ${clock(time)}
  </button>`;

/** Links that save a job's result as files. */
export function Downloads({ job, formats, query = "", children }) {
  const [save, isBusy, problem] = useAction((format) => download(`v1/jobs/${job.id}/export?format=${format}${query}`));
  return html`
    <div class="buttons">
      ${children}
      ${formats.map((format) => html`
        <button type="button" class="quiet" disabled=${isBusy} onClick=${() => save(format)}>
          <span aria-hidden="true">↓</span> ${t(`format.${format}`)}
        </button>`)}
    </div>
    <${ProblemBox} problem=${problem} />`;
}

/**
 * The other results of the same video, and buttons that make more of it without sending it again.
 * @param hasOwn whether the result of the job itself is among them.
 */
export function OtherResults({ job, hasOwn = false }) {
  const { value: video } = useLoaded(() => get(`v1/videos/${videoOf(job)}`), [job.id]);
  const [create, isBusy, problem] = useAction(async (kind) => {
    const created = await post(`v1/videos/${videoOf(job)}/analyses`, { kind, language: job.language });
    go(`jobs/${created.id}`);
  });
  if (!video) return null;
  const analyses = video.analyses.map((item) => ({ ...item, id: item.jobId ?? item.job_id }));
  const others = analyses.filter(({ id }) => hasOwn || id !== job.id);
  const missing = KINDS.filter((kind) => !analyses.some((item) => item.kind === kind && item.status !== "failed"));
  return html`
    <section class="others no-print" aria-labelledby="others">
      <h2 id="others">${t(hasOwn ? "others.all" : "others.title")}</h2>
      <div class="buttons">
        ${others.map((item) => html`<a class="button quiet" href=${resultLink(item)}>${t(`kind.${item.kind}`)}</a>`)}
        ${missing.map((kind) => html`
          <button type="button" class="quiet" disabled=${isBusy} onClick=${() => create(kind)}>
            <span aria-hidden="true">+</span> ${t(`kind.${kind}`)}
          </button>`)}
      </div>
      <${ProblemBox} problem=${problem} />
      ${!location.hash.startsWith("#/jobs/") && html`<p class="hint"><a href=${link(`jobs/${job.id}`)}>${t("others.job")}</a></p>`}
    </section>`;
}

/** Where a result comes from: its video, author and time. */
export const Byline = ({ job }) => html`
  <p class="byline">
    ${[job.video.author, job.url ? null : job.filename, ago(job.createdAt)].filter(Boolean).join(" · ")}
    ${job.url && /^https?:/.test(job.url) && html` · <a href=${job.url} rel="noreferrer noopener" target="_blank">${t("job.source")}</a>`}
  </p>`;

export const Notes = ({ notes }) => notes?.length > 0 && html`
  <ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`;

/** A job that analyzes a stored video again, with that video's title if it has none of its own. */
export async function withTitle(job) {
  if (!job.ofVideo || job.title || job.result?.title) return job;
  const video = await get(`v1/videos/${job.ofVideo}`).catch(() => ({}));
  return { ...job, title: video.title };
}

/** The job of a result page. Jobs of another kind or without a result are shown where they belong. */
export function useResult(id, kind) {
  const loaded = useLoaded(async () => withTitle(await get(`v1/jobs/${encodeURIComponent(id)}`)), [id]);
  const job = loaded.value;
  const isHere = job && job.kind === kind && stateOf(job) === "done";
  useEffect(() => {
    if (job && !isHere) go(resultLink(job).slice(2), { replace: true });
  }, [job]);
  useTitle(job && nameOf(job));
  return { ...loaded, value: isHere ? job : undefined };
}

/** A heading that gets the focus when its page opens, so that screen readers begin there. */
export function PageTitle({ children, lang }) {
  const heading = useRef();
  useEffect(() => {
    if (document.body.dataset.moved) heading.current.focus({ preventScroll: true });
  }, []);
  return html`<h1 tabindex="-1" ref=${heading} lang=${lang ?? undefined}>${children}</h1>`;
}

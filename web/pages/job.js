/** A job, live: its stages as a timeline, and what they have found of the video so far. */

import { post, remove } from "../api.js";
import {
  announce, Badge, Byline, Downloads, Loading, OtherResults, PageTitle, Picture, ProblemBox, useAction, useLoaded, useNow, useTitle,
  withTitle,
} from "../components.js";
import { clock, elapsed } from "../format.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { KINDS, nameOf, resultLink, resultPath, stageTime, stateOf, useJob } from "../jobs.js";
import { go, link } from "../router.js";
import { t } from "../texts.js";
import { UploadCard } from "../upload-card.js";
import { onUploads, uploadOf } from "../uploads.js";
import { hasEnded } from "../watch.js";

const FORMATS = { recipe: ["md", "jsonld", "json"], reel: ["md", "json"], summary: ["md", "json"], transcript: ["txt", "srt", "vtt"], metadata: ["json"] };

export default function JobPage({ id }) {
  const [round, setRound] = useState(0);
  const { job: live, problem } = useJob(id, round);
  const { value: titled } = useLoaded(async () => (live ? withTitle(live) : null), [Boolean(live)]);
  const job = live && titled ? { ...live, title: live.title ?? titled.title } : null;
  const state = job && stateOf(job);
  const before = useRef(null);
  useTitle(job && nameOf(job));
  useEffect(() => {
    if (before.current && before.current !== state && job) announce(`${nameOf(job)}: ${t(`state.${state}`)}`);
    before.current = state;
  }, [state]);
  if (!job || problem?.isFinal) return problem ? html`<${Missing} problem=${problem} retry=${() => setRound(round + 1)} />` : html`<${Loading} />`;
  return html`
    <${PageTitle}>${nameOf(job)}<//>
    <${Byline} job=${job} />
    <${Outcome} job=${job} again=${() => setRound(round + 1)} />
    <p class="connection" role="status">${problem ? t("job.reconnecting") : ""}</p>
    <div class="job">
      <${Timeline} job=${job} />
      <${Findings} job=${job} />
    </div>
    ${hasEnded(job) && job.video.info && html`<${OtherResults} job=${job} />`}
    ${hasEnded(job) && html`<${Delete} job=${job} />`}`;
}

const Missing = ({ problem, retry }) => html`<div class="narrow">
  <${PageTitle}>${t("job.missing")}<//><${ProblemBox} problem=${problem} retry=${problem.isFinal ? null : retry} /></div>`;

/** What has become of it, and what can be done now; its height stays while it runs. */
function Outcome({ job, again }) {
  const state = stateOf(job);
  const [cancel, isCancelling, cancelProblem] = useAction(() => post(`v1/jobs/${job.id}/cancel`));
  const [retry, isRetrying, retryProblem] = useAction(async () => {
    await post(`v1/jobs/${job.id}/retry`);
    again();
  });
  const lacksFile = job.upload?.state === "waiting" && !uploadOf(job.id) && !hasEnded(job);
  const hasPage = resultPath(job) !== `jobs/${job.id}`;
  return html`
    <section class=${`outcome card ${state}`} aria-labelledby="state">
      <div class="outcome-line">
        <h2 id="state"><${Badge} job=${job} /> ${lacksFile ? t("job.lacksFile") : t(`job.${state}`, { kind: t(`kind.${job.kind}`) })}</h2>
        ${!hasEnded(job) && html`<span class="share">${job.progress} %</span>`}
      </div>
      <progress max="100" value=${job.progress} aria-label=${t("job.progress")}></progress>
      ${job.error && html`<p class="reason">${job.error.message}</p>`}
      ${job.resultEmpty && html`<p class="reason">${job.resultEmpty.message} ${job.resultEmpty.advice}</p>`}
      <div class="buttons">
        ${!hasEnded(job) && html`<button type="button" class="quiet" disabled=${isCancelling} onClick=${cancel}>${t("job.cancel")}</button>`}
        ${job.error?.retryable && html`<button type="button" class="primary" disabled=${isRetrying} onClick=${retry}>${t("job.retry")}</button>`}
        ${job.error && !job.error.retryable && html`<a class="button primary" href=${link("new")}>${t("job.addAgain")}</a>`}
        ${state === "done" && hasPage && html`<a class="button primary" href=${resultLink(job)}>${t(`job.open.${job.kind}`)}</a>`}
      </div>
      ${state === "done" && !hasPage && html`<${Downloads} job=${job} formats=${FORMATS[job.kind] ?? ["json"]} />`}
      <${ProblemBox} problem=${cancelProblem ?? retryProblem} />
    </section>`;
}

function Timeline({ job }) {
  const now = useNow(!hasEnded(job));
  const [, setRound] = useState(0);
  useEffect(() => onUploads(() => setRound((round) => round + 1)), []);
  const upload = uploadOf(job.id);
  const isWaiting = job.upload?.state === "waiting" && !hasEnded(job);
  return html`
    <section aria-labelledby="stages">
      <h2 id="stages">${t("job.stages")}</h2>
      ${isWaiting && upload && html`<${UploadCard} upload=${upload} onDiscard=${() => go("new", { replace: true })} />`}
      <ol class="timeline">
        ${job.upload && html`<${Stage} name="upload" time=${null}
          stage=${{ status: isWaiting ? (upload?.state === "sending" ? "running" : "pending") : job.upload.state === "received" ? "done" : "failed" }} />`}
        ${Object.entries(job.stages).map(([name, stage]) => html`
          <${Stage} key=${name} name=${name} stage=${stage} time=${stageTime(stage, now)} isOver=${hasEnded(job)} />`)}
      </ol>
    </section>`;
}

function Stage({ name, stage, time, isOver }) {
  const isRunning = stage.status === "running";
  const details = [
    isRunning || stage.status === "failed" ? stage.error?.message ?? stage.message : "",
    stage.attempts > 1 ? t("job.attempt", { count: stage.attempts }) : "",
  ].filter(Boolean).join(" · ");
  const status = isOver && stage.status === "pending" ? "skipped" : stage.status;
  return html`
    <li class=${`stage ${status}`}>
      <span class="stage-name">${t(`stage.${name}`)} <span class="unseen">${t(`stageState.${status}`)}</span></span>
      <span class="stage-time">${[isRunning && stage.progress > 0 && `${Math.floor(stage.progress * 100)} %`, time !== null && elapsed(time)].filter(Boolean).join(" · ")}</span>
      <span class="stage-detail">${details}</span>
    </li>`;
}

/** Picture, frames, shots and words, in boxes that are there before their contents. */
function Findings({ job }) {
  const { thumbnail, frames, shots, transcript, info } = job.video;
  const isOver = hasEnded(job);
  if (isOver && !thumbnail && !transcript) return null;
  return html`
    <section class="findings" aria-labelledby="findings">
      <h2 id="findings">${t("job.findings")}</h2>
      <${Picture} jobId=${job.id} name=${thumbnail?.name} alt=${t("job.thumbnail")} />
      <p class="facts">${info ? [clock(info.durationSec), info.width ? `${info.width} × ${info.height}` : "", info.videoCodec ?? info.audioCodec].filter(Boolean).join(" · ") : " "}</p>
      ${(frames.length > 0 || !isOver) && html`
        <ul class="frames" aria-label=${t("job.frames")}>
          ${frames.map((frame) => html`<li key=${frame.name} style=${{ "--ratio": frame.width / frame.height }}><${Picture} jobId=${job.id} name=${frame.name} alt=${t("job.frameAt", { time: clock(frame.time) })} />
            <span>${clock(frame.time)}</span></li>`)}
        </ul>`}
      ${(shots.length > 1 || !isOver) && html`<p class="shots" aria-label=${t("job.shots", { count: shots.length })} role="img">
        ${shots.slice(0, 200).map((shot) => html`<span style=${{ flexGrow: Math.max(0.2, shot.end - shot.start) }}></span>`)}</p>`}
      ${(transcript || !isOver) && KINDS.includes(job.kind) && job.kind !== "metadata" && html`
        <div class="words" tabindex="0" role="region" aria-label=${t("job.transcript")}>${transcript || html`<span class="hint">${t("job.noWordsYet")}</span>`}</div>`}
    </section>`;
}

function Delete({ job }) {
  const [drop, isBusy, problem] = useAction(async () => {
    if (!confirm(t("job.confirmDelete", { name: nameOf(job) }))) return;
    await remove(`v1/jobs/${job.id}`);
    announce(t("job.deleted", { name: nameOf(job) }));
    go("", { replace: true });
  });
  return html`<p><button type="button" class="quiet danger" disabled=${isBusy} onClick=${drop}>${t("job.delete")}</button></p>
    <${ProblemBox} problem=${problem} />`;
}

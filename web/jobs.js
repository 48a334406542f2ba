/** What the pages read out of jobs. */

import { useEffect, useState } from "./html.js";
import { link } from "./router.js";
import { t } from "./texts.js";
import { watchJob } from "./watch.js";

export const KINDS = ["recipe", "summary", "transcript", "reel", "metadata"];
/** Kinds whose results have a page of their own, and its path. */
const PAGES = { recipe: "recipes", summary: "summaries", transcript: "transcripts" };

export const nameOf = (job) =>
  job.title || job.result?.title || job.video?.title || job.filename || job.video?.filename || job.url || t("job.untitled");

/** The id of the stored video, by which it is played. */
export const videoOf = (job) => job.videoId ?? job.ofVideo ?? job.id;

/** Whether a job, or the summary of one, has ended with nothing in its result. */
const isEmpty = (job) => job.isEmpty ?? Boolean(job.resultEmpty);

export const hasResult = (job) => job.status === "done" && !isEmpty(job);

/** Where a job's result is looked at; its own page until there is one. */
export function resultPath(job) {
  const page = PAGES[job.kind];
  return page && hasResult(job) ? `${page}/${job.id}` : `jobs/${job.id}`;
}

export const resultLink = (job) => link(resultPath(job));

/** `queued`, `running`, `done`, `empty`, `failed` or `cancelled`. */
export const stateOf = (job) => (job.status === "done" && isEmpty(job) ? "empty" : job.status);

/** A job, live: `{job, problem}`. Another `round` watches it again, as after a retry. */
export function useJob(id, round = 0) {
  const [state, setState] = useState({ job: null, problem: null });
  useEffect(() => watchJob(
    id,
    (job) => setState({ job, problem: null }),
    (problem) => setState((old) => ({ ...old, problem })),
  ), [id, round]);
  return state;
}

/** How long a stage took, or has taken so far, in milliseconds; null before it starts. */
export function stageTime(stage, now) {
  if (!stage.startedAt) return null;
  const end = stage.endedAt ? Date.parse(stage.endedAt) : now;
  return Math.max(0, end - Date.parse(stage.startedAt));
}

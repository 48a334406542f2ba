/** A transcript in step with the video. */

import { get } from "../api.js";
import { Byline, Downloads, Loading, Notes, OtherResults, PageTitle, ProblemBox, useLoaded, useResult } from "../components.js";
import { number } from "../format.js";
import { html, useEffect } from "../html.js";
import { nameOf, videoOf } from "../jobs.js";
import { Player, usePlayer } from "../player.js";
import { Speakers } from "../speakers.js";
import { t } from "../texts.js";
import { TranscriptLines } from "../transcript-lines.js";

export default function TranscriptPage({ id, query }) {
  const { value: job, problem, reload } = useResult(id, "transcript");
  const loaded = useLoaded(async () => (job ? get(`v1/videos/${videoOf(job)}/transcript`) : null), [job?.id]);
  const player = usePlayer();
  const start = Number(query.t) || 0;
  useEffect(() => {
    if (start && player.element) player.element.currentTime = start;
  }, [start, Boolean(job)]);
  if (!job) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  const { words, language, notes, source } = job.result;
  return html`
    <article class="transcript">
      <div class="transcript-watch">
        <${Player} job=${job} player=${player} poster=${job.video.thumbnail?.name} />
        <div class="no-print"><${Downloads} job=${job} formats=${["srt", "vtt", "txt"]} /></div>
        <${Notes} notes=${notes} />
      </div>
      <div>
        <${PageTitle}>${nameOf(job)}<//>
        <${Byline} job=${job} />
        <p class="facts">${[source && t(`transcript.${source}`), words != null && t("transcript.words", { count: number(words) })].filter(Boolean).join(" · ")}</p>
        <${ProblemBox} problem=${loaded.problem} retry=${loaded.reload} />
        ${loaded.value && html`<${Speakers} videoId=${videoOf(job)} segments=${loaded.value.segments} names=${job.speakers ?? {}} onChange=${() => { reload(); loaded.reload(); }} />`}
        ${loaded.value && html`<${TranscriptLines} segments=${loaded.value.segments} tag=${language} player=${player} />`}
      </div>
    </article>
    <${OtherResults} job=${job} />`;
}

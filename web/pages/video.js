/** A video: played from any second, with its words in step, its results, its title and tags, and ways on from here. */

import { get, patch } from "../api.js";
import { Byline, Loading, OtherResults, PageTitle, ProblemBox, Tags, useAction, useLoaded, useTitle, withTitle } from "../components.js";
import { html, useEffect, useState } from "../html.js";
import { nameOf } from "../jobs.js";
import { Player, usePlayer } from "../player.js";
import { go, link } from "../router.js";
import { Speakers } from "../speakers.js";
import { t } from "../texts.js";
import { TranscriptLines } from "../transcript-lines.js";

const MOST_TAGS = 30;

export default function VideoPage({ id, query }) {
  const { value: job, problem, reload } = useLoaded(async () => withTitle(await get(`v1/jobs/${encodeURIComponent(id)}`)), [id]);
  const words = useLoaded(
    async () => (job?.video.transcript ? get(`v1/videos/${job.id}/transcript`) : null),
    [job?.id, Boolean(job?.video.transcript)],
  );
  const player = usePlayer();
  const start = Number(query.t) || 0;
  useEffect(() => {
    if (job?.ofVideo) go(`videos/${job.ofVideo}`, { query, replace: true });
  }, [job?.ofVideo]);
  useEffect(() => {
    if (player.element) player.element.currentTime = start;
  }, [start, Boolean(job)]);
  useTitle(job && nameOf(job));
  if (!job || job.ofVideo) return problem ? html`<${ProblemBox} problem=${problem} retry=${problem.isFinal ? null : reload} />` : html`<${Loading} />`;
  return html`
    <article class="transcript">
      <div class="transcript-watch"><${Player} job=${job} player=${player} poster=${job.video.thumbnail?.name} /></div>
      <div>
        <${Details} job=${job} reload=${reload} />
        <div class="buttons">
          <a class="button" href=${link(`videos/${id}/chat`)}>${t("video.ask")}</a>
          <a class="button" href=${link("groups", { add: id })}>${t("video.addToGroup")}</a>
        </div>
        <${ProblemBox} problem=${words.problem} retry=${words.reload} />
        ${words.value && html`<${Speakers} videoId=${id} segments=${words.value.segments} names=${job.speakers ?? {}} onChange=${() => { reload(); words.reload(); }} />`}
        ${words.value && html`<${TranscriptLines} segments=${words.value.segments} tag=${words.value.language} player=${player} />`}
        ${!job.video.transcript && html`<p class="hint">${t("video.noWords")}</p>`}
      </div>
    </article>
    <${OtherResults} job=${job} hasOwn />`;
}

/** Title, description and tags, which its owner can change. */
function Details({ job, reload }) {
  const [isOpen, setOpen] = useState(false);
  const [save, isBusy, problem] = useAction(async (event) => {
    event.preventDefault();
    const { title, description, tags } = Object.fromEntries(new FormData(event.target));
    const list = tags.split(",").map((tag) => tag.trim()).filter(Boolean).slice(0, MOST_TAGS);
    await patch(`v1/videos/${job.id}`, { title: title.trim() || null, description: description.trim() || null, tags: list });
    setOpen(false);
    reload();
  });
  return html`
    <${PageTitle}>${nameOf(job)}<//>
    <${Byline} job=${job} />
    ${job.description && html`<p class="prose">${job.description}</p>`}
    <${Tags} tags=${job.tags} />
    <details class="edit no-print" open=${isOpen} onToggle=${({ target }) => setOpen(target.open)}>
      <summary>${t("video.edit")}</summary>
      <form class="stack" onSubmit=${save}>
        <label>${t("video.title")}<input name="title" maxlength="200" defaultValue=${job.title ?? ""} /></label>
        <label>${t("video.description")}<textarea name="description" maxlength="5000" rows="3" defaultValue=${job.description ?? ""} /></label>
        <label>${t("video.tags")}<input name="tags" defaultValue=${job.tags.join(", ")} /></label>
        <${ProblemBox} problem=${problem} />
        <p><button type="submit" class="primary" disabled=${isBusy}>${t("action.save")}</button></p>
      </form>
    </details>`;
}

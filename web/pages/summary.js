/** A summary: what to read instead of watching, with chapters on the player's bar and key points that jump. */

import { Byline, Downloads, Loading, Notes, OtherResults, PageTitle, ProblemBox, TimeButton, useResult } from "../components.js";
import { html } from "../html.js";
import { nameOf } from "../jobs.js";
import { Player, usePlayer } from "../player.js";
import { t } from "../texts.js";

export default function SummaryPage({ id }) {
  const { value: job, problem, reload } = useResult(id, "summary");
  const player = usePlayer();
  if (!job) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  const { summary, keyPoints, chapters, notes, language } = job.result;
  return html`
    <article class="summary">
      <div class="summary-watch"><${Player} job=${job} player=${player} poster=${job.video.thumbnail?.name} chapters=${chapters} />
        ${chapters.length > 1 && html`<section class="no-print" aria-labelledby="chapters">
          <h2 id="chapters">${t("summary.chapters")}</h2>
          <ol class="moments" lang=${language ?? undefined}>
            ${chapters.map((chapter) => html`<li><${TimeButton} time=${chapter.start} onJump=${player.jump} /> <span>${chapter.title}</span></li>`)}
          </ol>
        </section>`}
      </div>
      <div>
        <${PageTitle} lang=${language}>${job.result.title || nameOf(job)}<//>
        <${Byline} job=${job} />
        <p class="lead prose" lang=${language ?? undefined}>${summary}</p>
        ${keyPoints.length > 0 && html`
          <h2>${t("summary.points")}</h2>
          <ul class="points" lang=${language ?? undefined}>
            ${keyPoints.map((point) => html`
              <li><p>${point.text}</p>
                ${point.start != null && html`<${TimeButton} time=${point.start} onJump=${player.jump} />`}
                ${point.quote && point.quote !== point.text && html`<q>${point.quote}</q>`}</li>`)}
          </ul>`}
        <${Notes} notes=${notes} />
        <${Downloads} job=${job} formats=${["md", "json"]} />
      </div>
    </article>
    <${OtherResults} job=${job} />`;
}

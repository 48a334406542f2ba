/** A reel: what makes it work, its pace over time, and its script as a table whose scenes play their place. */

import { announce, Byline, Downloads, Loading, Notes, OtherResults, PageTitle, ProblemBox, TimeButton, useAction, useResult } from "../components.js";
import { number, percent } from "../format.js";
import { html, useState } from "../html.js";
import { nameOf } from "../jobs.js";
import { PacingChart } from "../pacing-chart.js";
import { Player, usePlayer } from "../player.js";
import { t } from "../texts.js";

export default function ReelPage({ id }) {
  const { value: job, problem, reload } = useResult(id, "reel");
  const player = usePlayer();
  const [now, setNow] = useState(0);
  player.onTime = setNow;
  if (!job) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  const { keys, script, recommendations, original, pacing, language, notes } = job.result;
  const lang = language ?? undefined;
  // Results of earlier versions have no timeline; the cuts are those of the job.
  const timeline = job.result.timeline ?? { cuts: job.video.shots.slice(1).map(({ start }) => start), speech: null, levels: null };
  const duration = pacing?.durationSec ?? job.video.info?.durationSec ?? 0;
  return html`
    <article>
      <header class="reel-head">
        <div class="reel-watch"><${Player} job=${job} player=${player} poster=${job.video.thumbnail?.name} /></div>
        <div>
          <${PageTitle}>${nameOf(job)}<//>
          <${Byline} job=${job} />
          <${Facts} pacing=${pacing} />
          ${duration > 0 && html`
            <section aria-labelledby="pacing">
              <h2 id="pacing">${t("reel.pacing")}</h2>
              <${PacingChart} timeline=${timeline} duration=${duration} now=${now} onJump=${player.jump} />
            </section>`}
        </div>
      </header>
      ${keys.length > 0 && html`
        <section aria-labelledby="keys">
          <h2 id="keys">${t("reel.keys")}</h2>
          <ol class="reel-keys" lang=${lang}>${keys.map((key) => html`<li class="card"><h3>${key.title}</h3><p>${key.description}</p></li>`)}</ol>
        </section>`}
      <${Script} job=${job} script=${script} lang=${lang} onJump=${player.jump} />
      ${recommendations.length > 0 && html`
        <section aria-labelledby="advice">
          <h2 id="advice">${t("reel.recommendations")}</h2>
          <dl class="advice" lang=${lang}>${recommendations.map(({ category, text }) => html`<div><dt>${category}</dt><dd>${text}</dd></div>`)}</dl>
        </section>`}
      <${Original} original=${original} lang=${lang} />
      <${Notes} notes=${notes} />
    </article>
    <${OtherResults} job=${job} />`;
}

/** What was measured; what is unknown is left out. */
function Facts({ pacing }) {
  const seconds = (value) => value != null && `${number(value, 1)} ${t("unit.seconds")}`;
  const facts = pacing ? [
    ["hook", seconds(pacing.hookSec)],
    ["cutsPerMinute", pacing.cutsPerMinute != null && number(pacing.cutsPerMinute, 1)],
    ["meanShot", seconds(pacing.meanShotSec)],
    ["loudness", pacing.loudness && `${number(pacing.loudness.integratedLufs, 1)} LUFS`],
    ["wordsPerMinute", pacing.wordsPerMinute && number(pacing.wordsPerMinute, 0)],
    ["silence", pacing.silenceShare != null && percent(pacing.silenceShare)],
    ["screenText", pacing.textShare != null && percent(pacing.textShare)],
  ].filter(([, value]) => value) : [];
  return facts.length > 0 && html`<dl class="chips">${facts.map(([name, value]) => html`<div><dt>${t(`reel.fact.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The script; on a phone each scene is a card, which stays a row of the table for screen readers. */
function Script({ job, script, lang, onJump }) {
  const columns = ["time", "visual", "text", "note"].map((name) => t(`reel.column.${name}`));
  const [copy, , problem] = useAction(async () => {
    const rows = script.map((scene) => [scene.time, scene.visual, scene.text, scene.note].map((text) => text.replace(/\s+/g, " ")));
    await navigator.clipboard.writeText([columns, ...rows].map((row) => row.join("\t")).join("\n"));
    announce(t("reel.copied"));
  });
  return html`
    <section aria-labelledby="script">
      <div class="section-line">
        <h2 id="script">${t("reel.script")}</h2>
        <${Downloads} job=${job} formats=${["md", "json"]}>
          ${navigator.clipboard && script.length > 0 && html`<button type="button" class="quiet" onClick=${copy}>${t("reel.copy")}</button>`}
        <//>
      </div>
      <${ProblemBox} problem=${problem} />
      ${script.length ? html`
        <table class="script" role="table">
          <thead role="rowgroup"><tr role="row">${columns.map((name) => html`<th role="columnheader" scope="col">${name}</th>`)}</tr></thead>
          <tbody role="rowgroup" lang=${lang}>${script.map((scene) => html`
            <tr role="row">
              <th role="rowheader" scope="row"><${TimeButton} time=${scene.start} onJump=${onJump} /></th>
              ${[scene.visual, scene.text, scene.note].map((text, index) => html`<td role="cell" data-name=${columns[index + 1]} class=${text ? "" : "blank"}>${text}</td>`)}
            </tr>`)}
          </tbody>
        </table>`
      : html`<p class="nothing">${t("reel.noScript")}</p>`}
    </section>`;
}

const Original = ({ original, lang }) => original.transcription && html`
  <section aria-labelledby="original">
    <h2 id="original">${t("reel.original")}</h2>
    <p class="prose">${original.transcription}</p>
    ${original.translation && original.translation !== original.transcription && html`
      <h3>${t("reel.translation")}</h3><p class="prose" lang=${lang}>${original.translation}</p>`}
  </section>`;

/** What changes over the time of a video: its shots, its loudness and its speech, below each other; as a chart and as a table. */

import { clock, number, percent } from "./format.js";
import { html } from "./html.js";
import { t } from "./texts.js";

const WIDTH = 1000; // of the chart, in its own units
const LANE = 100;
const FLOOR = -60; // dB; what is quieter is drawn as silence
const MOST_ROWS = 40;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800]; // seconds

/**
 * @param timeline of the result: `{cuts, speech, levels}`; speech and levels are null where they are unknown.
 * @param now the player's place in seconds.
 */
export function PacingChart({ timeline, duration, now, onJump }) {
  const at = (time) => (time / duration) * WIDTH;
  const seek = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    onJump(((event.clientX - box.left) / box.width) * duration);
  };
  const starts = [0, ...timeline.cuts];
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * duration);
  return html`
    <figure class="pacing">
      <div class="pacing-lanes" onClick=${seek}>
        <${Lane} name=${t("reel.shots")}>
          ${starts.map((start, index) => html`<rect class=${index % 2 ? "shot odd" : "shot"} x=${at(start)} y="15"
            width=${Math.max(1, at(starts[index + 1] ?? duration) - at(start) - 2)} height="70" />`)}
        <//>
        <${Lane} name=${t("reel.loudness")} unknown=${timeline.levels === null}>
          ${timeline.levels && html`<path class="level" d=${levelPath(timeline.levels)} />`}
        <//>
        <${Lane} name=${t("reel.speech")} unknown=${timeline.speech === null}>
          ${timeline.speech?.map(({ start, end }) => html`<rect class="spoken" x=${at(start)} y="25" width=${Math.max(2, at(end) - at(start))} height="50" rx="4" />`)}
        <//>
        <svg class=${now ? "pacing-now" : "pacing-now start"} viewBox=${`0 0 ${WIDTH} ${LANE}`} preserveAspectRatio="none" aria-hidden="true"><rect x=${at(now) - 1} y="0" width="3" height=${LANE} /></svg>
      </div>
      <p class="pacing-axis" aria-hidden="true">${marks.map((time) => html`<span>${clock(time)}</span>`)}</p>
      <details><summary>${t("reel.asTable")}</summary><${PacingTable} timeline=${timeline} duration=${duration} /></details>
    </figure>`;
}

const Lane = ({ name, unknown = false, children }) => html`
  <div class="lane">
    <span class="lane-name">${name}${unknown && html` · ${t("reel.unknown")}`}</span>
    <svg viewBox=${`0 0 ${WIDTH} ${LANE}`} preserveAspectRatio="none" aria-hidden="true">${children}</svg>
  </div>`;

/** An area from the bottom of the lane up to each level. */
function levelPath(levels) {
  const step = WIDTH / levels.length;
  const points = levels.map((level, index) => {
    const share = Math.min(1, Math.max(0, (level - FLOOR) / -FLOOR));
    return `${(index * step).toFixed(1)},${(LANE * (1 - share)).toFixed(1)} H${((index + 1) * step).toFixed(1)}`;
  });
  return `M0,${LANE} L${points.join(" L")} V${LANE} Z`;
}

/** The same in intervals of equal length: cuts, mean level, and the share of time with speech. */
function PacingTable({ timeline, duration }) {
  const step = STEPS.find((each) => duration / each <= MOST_ROWS) ?? STEPS.at(-1);
  const rows = Array.from({ length: Math.ceil(duration / step) }, (_, index) => {
    const [start, end] = [index * step, Math.min(duration, (index + 1) * step)];
    const spoken = timeline.speech?.reduce((sum, span) => sum + Math.max(0, Math.min(end, span.end) - Math.max(start, span.start)), 0);
    return {
      start,
      cuts: timeline.cuts.filter((cut) => cut >= start && cut < end).length,
      level: meanLevel(timeline.levels, start / duration, end / duration),
      spoken: spoken === undefined ? null : spoken / (end - start),
    };
  });
  return html`
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t("reel.pacing")}>
      <table class="numbers">
        <thead><tr>${["time", "cuts", "level", "speech"].map((name) => html`<th scope="col">${t(`reel.column.${name}`)}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr><th scope="row">${clock(row.start)}</th><td>${number(row.cuts)}</td>
          <td>${row.level === null ? t("reel.unknown") : `${number(row.level, 0)} dB`}</td><td>${row.spoken === null ? t("reel.unknown") : percent(Math.round(row.spoken * 100) / 100)}</td></tr>`)}</tbody>
      </table>
    </div>`;
}

/** The level of a part of the video, averaged as power; null where it is unknown. */
function meanLevel(levels, from, to) {
  if (!levels) return null;
  const part = levels.slice(Math.floor(from * levels.length), Math.max(Math.floor(from * levels.length) + 1, Math.ceil(to * levels.length)));
  if (!part.length) return null;
  return 10 * Math.log10(part.reduce((sum, level) => sum + 10 ** (level / 10), 0) / part.length);
}

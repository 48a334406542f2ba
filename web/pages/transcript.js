/** A transcript in step with the video: the words that are spoken now are marked, and any words play their place. */

import { get } from "../api.js";
import { Byline, Downloads, Loading, Notes, OtherResults, PageTitle, ProblemBox, useLoaded, useResult } from "../components.js";
import { clock, number } from "../format.js";
import { Fragment, html, useEffect, useMemo, useRef, useState } from "../html.js";
import { nameOf, videoOf } from "../jobs.js";
import { Player, usePlayer } from "../player.js";
import { t } from "../texts.js";

/** A text for comparing: without case and accents, with as many letters. */
const plain = (text) =>
  [...text].map((letter) => (letter.length > 1 ? "\uFFFD" : letter.normalize("NFD")[0].toLowerCase()[0])).join("");

/** The text with every occurrence of `words` marked. */
function marked(text, words) {
  if (!words) return text;
  const letters = [...text];
  const [where, what] = [plain(text), plain(words)];
  const parts = [];
  let end = 0;
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, end)) {
    parts.push(letters.slice(end, at).join(""), html`<mark>${letters.slice(at, at + what.length).join("")}</mark>`);
    end = at + what.length;
  }
  return parts.length ? [...parts, letters.slice(end).join("")] : text;
}

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
        ${loaded.value && html`<${Words} segments=${loaded.value.segments} tag=${language} player=${player} />`}
      </div>
    </article>
    <${OtherResults} job=${job} />`;
}

function Words({ segments, tag, player }) {
  const [sought, setSought] = useState("");
  const [current, setCurrent] = useState(-1);
  const list = useRef();
  const words = sought.trim();
  const matches = useMemo(() => {
    const what = plain(words);
    return what ? segments.flatMap(({ text }, index) => (plain(text).includes(what) ? [index] : [])) : [];
  }, [words, segments]);

  player.onTime = (time, isPlaying) => {
    const index = segments.findLastIndex((segment) => segment.start <= time + 0.05);
    if (index === current) return;
    setCurrent(index);
    if (isPlaying && !words) reveal(index);
  };
  /** Scroll within the list only, so that the page stays where the reader has it; returns the line. */
  const reveal = (index) => {
    const line = list.current?.children[index];
    if (line) list.current.scrollTop = line.offsetTop - list.current.clientHeight / 3;
    return line;
  };
  /** Whoever searches looks for the line, which on a phone may lie below the screen. */
  const showMatch = (index) => reveal(index)?.scrollIntoView({ block: "nearest" });
  useEffect(() => {
    if (matches.length) showMatch(matches[0]);
  }, [matches]);
  const seek = (event) => {
    event.preventDefault();
    const next = matches.find((index) => index > current) ?? matches[0];
    if (next === undefined) return;
    showMatch(next);
    setCurrent(next);
    player.jump(segments[next].start);
  };
  return html`<${Fragment}>
    <form class="filters no-print" role="search" onSubmit=${seek}>
      <input type="search" value=${sought} placeholder=${t("transcript.search")} aria-label=${t("transcript.search")}
        onInput=${(event) => setSought(event.target.value)} />
      <output aria-live="polite">${words ? t("transcript.matches", { count: matches.length }) : ""}</output>
    </form>
    <ol class="lines" ref=${list} tabindex="0" aria-label=${t("kind.transcript")} lang=${tag ?? undefined}>
      ${segments.map((segment, index) => html`
        <li key=${index} class=${index === current ? "current" : ""}>
          <button type="button" aria-label=${`${clock(segment.start)} ${segment.text}`} onClick=${() => player.jump(segment.start)}>
            <span class="at">${clock(segment.start)}</span> <span>${marked(segment.text, words)}</span></button>
        </li>`)}
    </ol><//>`;
}

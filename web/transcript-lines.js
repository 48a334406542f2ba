/** The lines of a transcript in step with the player: the one that is spoken is marked, and each plays its place. */

import { clock } from "./format.js";
import { Fragment, html, useEffect, useMemo, useRef, useState } from "./html.js";
import { marked, plain } from "./marks.js";
import { t } from "./texts.js";

/** The speaker of a segment, if another one spoke before. */
const newSpeaker = (segments, index) => (segments[index].speaker !== segments[index - 1]?.speaker ? segments[index].speaker : null);

export function TranscriptLines({ segments, tag, player }) {
  const [sought, setSought] = useState("");
  const [current, setCurrent] = useState(-1);
  const list = useRef();
  const match = useRef(-1); // the one that was shown last: the video goes on meanwhile
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
    match.current = -1;
    if (matches.length) showMatch(matches[0]);
  }, [matches]);
  const seek = (event) => {
    event.preventDefault();
    const next = matches.find((index) => index > match.current) ?? matches[0];
    if (next === undefined) return;
    match.current = next;
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
          <button type="button" aria-label=${[clock(segment.start), newSpeaker(segments, index), segment.text].filter(Boolean).join(" ")} onClick=${() => player.jump(segment.start)}>
            <span class="at">${clock(segment.start)}</span> <span>
              ${newSpeaker(segments, index) && html`<b class="speaker">${segment.speaker}</b> `}${marked(segment.text, words ? [words] : [])}</span></button>
        </li>`)}
    </ol><//>`;
}

/** The browser's own player, with the transcript as captions, chapters below it, and jumps from the page. */

import { call, mediaLink } from "./api.js";
import { mediaPath, useLoaded, useMedia } from "./components.js";
import { clock } from "./format.js";
import { html, useEffect, useMemo, useRef, useState } from "./html.js";
import { videoOf } from "./jobs.js";
import { t } from "./texts.js";

/** What a page steers the player with: `player.jump(seconds)`; `player.onTime` is called while it plays. */
export function usePlayer() {
  return useMemo(() => ({ element: null, onTime: null, jump: () => {} }), []);
}

/** The captions of a job as an address; "" without any. */
function useCaptions(job) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    if (!job.video.transcript) return undefined;
    let url = "";
    let isCurrent = true;
    call(`v1/jobs/${job.id}/export?format=vtt`).then(async (answer) => {
      const blob = await answer.blob();
      if (!isCurrent) return;
      url = URL.createObjectURL(blob);
      setAddress(url);
    }, () => {});
    return () => {
      isCurrent = false;
      URL.revokeObjectURL(url);
    };
  }, [job.id]);
  return address;
}

/** Whether the player's place is on the screen. While it plays elsewhere, it floats in a corner: nobody loses their step. */
function useInView(place) {
  const [isInView, setInView] = useState(true);
  useEffect(() => {
    if (!place.current) return undefined;
    const observer = new IntersectionObserver(([entry]) => setInView(entry.isIntersecting), { threshold: 0.25 });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return isInView;
}

/**
 * @param chapters `[{title, start, end}]`, shown as a bar.
 * @param poster name of the picture before it plays.
 */
export function Player({ job, player, poster, chapters = [] }) {
  const path = `v1/videos/${videoOf(job)}/source`;
  const { info } = job.video;
  const source = useLoaded(() => mediaLink(path), [path]);
  const picture = useMedia(poster ? mediaPath(job.id, poster) : "");
  const captions = useCaptions(job);
  const [isGone, setGone] = useState(job.sourceDeleted);
  const [now, setNow] = useState(0);
  const retries = useRef(0);

  const place = useRef();
  const isInView = useInView(place);
  const [isPlaying, setPlaying] = useState(false);

  player.jump = (time) => {
    const { element } = player;
    if (!element) return;
    element.currentTime = time;
    element.play().catch(() => {}); // the browser may want a click first; the place is right all the same
  };

  /** Such an event may still come when the page is left. */
  const onTime = ({ target }) => {
    setNow(target.currentTime);
    player.onTime?.(target.currentTime, !target.paused);
  };

  /** The link is short-lived: a player that was left open gets a new one, once, and goes on where it was. */
  const onError = async () => {
    const time = player.element?.currentTime ?? 0;
    if (retries.current++ > 0) return setGone(true);
    try {
      const link = await mediaLink(path);
      player.element.src = link === path ? `${path}?again` : link;
      player.element.currentTime = time;
    } catch {
      setGone(true);
    }
    return undefined;
  };

  const shape = { "--ratio": info?.width ? info.width / info.height : 16 / 9 };
  if (isGone || source.problem) {
    return html`<div class="player-place" style=${shape} ref=${place}><div class="player gone">
      ${picture && html`<img src=${picture} alt="" />`}<p>${source.problem?.message ?? t("player.gone")}</p>
    </div></div>`;
  }
  return html`
    <div class="player-place no-print" style=${shape} ref=${place}><div class=${`player ${isPlaying && !isInView ? "floating" : ""}`}>
      <video ref=${(element) => { player.element = element; }} controls playsinline preload="metadata"
        src=${source.value ?? ""} poster=${picture} aria-label=${t("player.label")}
        onTimeUpdate=${onTime} onPlay=${() => setPlaying(true)} onPause=${() => setPlaying(false)} onError=${source.value && onError}>
        ${captions && html`<track kind="captions" src=${captions} srclang=${(job.video.transcriptLanguage ?? "en").slice(0, 2)} label=${t("player.captions")} />`}
      </video>
    </div></div>
    ${chapters.length > 1 && html`<${ChapterBar} chapters=${chapters} now=${now} onJump=${player.jump} />`}`;
}

const ChapterBar = ({ chapters, now, onJump }) => html`
  <div class="chapter-bar no-print" role="group" aria-label=${t("summary.chapters")}>
    ${chapters.map((chapter) => {
      const isCurrent = now >= chapter.start && now < chapter.end;
      return html`<button type="button" class=${isCurrent ? "current" : ""} style=${{ flexGrow: Math.max(1, chapter.end - chapter.start) }}
        title=${`${clock(chapter.start)} ${chapter.title}`} aria-label=${`${chapter.title}, ${t("player.jump", { time: clock(chapter.start) })}`}
        aria-current=${isCurrent ? "true" : undefined} onClick=${() => onJump(chapter.start)}></button>`;
    })}
  </div>`;

/** The browser's own player, with the transcript as captions, chapters below it, and jumps from the page. */

import { call, mediaLink } from "./api.js";
import { mediaPath, TimeButton, useLoaded, useMedia } from "./components.js";
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

  player.jump = (time) => {
    const { element } = player;
    if (!element) return;
    element.currentTime = time;
    element.play().catch(() => {}); // the browser may want a click first; the place is right all the same
    element.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };

  const onTime = () => {
    const time = player.element.currentTime;
    setNow(time);
    player.onTime?.(time, !player.element.paused);
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

  const shape = info?.width && info.height > info.width ? "tall" : "wide";
  if (isGone || source.problem) {
    return html`<div class=${`player ${shape} gone`}>
      ${picture && html`<img src=${picture} alt="" />`}<p>${source.problem?.message ?? t("player.gone")}</p>
    </div>`;
  }
  return html`
    <div class=${`player ${shape} no-print`}>
      <video ref=${(element) => { player.element = element; }} controls playsinline preload="metadata"
        src=${source.value ?? ""} poster=${picture} aria-label=${t("player.label")}
        onTimeUpdate=${onTime} onError=${source.value && onError}>
        ${captions && html`<track kind="captions" src=${captions} srclang=${(job.video.transcriptLanguage ?? "en").slice(0, 2)} label=${t("player.captions")} />`}
      </video>
    </div>
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

export { TimeButton };

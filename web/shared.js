/** What scripts add to a shared group's page: lines play without loading it again, captions, and questions. */

import { html, render } from "./html.js";
import { useLanguage } from "./texts.js";

const player = document.getElementById("player");
const lines = [...document.querySelectorAll("a[data-start]")];

function play(seconds) {
  player.currentTime = seconds;
  player.play().catch(() => {}); // the browser may want a click first; the place is right all the same
}

for (const time of document.querySelectorAll("time")) {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  const words = time.nextSibling;
  time.textContent = form.format(new Date(time.dateTime));
  if (words) words.textContent = words.textContent.replace(" UTC", ""); // the time is this machine's now
}

if (player && lines.length) {
  const track = player.addTextTrack("captions", "", document.querySelector(".lines").lang || "en");
  for (const { dataset, lastElementChild } of lines) {
    track.addCue(new VTTCue(Number(dataset.start), Number(dataset.end), lastElementChild.textContent));
  }
  for (const line of lines) {
    line.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      play(Number(line.dataset.start));
    });
  }
  let current = null;
  player.addEventListener("timeupdate", () => {
    const line = lines.findLast(({ dataset }) => Number(dataset.start) <= player.currentTime + 0.05);
    if (line === current) return;
    current?.parentElement.classList.remove("current");
    line?.parentElement.classList.add("current");
    current = line;
  });
}

const place = document.getElementById("chat");
if (place) {
  const [{ Chat }] = await Promise.all([import("./chat.js"), useLanguage(document.documentElement.lang)]);
  const linkOf = ({ videoId, start }) => `?${new URLSearchParams({ video: videoId, t: start })}`;
  const cite = (citation) => {
    if (citation.videoId !== player?.dataset.video) {
      location.href = linkOf(citation);
      return;
    }
    play(citation.start);
    player.scrollIntoView({ block: "nearest" });
  };
  place.replaceChildren();
  render(html`<${Chat} path="../chat" subject=${{ shareToken: place.dataset.token }} linkOf=${linkOf} onCite=${cite} />`, place);
}

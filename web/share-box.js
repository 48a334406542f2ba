/** The share link of a group: made with an end and a place to begin, copied, and revoked. */

import { post, remove } from "./api.js";
import { announce, ProblemBox, useAction } from "./components.js";
import { clock } from "./format.js";
import { html, useRef, useState } from "./html.js";
import { language, t } from "./texts.js";

const DAY_MS = 86_400_000;
const DAYS = [1, 7, 30, 0];

const date = (time) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

/** Seconds of `1:05`, `65` or `1:02:05`; null for anything else. */
function secondsOf(text) {
  if (!/^\d+(:\d{1,2}){0,2}$/.test(text)) return null;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

export function ShareBox({ group, path, onChange }) {
  const [url, setUrl] = useState("");
  const [create, isBusy, problem] = useAction(async (event) => {
    event.preventDefault();
    const { days, chat } = Object.fromEntries(new FormData(event.target));
    const expiresAt = Number(days) ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
    const made = await post(`${path}/share`, { expiresAt, chat: chat === "on" });
    setUrl(made.url);
    onChange({ createdAt: made.createdAt, expiresAt: made.expiresAt, chat: made.chat });
    announce(t("share.created"));
  });
  const [revoke, isRevoking, revokeProblem] = useAction(async () => {
    await remove(`${path}/share`);
    setUrl("");
    onChange(null);
    announce(t("share.revoked"));
  });
  const { share } = group;
  const isOver = share?.expiresAt && Date.parse(share.expiresAt) <= Date.now();
  return html`
    <section class="card share-box" aria-labelledby="share">
      <h2 id="share">${t("share.title")}</h2>
      ${url && html`<${Address} url=${url} videos=${group.videos} />`}
      ${share && !url && html`<p class="hint">${t("share.hidden", { date: date(share.createdAt) })}</p>`}
      ${share && html`
        <p>${isOver ? t("share.expired", { date: date(share.expiresAt) }) : share.expiresAt ? t("share.until", { date: date(share.expiresAt) }) : t("share.forever")}
          ${" "}${share.chat ? t("share.withChat") : t("share.withoutChat")}</p>
        <p><button type="button" class="danger" disabled=${isRevoking} onClick=${revoke}>${t("share.revoke")}</button></p>
        <${ProblemBox} problem=${revokeProblem} />`}
      <form class="stack" onSubmit=${create}>
        ${!share && html`<p>${t("share.purpose")}</p>`}
        <label>${t("share.expires")} <select name="days">
          ${DAYS.map((count) => html`<option value=${count} selected=${count === 7}>${count ? t("share.days", { count }) : t("share.never")}</option>`)}
        </select></label>
        <label class="check"><input type="checkbox" name="chat" defaultChecked /> ${t("share.chat")}</label>
        <p><button type="submit" class=${share ? "" : "primary"} disabled=${isBusy}>${t(share ? "share.replace" : "share.create")}</button></p>
        <${ProblemBox} problem=${problem} />
      </form>
    </section>`;
}

/** The address, which is shown this once, with the video and second at which it opens. */
function Address({ url, videos }) {
  const [video, setVideo] = useState("");
  const [time, setTime] = useState("");
  const field = useRef();
  const seconds = time ? secondsOf(time) : 0;
  const chosen = videos.find(({ id }) => id === video);
  const isTooLate = chosen?.durationSec && seconds > chosen.durationSec;
  const query = new URLSearchParams({ ...(video && { video }), ...(seconds && { t: seconds }) }).toString();
  const address = query ? `${url}?${query}` : url;
  const [copy, , problem] = useAction(async () => {
    field.current.select();
    await navigator.clipboard.writeText(address);
    announce(t("share.copied"));
  });
  return html`
    <div class="stack share-address">
      <label>${t("share.address")}<input ref=${field} readonly value=${address} onFocus=${({ target }) => target.select()} /></label>
      <p><button type="button" class="primary" onClick=${copy}>${t("share.copy")}</button></p>
      ${problem && html`<p class="hint" role="alert">${t("share.copyYourself")}</p>`}
      <p class="hint">${t("share.once")}</p>
      <div class="share-start">
        <label>${t("share.start")} <select value=${video} onChange=${({ target }) => setVideo(target.value)}>
          <option value="">${t("share.first")}</option>
          ${videos.map((item) => html`<option value=${item.id}>${item.title ?? item.filename ?? t("job.untitled")}</option>`)}
        </select></label>
        <label>${t("share.at")} <input inputmode="numeric" placeholder="0:00" value=${time} aria-invalid=${seconds === null || isTooLate ? "true" : undefined}
          onInput=${({ target }) => setTime(target.value.trim())} /></label>
      </div>
      ${(seconds === null || isTooLate) && html`<p class="hint" role="alert">${isTooLate ? t("share.tooLate", { length: clock(chosen.durationSec) }) : t("share.badTime")}</p>`}
    </div>`;
}

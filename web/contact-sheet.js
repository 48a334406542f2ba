/** The downloaded images of a dataset with their verdicts and the reasons, which the owner can override. */

import { get, patch } from "./api.js";
import { announce, ProblemBox, useAction, useLoaded, useMedia } from "./components.js";
import { number } from "./format.js";
import { html, useState } from "./html.js";
import { go } from "./router.js";
import { t, textOr } from "./texts.js";

const PAGE = 48;
const FILTERS = { all: "", accepted: "&accepted=true", rejected: "&accepted=false" };

export const checkName = (check) => textOr(`check.${check}`, check.replaceAll("_", " "));

/**
 * @param show `all`, `accepted`, `rejected`, or the name of a check.
 * @param children what follows, once the images are there: nothing moves when they come.
 */
export function ContactSheet({ dataset, show, again, children }) {
  const path = `v1/datasets/${dataset.id}/images?state=downloaded&limit=${PAGE}${FILTERS[show] ?? `&check=${encodeURIComponent(show)}`}`;
  const [more, setMore] = useState({ images: [], cursor: null });
  const [changed, setChanged] = useState({});
  const { value, problem, reload } = useLoaded(() => get(path), [path]);
  const [next, isBusy, moreProblem] = useAction(async () => {
    const page = await get(`${path}&cursor=${encodeURIComponent(more.cursor ?? value.cursor)}`);
    setMore({ images: [...more.images, ...page.images], cursor: page.cursor });
  });
  const onChange = (image) => {
    setChanged({ ...changed, [image.id]: image });
    again(); // the number of accepted images has changed
  };
  const checks = Object.keys(dataset.progress.validated?.findings ?? {}).sort();
  const choices = ["all", "accepted", "rejected", ...checks];
  const images = value && [...value.images, ...more.images].map((image) => changed[image.id] ?? image);
  const cursor = more.images.length ? more.cursor : value?.cursor;
  return html`
    <section aria-labelledby="sheet">
      <div class="section-line">
        <h2 id="sheet">${t("sheet.title")}</h2>
        <select aria-label=${t("sheet.show")} value=${show} onChange=${(event) => go(`datasets/${dataset.id}`, { query: { show: event.target.value }, replace: true })}>
          ${choices.map((name) => html`<option value=${name}>${textOr(`sheet.${name}`, checkName(name))}</option>`)}
        </select>
      </div>
      <${ProblemBox} problem=${problem ?? moreProblem} retry=${problem && reload} />
      <ul class="sheet" aria-label=${t("sheet.title")}>
        ${images?.map((image) => html`<${Image} key=${image.id} datasetId=${dataset.id} image=${image} isFixed=${dataset.status === "running"} onChange=${onChange} />`)}
      </ul>
      ${images && !images.length && !cursor && html`<p class="nothing">${t("sheet.none")}</p>`}
      ${cursor && html`<p class="center"><button type="button" disabled=${isBusy} onClick=${next}>${t("library.more")}</button></p>`}
    </section>
    ${(value || problem) && children}`;
}

/** How a finding was measured: `12 < 25`. */
const measure = ({ score, limit }) => (score === null || limit === null ? "" : ` ${number(score)} ${score < limit ? "<" : ">"} ${number(limit)}`);

function Image({ datasetId, image, isFixed, onChange }) {
  const path = `v1/datasets/${datasetId}/images/${image.id}`;
  const source = useMedia(`${path}/media`);
  const [isBroken, setBroken] = useState(false);
  const [decide, isBusy, problem] = useAction(async (accepted) => {
    const decided = await patch(path, { accepted });
    announce(t(`sheet.is.${verdictOf(decided)}`));
    onChange(decided);
  });
  const name = image.title || image.keyword || image.source;
  const verdict = verdictOf(image);
  const button = (accepted, text) => html`
    <button type="button" class="quiet" disabled=${isBusy} aria-label=${`${t(text)}: ${name}`} onClick=${() => decide(accepted)}>${t(text)}</button>`;
  return html`
    <li class=${`sheet-image ${verdict}`}>
      <span class="picture">${source && !isBroken && html`<img src=${source} alt=${name} loading="lazy" decoding="async" onError=${() => setBroken(true)} />`}</span>
      <span class="sheet-facts">
        <span class=${`badge ${{ accepted: "done", rejected: "failed", unknown: "" }[verdict]}`}>${t(`sheet.is.${verdict}`)}</span>
        ${image.override !== null && html`<span class="share">${t("sheet.byHand")}</span>`}
      </span>
      <span class="sheet-name">${name}</span>
      <span class="facts">${[image.width && `${image.width} × ${image.height}`, image.source, image.licence].filter(Boolean).join(" · ")}</span>
      ${image.findings.length > 0 && html`<ul class="findings-list">${image.findings.map((finding) => html`
        <li>${checkName(finding.check)}${measure(finding)}${finding.note && `: ${finding.note}`}</li>`)}</ul>`}
      ${image.accepted !== null && !isFixed && html`<span class="buttons">
        ${image.accepted ? button(false, "sheet.reject") : button(true, "sheet.accept")}
        ${image.override !== null && button(null, "sheet.undo")}
      </span>`}
      <${ProblemBox} problem=${problem} />
    </li>`;
}

const verdictOf = ({ accepted }) => (accepted === null ? "unknown" : accepted ? "accepted" : "rejected");

/** The exports of a dataset: making one, and the files of those that are done. */

import { get, post } from "./api.js";
import { ProblemBox, useAction } from "./components.js";
import { checkName } from "./contact-sheet.js";
import { ago, bytes, number } from "./format.js";
import { html, useState } from "./html.js";
import { usePolled } from "./polling.js";
import { t, textOr } from "./texts.js";
import { hasEnded } from "./watch.js";

const FORMATS = ["zip", "webdataset", "parquet", "coco", "sheet"];
const [SOON_MS, LATER_MS] = [2000, 60_000]; // while one is being written, and before the links of others expire

export function DatasetExports({ dataset }) {
  const path = `v1/datasets/${dataset.id}/exports`;
  const [isRunning, setRunning] = useState(false);
  const { value, problem, reload } = usePolled(async () => {
    const page = await get(`${path}?limit=10`);
    setRunning(page.exports.some((item) => !hasEnded(item)));
    return page;
  }, [dataset.id], isRunning ? SOON_MS : LATER_MS);
  const [format, setFormat] = useState("zip");
  const checks = Object.keys(dataset.progress.validated?.findings ?? {}).sort();
  const groups = ["accepted", "not_checked", "by_hand", ...checks];
  const [start, isBusy, startProblem] = useAction(async (form) => {
    await post(path, { format, include: new FormData(form).getAll("include") });
    reload();
  });
  return html`
    <section aria-labelledby="exports">
      <h2 id="exports">${t("exports.title")}</h2>
      <form class="card stack" onSubmit=${(event) => { event.preventDefault(); start(event.target); }}>
        <label>${t("exports.format")} <select value=${format} onChange=${(event) => setFormat(event.target.value)}>
          ${FORMATS.map((name) => html`<option value=${name}>${t(`exports.format.${name}`)}</option>`)}
        </select></label>
        <fieldset class="choices"><legend>${t("exports.include")}</legend>
          ${groups.map((name) => html`<label><input type="checkbox" name="include" value=${name} defaultChecked=${name === "accepted"} /> ${textOr(`exports.${name}`, checkName(name))}</label>`)}
        </fieldset>
        <${ProblemBox} problem=${startProblem} />
        <p><button class="primary" disabled=${isBusy}>${t("exports.start")}</button></p>
      </form>
      <${ProblemBox} problem=${problem} />
      ${value?.exports.length > 0 && html`<ul class="records">${value.exports.map((item) => html`<${Export} key=${item.id} item=${item} />`)}</ul>`}
    </section>`;
}

/** One export; its links are short-lived and new at each reading. */
function Export({ item }) {
  const facts = [
    item.status === "done" && t("dataset.images", { count: number(item.images) }),
    ...Object.entries(item.splits).map(([name, value]) => `${name} ${number(value)}`),
    item.status === "running" && `${item.progress} %`,
  ].filter(Boolean).join(" · ");
  const state = item.status === "done" && !item.images ? "empty" : item.status;
  return html`
    <li class="row">
      <div class="row-text">
        <p class="row-name"><span>${t(`exports.format.${item.options.format}`)}</span> <span class=${`badge ${state}`}>${t(`state.${state}`)}</span>
          <span class="share"><time datetime=${item.createdAt}>${ago(item.createdAt)}</time></span></p>
        <p class="facts">${facts}</p>
        ${item.error && html`<p class="reason bad-text">${item.error.message}</p>`}
      </div>
      <div class="buttons">${item.files.map((file) => html`
        <a class="button quiet" href=${file.url} download=${file.name}><span aria-hidden="true">↓</span> ${file.name} <span class="share">${bytes(file.size)}</span></a>`)}</div>
    </li>`;
}

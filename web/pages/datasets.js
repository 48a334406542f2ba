/** Image datasets: a form that starts one from keywords, and those there are. */

import { get, post, Problem } from "../api.js";
import { Loading, PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { DatasetBadge } from "../dataset-state.js";
import { ago, number } from "../format.js";
import { html, useState } from "../html.js";
import { usePolled } from "../polling.js";
import { go, link } from "../router.js";
import { t } from "../texts.js";

const REFRESH_MS = 5000;
const LEVELS = ["fast", "medium", "slow"];

export default function Datasets() {
  useTitle(t("datasets.title"));
  const [older, setOlder] = useState(null);
  const { value, problem, reload } = usePolled(() => get("v1/datasets?limit=12"), [], REFRESH_MS);
  const [more, isBusy, moreProblem] = useAction(async () => {
    const page = await get(`v1/datasets?limit=12&cursor=${encodeURIComponent((older ?? value).cursor)}`);
    setOlder({ datasets: [...(older?.datasets ?? []), ...page.datasets], cursor: page.cursor });
  });
  if (!value) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  const newest = new Set(value.datasets.map(({ id }) => id));
  const datasets = [...value.datasets, ...(older?.datasets ?? []).filter(({ id }) => !newest.has(id))];
  const { cursor } = older ?? value;
  return html`
    <${PageTitle}>${t("datasets.title")}<//>
    <p class="lead">${t("datasets.text")}</p>
    <div class=${`beside ${datasets.length ? "filled" : ""}`}>
      <${NewDataset} />
      <section aria-labelledby="yours">
        <h2 id="yours">${t("datasets.yours")}</h2>
        ${datasets.length ? html`<ul class="records">${datasets.map((dataset) => html`<${Row} key=${dataset.id} dataset=${dataset} />`)}</ul>`
        : html`<p class="nothing">${t("datasets.none")}</p>`}
        <${ProblemBox} problem=${moreProblem ?? problem} />
        ${cursor && html`<p class="center"><button type="button" disabled=${isBusy} onClick=${more}>${t("library.more")}</button></p>`}
      </section>
    </div>`;
}

function Row({ dataset }) {
  const { images, validated } = dataset.progress;
  const facts = [
    t("dataset.images", { count: number(images.downloaded) }),
    validated && t("dataset.acceptedOf", { count: number(validated.accepted) }),
  ].filter(Boolean).join(" · ");
  return html`
    <li class="row">
      <div class="row-text">
        <p class="row-name"><a href=${link(`datasets/${dataset.id}`)}>${dataset.name}</a> <${DatasetBadge} dataset=${dataset} /></p>
        <p class="facts">${dataset.keywords.join(", ")}</p>
        <p class="facts">${facts} · <time datetime=${dataset.createdAt}>${ago(dataset.createdAt)}</time></p>
      </div>
    </li>`;
}

function NewDataset() {
  const [create, isBusy, problem] = useAction(async (form) => {
    const data = new FormData(form);
    const keywords = data.get("keywords").split("\n").map((line) => line.trim()).filter(Boolean);
    if (!keywords.length) throw new Problem(t("datasets.noKeywords"));
    const dataset = await post("v1/datasets", {
      name: data.get("name").trim() || keywords[0], keywords, maxImages: Number(data.get("images")), level: data.get("level"),
    });
    await post(`v1/datasets/${dataset.id}/start`);
    go(`datasets/${dataset.id}`);
  });
  return html`
    <section aria-labelledby="new-dataset">
      <h2 id="new-dataset">${t("datasets.new")}</h2>
      <form class="card stack" onSubmit=${(event) => { event.preventDefault(); create(event.target); }}>
        <label>${t("datasets.keywords")} <textarea name="keywords" rows="4" required maxlength="10000" placeholder=${t("datasets.example")} aria-describedby="keywords-hint"></textarea></label>
        <p id="keywords-hint" class="hint">${t("datasets.keywordsHint")}</p>
        <label>${t("datasets.name")} <input name="name" maxlength="200" placeholder=${t("datasets.nameHint")} /></label>
        <label>${t("datasets.images")} <input name="images" type="number" min="1" max="100000" step="1" value="100" required /></label>
        <label>${t("datasets.level")} <select name="level">
          ${LEVELS.map((level) => html`<option value=${level} selected=${level === "medium"}>${t(`datasets.level.${level}`)}</option>`)}
        </select></label>
        <${ProblemBox} problem=${problem} />
        <p><button class="primary" disabled=${isBusy}>${t("datasets.start")}</button></p>
      </form>
      <p class="hint">${t("datasets.polite")}</p>
    </section>`;
}

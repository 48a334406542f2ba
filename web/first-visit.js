/** What the library shows somebody who has nothing yet: how to begin, and a sample video to try it with. */

import { problemOf } from "./api.js";
import { PageTitle, ProblemBox, useAction } from "./components.js";
import { html } from "./html.js";
import { KindIcon } from "./icons.js";
import { go, link } from "./router.js";
import { t } from "./texts.js";
import { startUpload } from "./uploads.js";

const SAMPLE = { name: "baked-feta-pasta", seconds: 20 };
const address = (extension) => new URL(`./sample/${SAMPLE.name}.${extension}`, import.meta.url).href;

/** Send the sample as any other file: it becomes a job of the user's, which they can do all with, and delete. */
async function trySample() {
  const answer = await fetch(address("mp4"));
  if (!answer.ok) throw await problemOf(answer);
  const file = new File([await answer.blob()], `${SAMPLE.name}.mp4`, { type: "video/mp4" });
  const job = await startUpload(file, { kind: "recipe" });
  go(`jobs/${job.id}`);
}

/** A text with its commands, which stand between backticks, set as code. */
const withCommands = (text) => text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part));

export function FirstVisit({ capabilities }) {
  const { ai, speech } = capabilities;
  const missing = ai ? (speech ? "" : "speech") : speech ? "ai" : "both";
  return html`
    <section class="welcome">
      <${PageTitle}>${t("welcome.title")}<//>
      <p class="lead">${t("welcome.text")}</p>
      <p><a class="button primary large" href=${link("new")}>${t("welcome.start")}</a></p>
      <${Sample} />
      <ul class="offers">
        ${["recipe", "summary", "transcript"].map((kind) => html`
          <li><${KindIcon} kind=${kind} /><strong>${t(`kind.${kind}`)}</strong><span>${t(`new.${kind}`)}</span></li>`)}
      </ul>
      ${missing && html`<p class="hint">${withCommands(t(`welcome.${missing}`))}</p>`}
    </section>`;
}

function Sample() {
  const [start, isBusy, problem] = useAction(trySample);
  return html`
    <section class="sample card" aria-labelledby="sample">
      <img src=${address("webp")} alt="" width="480" height="854" />
      <div>
        <h2 id="sample">${t("sample.title")}</h2>
        <p>${t("sample.text", { seconds: SAMPLE.seconds })}</p>
        <button type="button" disabled=${isBusy} onClick=${start}>${t("sample.start")}</button>
        <${ProblemBox} problem=${problem} />
      </div>
    </section>`;
}

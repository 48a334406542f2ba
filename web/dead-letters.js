/** Events that no function could process, for administrators: their data, and buttons that replay or delete them. */

import { call, get, remove } from "./api.js";
import { announce, ProblemBox, useAction } from "./components.js";
import { ago, number } from "./format.js";
import { html, useState } from "./html.js";
import { t } from "./texts.js";

export function DeadLetters({ first, reload }) {
  const [older, setOlder] = useState(null);
  const [more, isBusy, problem] = useAction(async () => {
    const page = await get(`v1/operations/dead-letters?cursor=${encodeURIComponent((older ?? first).cursor)}`);
    setOlder({ deadLetters: [...(older?.deadLetters ?? []), ...page.deadLetters], cursor: page.cursor });
  });
  const letters = [...first.deadLetters, ...(older?.deadLetters ?? [])];
  const { cursor } = older ?? first;
  const refresh = () => {
    setOlder(null);
    reload();
  };
  return html`
    <section aria-labelledby="letters">
      <h2 id="letters">${t("letters.title")}</h2>
      ${!first.listed ? html`<p class="hint">${t("letters.notListed")} <code>gcloud pubsub subscriptions pull dead-letter</code></p>`
      : letters.length ? html`<ul class="records">${letters.map((letter) => html`<${Letter} key=${letter.id} letter=${letter} reload=${refresh} />`)}</ul>`
      : html`<p class="nothing">${t("letters.none")}</p>`}
      <${ProblemBox} problem=${problem} />
      ${cursor && html`<p class="center"><button type="button" disabled=${isBusy} onClick=${more}>${t("library.more")}</button></p>`}
    </section>`;
}

function Letter({ letter, reload }) {
  const path = `v1/operations/dead-letters/${letter.id}`;
  const [replay, isReplaying, replayProblem] = useAction(async () => {
    await call(`${path}/replay`, { method: "POST" });
    announce(t("letters.replayed"));
    reload();
  });
  const [drop, isDropping, dropProblem] = useAction(async () => {
    if (!confirm(t("letters.confirmDelete"))) return;
    await remove(path);
    announce(t("letters.deleted"));
    reload();
  });
  const name = `${letter.function} ${letter.id}`;
  return html`
    <li class="row">
      <div class="row-text">
        <p class="row-name"><span>${letter.topic ?? letter.bucket} → ${letter.function}</span> <span class="share"><time datetime=${letter.diedAt}>${ago(letter.diedAt)}</time></span></p>
        <p class="facts">${t("letters.deliveries", { count: number(letter.deliveries) })}</p>
        <details><summary>${t("letters.data")}</summary><pre tabindex="0">${JSON.stringify(letter.data, null, 2)}</pre></details>
      </div>
      <div class="buttons">
        <button type="button" disabled=${isReplaying} aria-label=${`${t("letters.replay")}: ${name}`} onClick=${replay}>${t("letters.replay")}</button>
        <button type="button" class="quiet danger" disabled=${isDropping} aria-label=${`${t("job.delete")}: ${name}`} onClick=${drop}>${t("job.delete")}</button>
      </div>
      <${ProblemBox} problem=${replayProblem ?? dropProblem} />
    </li>`;
}

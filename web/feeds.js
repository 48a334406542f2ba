/** Feeds of finished results: creating one, whose address is shown once, and deleting it. */

import { post, remove } from "./api.js";
import { Ago, announce, ProblemBox, useAction } from "./components.js";
import { html, useRef, useState } from "./html.js";
import { SecretBox } from "./secret-box.js";
import { t } from "./texts.js";

export function Feeds({ first }) {
  const [feeds, setFeeds] = useState(first);
  const [created, setCreated] = useState(null);
  const form = useRef();
  const [create, isBusy, problem] = useAction(async () => {
    const name = new FormData(form.current).get("name").trim();
    const feed = await post("v1/feeds", name ? { name } : {});
    form.current.reset();
    setCreated(feed);
    setFeeds([...feeds, feed]);
  });
  const drop = (id) => {
    setFeeds(feeds.filter((each) => each.id !== id));
    if (created?.id === id) setCreated(null);
  };
  return html`
    <section aria-labelledby="feeds">
      <h2 id="feeds">${t("feeds.title")}</h2>
      <p class="hint">${t("feeds.text")}</p>
      ${created && html`<${SecretBox} text=${t("feeds.address")} secret=${created.url} copied=${t("feeds.copied")} onClose=${() => setCreated(null)} />`}
      ${feeds.length > 0 && html`<ul class="records">${feeds.map((feed) => html`<${Feed} key=${feed.id} feed=${feed} onDelete=${drop} />`)}</ul>`}
      <form class="card stack" ref=${form} onSubmit=${(event) => { event.preventDefault(); create(); }}>
        <label>${t("feeds.name")} <input name="name" maxlength="200" autocomplete="off" /></label>
        <${ProblemBox} problem=${problem} />
        <p><button class="primary" disabled=${isBusy}>${t("feeds.create")}</button></p>
      </form>
    </section>`;
}

function Feed({ feed, onDelete }) {
  const name = feed.name ?? t("feeds.unnamed");
  const [drop, isBusy, problem] = useAction(async () => {
    if (!confirm(t("feeds.confirmDelete", { name }))) return;
    await remove(`v1/feeds/${feed.id}`);
    announce(t("feeds.deleted"));
    onDelete(feed.id);
  });
  return html`
    <li class="row">
      <div class="row-text"><p class="row-name"><span>${name}</span></p><p class="hint"><${Ago} time=${feed.createdAt} /></p></div>
      <div class="buttons"><button type="button" class="danger" disabled=${isBusy} aria-label=${`${t("feeds.delete")}: ${name}`} onClick=${drop}>${t("feeds.delete")}</button></div>
      <${ProblemBox} problem=${problem} />
    </li>`;
}

/** Webhooks: creating one, whose secret is shown once, and for each its deliveries, with buttons to pause, test and delete. */

import { get, patch, post, remove } from "./api.js";
import { announce, ProblemBox, useAction, useLoaded } from "./components.js";
import { ago, number } from "./format.js";
import { html, useRef, useState } from "./html.js";
import { SecretBox } from "./secret-box.js";
import { t, textOr } from "./texts.js";

const EVENTS = ["job.done", "job.failed", "job.cancelled"];
const STATES = { delivered: "done", failed: "failed", skipped: "cancelled", pending: "queued", sending: "running" };

export function Webhooks({ first }) {
  const [webhooks, setWebhooks] = useState(first);
  const [created, setCreated] = useState(null);
  const form = useRef();
  const [create, isBusy, problem] = useAction(async () => {
    const data = new FormData(form.current);
    const webhook = await post("v1/webhooks", { url: data.get("url").trim(), events: data.getAll("events") });
    form.current.reset();
    setCreated(webhook);
    setWebhooks([...webhooks, webhook]);
  });
  const change = (webhook) => setWebhooks(webhooks.map((each) => (each.id === webhook.id ? webhook : each)));
  const drop = (id) => {
    setWebhooks(webhooks.filter((each) => each.id !== id));
    if (created?.id === id) setCreated(null);
  };
  return html`
    <section aria-labelledby="webhooks">
      <h2 id="webhooks">${t("webhooks.title")}</h2>
      <p class="hint">${t("webhooks.text")}</p>
      ${created && html`<${SecretBox} text=${t("webhooks.secret")} secret=${created.secret} onClose=${() => setCreated(null)} />`}
      ${webhooks.length > 0 && html`<ul class="records">${webhooks.map((webhook) => html`
        <${Webhook} key=${webhook.id} webhook=${webhook} onChange=${change} onDelete=${drop} />`)}</ul>`}
      <form class="card stack" ref=${form} onSubmit=${(event) => { event.preventDefault(); create(); }}>
        <label>${t("webhooks.url")} <input name="url" type="url" required placeholder="https://example.com/clipwise" maxlength="2000" /></label>
        <fieldset class="choices"><legend>${t("webhooks.events")}</legend>
          ${EVENTS.map((event) => html`<label><input type="checkbox" name="events" value=${event} defaultChecked /> ${t(`webhooks.event.${event}`)}</label>`)}
        </fieldset>
        <${ProblemBox} problem=${problem} />
        <p><button class="primary" disabled=${isBusy}>${t("webhooks.create")}</button></p>
      </form>
    </section>`;
}

function Webhook({ webhook, onChange, onDelete }) {
  const path = `v1/webhooks/${webhook.id}`;
  const [isOpen, setOpen] = useState(false);
  const [round, setRound] = useState(0);
  const [act, isBusy, problem] = useAction(async (action) => {
    if (action === "delete") {
      if (!confirm(t("webhooks.confirmDelete", { url: webhook.url }))) return;
      await remove(path);
      announce(t("webhooks.deleted"));
      onDelete(webhook.id);
    } else if (action === "test") {
      await post(`${path}/test`);
      setOpen(true);
      setRound(round + 1);
    } else {
      onChange(await patch(path, { paused: action === "pause" }));
    }
  });
  const button = (action, text, style = "quiet") => html`
    <button type="button" class=${style} disabled=${isBusy} aria-label=${`${text}: ${webhook.url}`} onClick=${() => act(action)}>${text}</button>`;
  return html`
    <li class="row">
      <div class="row-text">
        <p class="row-name"><span>${webhook.url}</span> ${webhook.paused && html`<span class="badge cancelled">${t("webhooks.paused")}</span>`}</p>
        <p class="facts">${webhook.events.map((event) => t(`webhooks.event.${event}`)).join(", ")}</p>
        ${webhook.pausedReason && html`<p class="reason">${webhook.pausedReason}</p>`}
        <details open=${isOpen} onToggle=${(event) => setOpen(event.target.open)}><summary>${t("webhooks.deliveries")}</summary>
          ${isOpen && html`<${Deliveries} path=${path} round=${round} />`}</details>
      </div>
      <div class="buttons">
        ${button("test", t("webhooks.test"))}
        ${webhook.paused ? button("resume", t("webhooks.resume")) : button("pause", t("webhooks.pause"))}
        ${button("delete", t("job.delete"), "quiet danger")}
      </div>
      <${ProblemBox} problem=${problem} />
    </li>`;
}

/** The newest deliveries of a webhook; older ones on demand. */
function Deliveries({ path, round }) {
  const [older, setOlder] = useState(null);
  const { value, problem, reload } = useLoaded(async () => {
    setOlder(null);
    return get(`${path}/deliveries?limit=10`);
  }, [path, round]);
  const [replay, isBusy, replayProblem] = useAction(async (id) => {
    await post(`${path}/deliveries/${id}/replay`);
    announce(t("webhooks.replayed"));
    reload();
  });
  const [more, isLoading, moreProblem] = useAction(async () => {
    const page = await get(`${path}/deliveries?limit=10&cursor=${encodeURIComponent((older ?? value).cursor)}`);
    setOlder({ deliveries: [...(older?.deliveries ?? []), ...page.deliveries], cursor: page.cursor });
  });
  if (!value) return html`<${ProblemBox} problem=${problem} retry=${reload} />`;
  const deliveries = [...value.deliveries, ...(older?.deliveries ?? [])];
  const { cursor } = older ?? value;
  return html`
    ${deliveries.length ? html`
      <ul class="deliveries">${deliveries.map((delivery) => html`<${Delivery} key=${delivery.id} delivery=${delivery} isBusy=${isBusy} replay=${replay} />`)}</ul>`
    : html`<p class="nothing">${t("webhooks.noDeliveries")}</p>`}
    <${ProblemBox} problem=${replayProblem ?? moreProblem ?? problem} />
    <div class="buttons">
      <button type="button" class="quiet" onClick=${reload}>${t("webhooks.refresh")}</button>
      ${cursor && html`<button type="button" class="quiet" disabled=${isLoading} onClick=${more}>${t("library.more")}</button>`}
    </div>`;
}

function Delivery({ delivery, isBusy, replay }) {
  const last = delivery.attempts.at(-1);
  const facts = [
    last?.responseCode && `HTTP ${last.responseCode}`,
    last && `${number(last.durationMs)} ms`,
    delivery.attempts.length > 1 && t("job.attempt", { count: delivery.attempts.length }),
    last?.error,
  ].filter(Boolean).join(" · ");
  const name = textOr(`webhooks.event.${delivery.event}`, delivery.event);
  return html`
    <li>
      <span class=${`badge ${STATES[delivery.status]}`}>${t(`webhooks.state.${delivery.status}`)}</span>
      <span>${name} <span class="share"><time datetime=${delivery.createdAt}>${ago(delivery.createdAt)}</time> ${facts && `· ${facts}`}</span></span>
      <button type="button" class="quiet" disabled=${isBusy} aria-label=${`${t("letters.replay")}: ${name} ${ago(delivery.createdAt)}`} onClick=${() => replay(delivery.id)}>${t("letters.replay")}</button>
    </li>`;
}

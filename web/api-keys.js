/** API keys: creating one, which is shown once, and for each what it may do, when it was used, and a button that revokes it. */

import { get, post, remove } from "./api.js";
import { Ago, announce, ProblemBox, useAction, useLoaded } from "./components.js";
import { date } from "./format.js";
import { html, useRef, useState } from "./html.js";
import { SecretBox } from "./secret-box.js";
import { t } from "./texts.js";

const SCOPES = ["read", "write", "admin:own"];
const DAYS = [30, 90, 365];
const DAY_MS = 86_400_000;

export function ApiKeys() {
  const { value, problem, reload } = useLoaded(() => get("v1/auth/keys?limit=100"), []);
  const [created, setCreated] = useState(null);
  const [noScope, setNoScope] = useState(false);
  const form = useRef();
  const [create, isBusy, createProblem] = useAction(async () => {
    const data = new FormData(form.current);
    const scopes = data.getAll("scopes");
    setNoScope(!scopes.length);
    if (!scopes.length) return;
    const days = Number(data.get("days"));
    const expiresAt = days ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
    setCreated(await post("v1/auth/keys", { name: data.get("name").trim(), scopes, expiresAt }));
    form.current.reset();
    reload();
  });
  const drop = (id) => {
    if (created?.id === id) setCreated(null);
    reload();
  };
  return html`
    <section aria-labelledby="keys">
      <h2 id="keys">${t("keys.title")}</h2>
      <p class="hint">${t("keys.text")}</p>
      ${created && html`<${SecretBox} text=${t("keys.secret")} secret=${created.key} onClose=${() => setCreated(null)} />`}
      <${ProblemBox} problem=${problem} retry=${reload} />
      ${value?.keys.length > 0 && html`<ul class="records">${value.keys.map((key) => html`<${ApiKey} key=${key.id} value=${key} onRevoke=${drop} />`)}</ul>`}
      <form class="card stack" ref=${form} onSubmit=${(event) => { event.preventDefault(); create(); }}>
        <label>${t("keys.name")} <input name="name" required pattern=".*\\S.*" maxlength="200" autocomplete="off" placeholder=${t("keys.example")} /></label>
        <fieldset class="choices" aria-describedby=${noScope ? "no-scope" : undefined}><legend>${t("keys.scopes")}</legend>
          ${SCOPES.map((scope) => html`<label><input type="checkbox" name="scopes" value=${scope} defaultChecked=${scope === "read"} /> ${t(`keys.scope.${scope}`)}</label>`)}
        </fieldset>
        ${noScope && html`<p class="notice bad" id="no-scope" role="alert">${t("keys.noScope")}</p>`}
        <label>${t("keys.expiry")} <select name="days">
          ${DAYS.map((days) => html`<option value=${days} selected=${days === 90}>${t("keys.days", { days })}</option>`)}
          <option value="0">${t("keys.noExpiry")}</option>
        </select></label>
        <${ProblemBox} problem=${createProblem} />
        <p><button class="primary" disabled=${isBusy}>${t("keys.create")}</button></p>
      </form>
    </section>`;
}

function ApiKey({ value, onRevoke }) {
  const [revoke, isBusy, problem] = useAction(async () => {
    if (!confirm(t("keys.confirm", { name: value.name }))) return;
    await remove(`v1/auth/keys/${value.id}`);
    announce(t("keys.revoked"));
    onRevoke(value.id);
  });
  const hasExpired = value.expiresAt && Date.parse(value.expiresAt) <= Date.now();
  return html`
    <li class="row">
      <div class="row-text">
        <p class="row-name"><span>${value.name}</span> ${hasExpired && html`<span class="badge failed">${t("keys.expired")}</span>`}</p>
        <p class="facts">${value.scopes.map((scope) => t(`keys.scope.${scope}`)).join(" · ")}</p>
        <p class="facts">${value.expiresAt ? t("keys.expires", { date: date(value.expiresAt) }) : t("keys.never")} ·${" "}
          ${value.lastUsedAt ? html`${t("keys.used")} <${Ago} time=${value.lastUsedAt} />` : t("keys.unused")}</p>
        <p class="facts"><code>clipwise_${value.id}_…</code></p>
      </div>
      <div class="buttons"><button type="button" class="quiet danger" disabled=${isBusy} aria-label=${`${t("keys.revoke")}: ${value.name}`} onClick=${revoke}>${t("keys.revoke")}</button></div>
      <${ProblemBox} problem=${problem} />
    </li>`;
}

/** The account: who is signed in, what the month has cost, API keys, webhooks, feeds, and deleting everything. */

import { ApiKeys } from "../api-keys.js";
import { currentSession, get, remove, signIn, signOut } from "../api.js";
import { announce, Loading, PageTitle, ProblemBox, useAction, useLoaded, useTitle } from "../components.js";
import { Feeds } from "../feeds.js";
import { money, percent } from "../format.js";
import { html, useState } from "../html.js";
import { go, link } from "../router.js";
import { Costs } from "../statistics.js";
import { language, t } from "../texts.js";
import { Webhooks } from "../webhooks.js";

export default function Account({ capabilities }) {
  useTitle(t("account.title"));
  const { value, problem, reload } = useLoaded(async () => {
    const paths = ["v1/auth/me", "v1/usage", "v1/webhooks", "v1/feeds"];
    const [user, usage, { webhooks }, { feeds }] = await Promise.all(paths.map((path) => get(path)));
    return { user, usage, webhooks, feeds };
  }, []);
  if (!value) return problem ? html`<${ProblemBox} problem=${problem} retry=${reload} />` : html`<${Loading} />`;
  return html`
    <${PageTitle}>${t("account.title")}<//>
    <${Person} user=${value.user} capabilities=${capabilities} />
    <${Usage} usage=${value.usage} />
    ${!value.user.anonymous && html`<${ApiKeys} />`}
    <${Webhooks} first=${value.webhooks} />
    <${Feeds} first=${value.feeds} />
    ${currentSession() && html`<${DeleteEverything} user=${value.user} />`}`;
}

function Person({ user, capabilities }) {
  const session = currentSession();
  if (!session) {
    return html`<p class="lead">${t("account.local")}</p>
      ${capabilities.localAccounts && html`<p class="hint">${t("account.localAccounts")}</p>`}`;
  }
  return html`
    <section class="card person" aria-label=${t("account.person")}>
      <dl class="facts-list">
        ${user.username && html`<div><dt>${t("signUp.username")}</dt><dd>${user.username}</dd></div>`}
        ${user.email && html`<div><dt>${t("signUp.email")}</dt><dd>${user.email} <span class=${`badge ${user.email_verified ? "done" : "empty"}`}>${t(user.email_verified ? "account.verified" : "account.unverified")}</span></dd></div>`}
        ${user.anonymous && html`<div><dt>${t("account.person")}</dt><dd>${t("account.anonymous")}</dd></div>`}
      </dl>
      <div class="buttons">
        ${!user.anonymous && html`<a class="button quiet" href=${link("reset")}>${t("account.changePassword")}</a>`}
        <button type="button" class="quiet" onClick=${() => signOut().then(() => go(""))}>${t("nav.signOut")}</button>
      </div>
    </section>`;
}

function Usage({ usage }) {
  const { month, spentUsd, budgetUsd, days } = usage;
  const name = new Intl.DateTimeFormat(language(), { month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(`${month}-01T00:00Z`));
  const share = budgetUsd ? Math.min(1, spentUsd / budgetUsd) : 0;
  return html`
    <section aria-labelledby="usage">
      <h2 id="usage">${t("account.usage", { month: name })}</h2>
      <dl class="figures">
        <div><dt>${t("account.spent")}</dt><dd>${money(spentUsd)}</dd></div>
        <div><dt>${t("account.budget")}</dt><dd>${budgetUsd ? money(budgetUsd) : t("account.noBudget")}</dd></div>
      </dl>
      ${budgetUsd && html`<p><progress class=${share >= 1 ? "spent" : ""} max="1" value=${share} aria-label=${t("account.used", { share: percent(share) })}></progress></p>`}
      ${share >= 1 && html`<p class="notice bad">${t("account.budgetUsed")}</p>`}
      ${days.length > 0 && html`<details><summary>${t("account.byDay")}</summary><${Costs} days=${days} /></details>`}
      <p class="hint">${t("account.estimates")}</p>
    </section>`;
}

/** Deletes the account and its data, once its name was typed; an old session needs the password again. */
function DeleteEverything({ user }) {
  const [typed, setTyped] = useState("");
  const [needsPassword, setNeedsPassword] = useState(false);
  const name = user.username ?? user.email ?? t("account.anonymousName");
  const [submit, isBusy, problem] = useAction(async (form) => {
    const password = new FormData(form).get("password");
    if (password) await signIn({ username: user.username ?? user.email, password });
    try {
      await remove("v1/auth/me");
    } catch (error) {
      if (error.code === "login_again" && !needsPassword) return setNeedsPassword(true);
      throw error;
    }
    announce(t("account.deleted"));
    await signOut();
    go("", { replace: true });
    return undefined;
  });
  return html`
    <section class="danger-zone" aria-labelledby="delete">
      <h2 id="delete">${t("account.delete")}</h2>
      <p>${t("account.deleteText")}</p>
      <form class="stack" onSubmit=${(event) => { event.preventDefault(); submit(event.target); }}>
        <label>${t("account.typeName", { name })}
          <input value=${typed} autocomplete="off" spellcheck="false" autocapitalize="off" onInput=${(event) => setTyped(event.target.value)} /></label>
        ${needsPassword && html`<label>${t("account.passwordAgain")} <input name="password" type="password" autocomplete="current-password" required /></label>`}
        <${ProblemBox} problem=${problem} />
        <p><button class="danger" disabled=${isBusy || typed.trim() !== name}>${t("account.deleteForGood")}</button></p>
      </form>
    </section>`;
}

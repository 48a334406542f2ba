/** Signing in, where the server requires it: with an account that it keeps, or with a token from elsewhere. */

import { currentSession, signIn } from "../api.js";
import { PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { html, useEffect, useState } from "../html.js";
import { currentRoute, go, link } from "../router.js";
import { t } from "../texts.js";

export default function SignIn({ capabilities }) {
  useTitle(t("signIn.title"));
  const [byToken, setByToken] = useState(!capabilities.localAccounts);
  const [submit, isBusy, problem] = useAction(async (form) => {
    const { username, password, token } = Object.fromEntries(new FormData(form));
    await signIn({ username, password, token });
  });
  const isWanted = currentRoute().address.startsWith("sign-in");
  useEffect(() => {
    if (isWanted && currentSession()) go("", { replace: true });
  });
  return html`<div class="narrow">
    <${PageTitle}>${t("signIn.title")}<//>
    <p class="lead">${t("signIn.text")}</p>
    <form class="card stack" onSubmit=${(event) => { event.preventDefault(); submit(event.target); }}>
      ${byToken
        ? html`<label>${t("signIn.token")} <input name="token" type="password" autocomplete="off" required key="token" /></label>`
        : html`
          <label>${t("signIn.username")} <input name="username" autocomplete="username" required key="username" /></label>
          <label>${t("signIn.password")} <input name="password" type="password" autocomplete="current-password" required key="password" /></label>`}
      <${ProblemBox} problem=${problem} />
      <button class="primary" disabled=${isBusy}>${t("signIn.submit")}</button>
      ${!byToken && html`<p class="hint"><a href=${link("sign-up")}>${t("signIn.create")}</a> · <a href=${link("reset")}>${t("signIn.forgot")}</a></p>`}
      ${capabilities.localAccounts && html`
        <button type="button" class="quiet" onClick=${() => setByToken(!byToken)}>${t(byToken ? "signIn.withPassword" : "signIn.withToken")}</button>`}
    </form>
  </div>`;
}

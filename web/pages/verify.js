/** The page of the link in a verification mail. It waits for a click: programs that only look at mails' links verify nothing. */

import { post } from "../api.js";
import { PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { html, useState } from "../html.js";
import { link } from "../router.js";
import { t } from "../texts.js";

export default function Verify({ query }) {
  useTitle(t("verify.title"));
  const [account, setAccount] = useState(null);
  const [submit, isBusy, problem] = useAction(async (form) => {
    const { token } = Object.fromEntries(new FormData(form));
    setAccount(await post("v1/auth/verify-email", { token: token.trim() }));
  });
  return html`<div class="narrow">
    <${PageTitle}>${t(account ? "verify.done" : "verify.title")}<//>
    ${account ? html`
      <p class="lead">${t("verify.ready", { address: account.email ?? "" })}</p>
      <p><a class="button primary" href=${link("sign-in")}>${t("signIn.title")}</a></p>`
    : html`
      <form class="card stack" onSubmit=${(event) => { event.preventDefault(); submit(event.target); }}>
        ${query.token ? html`<p>${t("verify.text")}</p><input type="hidden" name="token" value=${query.token} />`
          : html`<label>${t("verify.token")} <input name="token" autocomplete="one-time-code" required /></label>`}
        <${ProblemBox} problem=${problem} />
        <button class="primary" disabled=${isBusy}>${t("verify.submit")}</button>
      </form>`}
  </div>`;
}

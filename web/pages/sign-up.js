/** Creating an account, where the server keeps accounts. */

import { post } from "../api.js";
import { PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { html, useState } from "../html.js";
import { link } from "../router.js";
import { t } from "../texts.js";

export default function SignUp({ capabilities }) {
  useTitle(t("signUp.title"));
  const [address, setAddress] = useState("");
  const [submit, isBusy, problem] = useAction(async (form) => {
    const { username, email, password } = Object.fromEntries(new FormData(form));
    await post("v1/auth/signup", { username, email, password });
    setAddress(email);
  });
  if (address) {
    return html`<div class="narrow">
      <${PageTitle}>${t("signUp.sent")}<//>
      <p class="lead">${t("signUp.check", { address })}</p>
      ${/^(localhost|127\.|\[)/.test(location.host) && capabilities.localAccounts && html`<p class="hint">${t("signUp.outbox")}</p>`}
      <p><a class="button" href=${link("sign-in")}>${t("signIn.title")}</a></p>
    </div>`;
  }
  return html`<div class="narrow">
    <${PageTitle}>${t("signUp.title")}<//>
    <form class="card stack" onSubmit=${(event) => { event.preventDefault(); submit(event.target); }}>
      <label>${t("signUp.username")} <input name="username" autocomplete="username" required maxlength="150" /></label>
      <label>${t("signUp.email")} <input name="email" type="email" autocomplete="email" required /></label>
      <label>${t("signUp.password")} <input name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="256" aria-describedby="rule" /></label>
      <p id="rule" class="hint">${t("signUp.rule")}</p>
      <${ProblemBox} problem=${problem} />
      <button class="primary" disabled=${isBusy}>${t("signUp.submit")}</button>
      <p class="hint"><a href=${link("sign-in")}>${t("signUp.hasAccount")}</a></p>
    </form>
  </div>`;
}

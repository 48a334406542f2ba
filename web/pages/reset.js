/** Resetting a password: with the token of a mail, a new password; without one, the mail. */

import { call, post } from "../api.js";
import { PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { html, useState } from "../html.js";
import { link } from "../router.js";
import { t } from "../texts.js";

export default function Reset({ query }) {
  useTitle(t("reset.title"));
  return html`<div class="narrow"><${query.token ? NewPassword : RequestMail} token=${query.token} /></div>`;
}

function RequestMail() {
  const [isSent, setSent] = useState(false);
  const [submit, isBusy, problem] = useAction(async (form) => {
    await post("v1/auth/password-reset", { email: new FormData(form).get("email") });
    setSent(true);
  });
  return html`
    <${PageTitle}>${t("reset.title")}<//>
    ${isSent ? html`<p class="lead" role="status">${t("reset.sent")}</p>` : html`
      <p class="lead">${t("reset.text")}</p>
      <form class="card stack" onSubmit=${(event) => { event.preventDefault(); submit(event.target); }}>
        <label>${t("signUp.email")} <input name="email" type="email" autocomplete="email" required /></label>
        <${ProblemBox} problem=${problem} />
        <button class="primary" disabled=${isBusy}>${t("reset.send")}</button>
      </form>`}
    <p><a href=${link("sign-in")}>${t("signIn.title")}</a></p>`;
}

function NewPassword({ token }) {
  const [isDone, setDone] = useState(false);
  const [submit, isBusy, problem] = useAction(async (form) => {
    const password = new FormData(form).get("password");
    await call("v1/auth/password-reset/confirm", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token, password }),
    });
    setDone(true);
  });
  if (isDone) {
    return html`<${PageTitle}>${t("reset.done")}<//><p class="lead">${t("reset.signIn")}</p>
      <p><a class="button primary" href=${link("sign-in")}>${t("signIn.title")}</a></p>`;
  }
  return html`
    <${PageTitle}>${t("reset.new")}<//>
    <form class="card stack" onSubmit=${(event) => { event.preventDefault(); submit(event.target); }}>
      <label>${t("signUp.password")} <input name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="256" aria-describedby="rule" /></label>
      <p id="rule" class="hint">${t("signUp.rule")} ${t("reset.ends")}</p>
      <${ProblemBox} problem=${problem} />
      <button class="primary" disabled=${isBusy}>${t("reset.submit")}</button>
    </form>`;
}

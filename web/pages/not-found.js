/** An address that leads nowhere. */

import { PageTitle, useTitle } from "../components.js";
import { html } from "../html.js";
import { link } from "../router.js";
import { t } from "../texts.js";

export default function NotFound() {
  useTitle(t("notFound.title"));
  return html`<div class="narrow">
    <${PageTitle}>${t("notFound.title")}<//>
    <p>${t("notFound.text")}</p>
    <p><a class="button primary" href=${link("")}>${t("nav.library")}</a></p>
  </div>`;
}

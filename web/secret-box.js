/** A secret that the server shows only once, with a button that copies it. */

import { announce, ProblemBox, useAction } from "./components.js";
import { html, useEffect, useRef } from "./html.js";
import { t } from "./texts.js";

/**
 * @param text says what the secret is for.
 * @param copied is read out once it has been copied.
 */
export function SecretBox({ text, secret, copied = t("secret.copied"), onClose }) {
  const box = useRef();
  useEffect(() => box.current.focus(), [secret]);
  const [copy, , problem] = useAction(async () => {
    await navigator.clipboard.writeText(secret);
    announce(copied);
  });
  return html`
    <div class="card secret" role="status" tabindex="-1" ref=${box}>
      <p><strong>${text}</strong></p>
      <p><code>${secret}</code></p>
      <div class="buttons">
        ${navigator.clipboard && html`<button type="button" class="quiet" onClick=${copy}>${t("secret.copy")}</button>`}
        <button type="button" class="quiet" onClick=${onClose}>${t("secret.stored")}</button>
      </div>
      <${ProblemBox} problem=${problem} />
    </div>`;
}

/** An upload with its progress and buttons, on the pages New and Job. */

import { ProblemBox, useAction } from "./components.js";
import { bytes, percent } from "./format.js";
import { html, useRef } from "./html.js";
import { t } from "./texts.js";
import { attachFile, discardUpload, pauseUpload, reopenFile, resumeUpload } from "./uploads.js";

export function UploadCard({ upload, onDiscard }) {
  const input = useRef();
  const { state, name, sent, size } = upload;
  const [reopen, isBusy, problem] = useAction(() => reopenFile(upload));
  const [attach, , wrongFile] = useAction(async (file) => attachFile(upload, file));
  const [discard, isDiscarding, discardProblem] = useAction(async () => {
    await discardUpload(upload);
    onDiscard?.();
  });
  const waits = state === "sending" && upload.problem;
  const said = waits ? t("upload.waits") : t(`upload.${state}`);
  return html`
    <div class=${`upload card ${state}`}>
      <p class="upload-name">${name}</p>
      <progress max=${size} value=${sent} aria-label=${t("upload.progress", { name })}></progress>
      <p class="upload-facts"><span>${said}</span><span>${percent(Math.floor((sent / size) * 100) / 100)} · ${bytes(sent)} / ${bytes(size)}</span></p>
      <div class="buttons">
        ${(state === "sending" || state === "queued") && html`
          <button type="button" class="quiet" onClick=${() => pauseUpload(upload)}>${t("upload.pause")}</button>`}
        ${(state === "paused" || (state === "failed" && upload.problem?.code !== "expired")) && upload.file && html`
          <button type="button" class="primary" onClick=${() => resumeUpload(upload)}>${t("upload.resume")}</button>`}
        ${state === "detached" && upload.handle && html`
          <button type="button" class="primary" disabled=${isBusy} onClick=${reopen}>${t("upload.resume")}</button>`}
        ${state === "detached" && html`
          <button type="button" class=${upload.handle ? "quiet" : "primary"} onClick=${() => input.current.click()}>${t("upload.chooseAgain")}</button>
          <input ref=${input} type="file" hidden aria-label=${t("upload.chooseAgain")} onChange=${(event) => attach(event.target.files[0])} />`}
        ${state !== "elsewhere" && html`
          <button type="button" class="quiet" disabled=${isDiscarding} onClick=${discard}>${t("upload.discard")}</button>`}
      </div>
      <${ProblemBox} problem=${problem ?? wrongFile ?? discardProblem ?? upload.problem} />
    </div>`;
}

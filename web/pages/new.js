/** New: choose what should come of it, then drop files or paste links. */

import { post, Problem } from "../api.js";
import { announce, PageTitle, ProblemBox, useAction, useTitle } from "../components.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { KindIcon } from "../icons.js";
import { KINDS } from "../jobs.js";
import { go, link } from "../router.js";
import { linksIn, SendFromElsewhere } from "../send-from-elsewhere.js";
import { LANGUAGES, t } from "../texts.js";
import { UploadCard } from "../upload-card.js";
import { allUploads, onUploads, startUpload } from "../uploads.js";

const KEY = "clipwise-kind";

/** The files of a drop or choice, with handles where the browser has them. */
async function filesOf(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  // Both must be asked for before the first `await`: the transfer is emptied then.
  return Promise.all(items.map((item) => {
    const file = item.getAsFile();
    const handle = item.getAsFileSystemHandle?.().catch(() => null);
    return Promise.resolve(handle).then((found) => ({ file, handle: found?.kind === "file" ? found : undefined }));
  }));
}

async function pickFiles() {
  const handles = await showOpenFilePicker({ multiple: true });
  return Promise.all(handles.map(async (handle) => ({ handle, file: await handle.getFile() })));
}

export default function New({ query }) {
  useTitle(t("new.title"));
  const [kind, setKind] = useState(localStorage.getItem(KEY) ?? "recipe");
  const [language, setLanguage] = useState("");
  const [links, setLinks] = useState("");
  const [, setRound] = useState(0);
  useEffect(() => onUploads(() => setRound((round) => round + 1)), []);
  // Links that a bookmark or another app sent here. They wait for the button, and leave the address and the history.
  useEffect(() => {
    if (!query.link) return;
    setLinks((present) => [...new Set([...linksIn(present), ...linksIn(query.link)])].join("\n"));
    history.replaceState(null, "", link("new"));
  }, [query]);
  const choose = (name) => {
    localStorage.setItem(KEY, name);
    setKind(name);
  };
  const wish = { kind, ...(language ? { language } : {}) };

  const [sendFiles, , fileProblem] = useAction(async (files) => {
    const usable = files.filter(({ file }) => file?.size);
    if (!usable.length) throw new Problem(t("new.noFiles"));
    const jobs = [];
    for (const { file, handle } of usable) jobs.push(await startUpload(file, wish, handle));
    announce(t("new.started", { count: jobs.length }));
    if (jobs.length === 1) go(`jobs/${jobs[0].id}`);
  });
  const [sendLinks, isBusy, linkProblem] = useAction(async () => {
    const urls = links.split(/\s+/).filter(Boolean);
    if (!urls.length) throw new Problem(t("new.noLinks"));
    const jobs = [];
    for (const [index, url] of urls.entries()) {
      jobs.push(await post("v1/jobs", { ...wish, url }));
      setLinks(urls.slice(index + 1).join("\n"));
    }
    announce(t("new.started", { count: jobs.length }));
    go(jobs.length === 1 ? `jobs/${jobs[0].id}` : "");
  });

  return html`
    <${PageTitle}>${t("new.title")}<//>
    <fieldset class="kinds">
      <legend>${t("new.kind")}</legend>
      ${KINDS.map((name) => html`
        <label class="kind">
          <input type="radio" name="kind" value=${name} checked=${kind === name} onChange=${() => choose(name)} />
          <span class="kind-card"><${KindIcon} kind=${name} />
            <strong>${t(`kind.${name}`)}</strong><span>${t(`new.${name}`)}</span><em>${t(`new.${name}.example`)}</em></span>
        </label>`)}
    </fieldset>
    <div class="ways">
      <${DropZone} onFiles=${sendFiles} />
      <form class="card stack links" onSubmit=${(event) => { event.preventDefault(); sendLinks(); }}>
        <label for="links"><strong>${t("new.links")}</strong></label>
        <textarea id="links" rows="4" value=${links} placeholder="https://…" spellcheck="false" aria-describedby="links-hint"
          onInput=${(event) => setLinks(event.target.value)}></textarea>
        <p id="links-hint" class="hint">${t("new.linksHint")}</p>
        <button class="primary" disabled=${isBusy}>${t("new.sendLinks")}</button>
        <${ProblemBox} problem=${linkProblem} />
      </form>
    </div>
    <${ProblemBox} problem=${fileProblem} />
    <label class="language">${t("new.language")} <select value=${language} onChange=${(event) => setLanguage(event.target.value)}>
      <option value="">${t("new.languageDefault")}</option>
      ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code}>${name}</option>`)}
    </select></label>
    ${allUploads().length > 0 && html`
      <section aria-labelledby="uploads">
        <h2 id="uploads">${t("upload.title")}</h2>
        <ul class="plain">
          ${allUploads().map((upload) => html`
            <li key=${upload.id}><${UploadCard} upload=${upload} />
              <a href=${link(`jobs/${upload.id}`)}>${t("upload.open", { name: upload.name })}</a></li>`)}
        </ul>
      </section>`}
    <${SendFromElsewhere} />`;
}

function DropZone({ onFiles }) {
  const [isOver, setOver] = useState(false);
  const input = useRef();
  const pick = async () => {
    if (!window.showOpenFilePicker) return input.current.click();
    const files = await pickFiles().catch(() => []); // the user closed the dialog
    if (files.length) onFiles(files);
    return undefined;
  };
  const drop = async (event) => {
    event.preventDefault();
    setOver(false);
    onFiles(await filesOf(event.dataTransfer));
  };
  return html`
    <div class=${`drop card ${isOver ? "over" : ""}`} onDrop=${drop} onDragLeave=${() => setOver(false)}
      onDragOver=${(event) => { event.preventDefault(); setOver(true); }}>
      <p class="drop-title">${t("new.drop")}</p>
      <button type="button" class="primary" onClick=${pick}>${t("new.choose")}</button>
      <p class="hint">${t("new.dropHint")}</p>
      <input ref=${input} type="file" multiple hidden accept="video/*,audio/*" aria-label=${t("new.choose")}
        onChange=${(event) => { onFiles([...event.target.files].map((file) => ({ file }))); event.target.value = ""; }} />
    </div>`;
}

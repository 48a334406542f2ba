/** The speakers of a transcript, whom the video's owner can name. */

import { patch } from "./api.js";
import { ProblemBox, announce, useAction } from "./components.js";
import { html, useState } from "./html.js";
import { t } from "./texts.js";

/** The labels of the speakers in order: segments show the name of those that have one. */
function labelsOf(segments, names) {
  const labels = new Map(Object.entries(names).map(([label, name]) => [name, label]));
  const shown = segments.map(({ speaker }) => speaker).filter(Boolean);
  return [...new Set([...shown.map((speaker) => labels.get(speaker) ?? speaker), ...Object.keys(names)])];
}

export function Speakers({ videoId, segments, names, onChange }) {
  const [isOpen, setOpen] = useState(false);
  const labels = labelsOf(segments, names);
  const [save, isBusy, problem] = useAction(async (event) => {
    event.preventDefault();
    const entries = [...new FormData(event.target)].map(([label, name]) => [label, name.trim()]);
    await patch(`v1/videos/${videoId}`, { speakers: Object.fromEntries(entries.filter(([, name]) => name)) });
    setOpen(false);
    announce(t("speakers.saved"));
    onChange();
  });
  if (!labels.length) return null;
  return html`
    <details class="edit no-print" open=${isOpen} onToggle=${({ target }) => setOpen(target.open)}>
      <summary>${t("speakers.rename")}</summary>
      <form class="stack" onSubmit=${save}>
        ${labels.map((label) => html`
          <label key=${label}>${t("speakers.name", { label })}<input name=${label} defaultValue=${names[label] ?? ""} maxlength="80" autocomplete="off" /></label>`)}
        <p class="hint">${t("speakers.hint")}</p>
        <${ProblemBox} problem=${problem} />
        <p><button type="submit" class="primary" disabled=${isBusy}>${t("action.save")}</button></p>
      </form>
    </details>`;
}

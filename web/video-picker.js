/** Chooses stored videos, by words in their titles, and adds them to a group. */

import { get } from "./api.js";
import { Picture, ProblemBox, useAction, useLoaded } from "./components.js";
import { html, useRef, useState } from "./html.js";
import { t } from "./texts.js";

const PAGE = 20;

export function VideoPicker({ taken, add }) {
  const dialog = useRef();
  const [isOpen, setOpen] = useState(false);
  const show = () => {
    setOpen(true);
    dialog.current.showModal();
  };
  return html`
    <p><button type="button" onClick=${show}><span aria-hidden="true">+</span> ${t("group.addVideos")}</button></p>
    <dialog ref=${dialog} class="picker" aria-labelledby="picker" onClose=${() => setOpen(false)}>
      ${isOpen && html`<${Choice} taken=${taken} add=${add} close=${() => dialog.current.close()} />`}
    </dialog>`;
}

function Choice({ taken, add, close }) {
  const [words, setWords] = useState("");
  const [sought, setSought] = useState("");
  const [chosen, setChosen] = useState([]);
  const timer = useRef(0);
  const { value, problem, reload } = useLoaded(() => get(`v1/videos?limit=${PAGE}&q=${encodeURIComponent(sought)}`), [sought]);
  const [later, setLater] = useState({});
  const more = later.sought === sought ? later : { videos: [], cursor: value?.cursor };
  const [load, isLoading] = useAction(async () => {
    const page = await get(`v1/videos?limit=${PAGE}&q=${encodeURIComponent(sought)}&cursor=${encodeURIComponent(more.cursor)}`);
    setLater({ sought, videos: [...more.videos, ...page.videos], cursor: page.cursor });
  });
  const search = (text) => {
    setWords(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSought(text.trim()), 250);
  };
  const toggle = (id) => setChosen(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  const submit = (event) => {
    event.preventDefault();
    if (chosen.length) add(chosen);
    close();
  };
  const videos = value && [...value.videos, ...more.videos];
  return html`
    <form onSubmit=${submit}>
      <h2 id="picker">${t("group.addVideos")}</h2>
      <input type="search" maxlength="200" value=${words} placeholder=${t("group.search")} aria-label=${t("group.search")} onInput=${({ target }) => search(target.value)} />
      <${ProblemBox} problem=${problem} retry=${reload} />
      <ul class="picker-list" tabindex="0" aria-label=${t("group.videos")}>
        ${videos?.map((video) => {
          const isTaken = taken.includes(video.id);
          return html`<li key=${video.id}><label>
            <input type="checkbox" checked=${isTaken || chosen.includes(video.id)} disabled=${isTaken} onChange=${() => toggle(video.id)} />
            <span class="sort-picture"><${Picture} jobId=${video.id} name=${video.thumbnail} /></span>
            <span>${video.title ?? video.filename ?? video.url ?? t("job.untitled")}${isTaken && html` <span class="hint">${t("group.inside")}</span>`}</span>
          </label></li>`;
        })}
        ${videos?.length === 0 && html`<li class="hint">${t("library.nothing")}</li>`}
        ${more.cursor && html`<li class="center"><button type="button" class="quiet" disabled=${isLoading} onClick=${load}>${t("library.more")}</button></li>`}
      </ul>
      <div class="buttons">
        <button type="submit" class="primary" disabled=${!chosen.length}>${t("group.addCount", { count: chosen.length })}</button>
        <button type="button" onClick=${close}>${t("action.cancel")}</button>
      </div>
    </form>`;
}

/** A group: its videos in an order of one's own, what is added and removed, and its share link. */

import { get, patch, post, put, remove } from "../api.js";
import { announce, Loading, PageTitle, Picture, ProblemBox, useAction, useLoaded, useTitle } from "../components.js";
import { clock } from "../format.js";
import { html, useState } from "../html.js";
import { go, link } from "../router.js";
import { ShareBox } from "../share-box.js";
import { SortableList } from "../sortable.js";
import { t } from "../texts.js";
import { VideoPicker } from "../video-picker.js";

const titleOf = (video) => video.title ?? video.filename ?? video.url ?? t("job.untitled");

export default function GroupPage({ id }) {
  const path = `v1/groups/${encodeURIComponent(id)}`;
  const loaded = useLoaded(() => get(path), [id]);
  const [changed, setChanged] = useState(null);
  const group = changed ?? loaded.value;
  const [change, isBusy, problem] = useAction(async (request, text) => {
    setChanged(await request());
    if (text) announce(text);
  });
  const [drop, isDeleting, dropProblem] = useAction(async () => {
    await remove(path);
    announce(t("job.deleted", { name: group.name }));
    go("groups", { replace: true });
  });
  useTitle(group?.name);
  if (!group) return loaded.problem ? html`<${ProblemBox} problem=${loaded.problem} retry=${loaded.problem.isFinal ? null : loaded.reload} />` : html`<${Loading} />`;
  const add = (ids) => change(() => post(`${path}/videos`, { videoIds: ids }), t("group.added", { name: group.name }));
  const takeOut = (video) => change(async () => (await remove(`${path}/videos/${video.id}`)).json(), t("group.removed", { name: titleOf(video) }));
  const save = (ids) => change(() => put(`${path}/order`, { videoIds: ids }).catch(async (error) => {
    setChanged(await get(path)); // such as after a change in another tab
    throw error;
  }));
  return html`
    <${PageTitle}>${group.name}<//>
    ${group.description && html`<p class="lead prose">${group.description}</p>`}
    <div class="buttons">
      <a class="button primary" href=${link(`groups/${id}/chat`)}>${t("group.ask")}</a>
      <button type="button" class="danger" disabled=${isDeleting} onClick=${() => confirm(t("group.confirmDelete", { name: group.name })) && drop()}>${t("job.delete")}</button>
    </div>
    <${ProblemBox} problem=${problem ?? dropProblem} />
    <div class="group">
      <section aria-labelledby="videos">
        <h2 id="videos">${t("group.videos")}</h2>
        ${group.videos.length ? html`
          <${SortableList} items=${group.videos} nameOf=${titleOf} save=${save} label=${t("group.videos")} end=${(video) => html`
            <button type="button" class="quiet remove" aria-label=${t("group.remove", { name: titleOf(video) })} disabled=${isBusy} onClick=${() => takeOut(video)}>×</button>`}>
            ${(video) => html`
              <span class="sort-picture"><${Picture} jobId=${video.id} name=${video.thumbnail} /></span>
              <span class="sort-text"><a href=${link(`videos/${video.id}`)}>${titleOf(video)}</a>
                <span class="hint">${video.durationSec > 0 ? clock(video.durationSec) : t(`state.${video.status}`)}</span></span>`}
          <//>` : html`<p class="hint">${t("group.empty")}</p>`}
        <${VideoPicker} taken=${group.videoIds} add=${add} />
      </section>
      <div>
        <${ShareBox} group=${group} path=${path} onChange=${(share) => setChanged({ ...group, share })} />
        <${Details} group=${group} save=${(fields) => change(() => patch(path, fields), t("group.saved"))} isBusy=${isBusy} />
      </div>
    </div>`;
}

/** Its name and description. */
function Details({ group, save, isBusy }) {
  const submit = (event) => {
    event.preventDefault();
    const { name, description } = Object.fromEntries(new FormData(event.target));
    save({ name, description: description.trim() || null });
  };
  return html`
    <details class="card edit">
      <summary>${t("group.edit")}</summary>
      <form class="stack" onSubmit=${submit}>
        <label>${t("group.name")}<input name="name" required maxlength="200" defaultValue=${group.name} /></label>
        <label>${t("video.description")}<textarea name="description" maxlength="5000" rows="3" defaultValue=${group.description ?? ""} /></label>
        <p><button type="submit" class="primary" disabled=${isBusy}>${t("action.save")}</button></p>
      </form>
    </details>`;
}

/** Groups of videos: all of them, a form for a new one, and a place to put a video that is to be added. */

import { get, post } from "../api.js";
import { announce, Loading, PageTitle, ProblemBox, useAction, useLoaded, useTitle } from "../components.js";
import { ago } from "../format.js";
import { html, useState } from "../html.js";
import { go, link } from "../router.js";
import { t } from "../texts.js";

const PAGE = 50;
const page = (cursor) => get(`v1/groups?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);

/** @param query `add`: id of a video that the chosen or new group gets. */
export default function GroupsPage({ query }) {
  useTitle(t("nav.groups"));
  const { value, problem, reload } = useLoaded(() => page(), []);
  const [later, setLater] = useState({ groups: [] });
  const [load, isBusy, loadProblem] = useAction(async () => {
    const next = await page(later.cursor ?? value.cursor);
    setLater({ groups: [...later.groups, ...next.groups], cursor: next.cursor });
  });
  const open = async (group) => {
    if (query.add) {
      await post(`v1/groups/${group.id}/videos`, { videoIds: [query.add] });
      announce(t("group.added", { name: group.name }));
    }
    go(`groups/${group.id}`);
  };
  const groups = value && [...value.groups, ...later.groups];
  const cursor = later.groups.length ? later.cursor : value?.cursor;
  return html`
    <${PageTitle}>${t(query.add ? "group.choose" : "nav.groups")}<//>
    <p class="lead">${t("group.purpose")}</p>
    <${NewGroup} open=${open} />
    <${ProblemBox} problem=${problem} retry=${reload} />
    ${!groups && !problem && html`<${Loading} />`}
    ${groups && html`
      <ul class="rows" aria-label=${t("nav.groups")}>${groups.map((group) => html`<${Row} key=${group.id} group=${group} open=${query.add ? open : null} />`)}</ul>
      ${cursor && html`<p class="center"><button type="button" disabled=${isBusy} onClick=${load}>${t("library.more")}</button></p>`}
      <${ProblemBox} problem=${loadProblem} />`}`;
}

function NewGroup({ open }) {
  const [name, setName] = useState("");
  const [create, isBusy, problem] = useAction(async (event) => {
    event.preventDefault();
    await open(await post("v1/groups", { name }));
  });
  return html`
    <form class="filters" onSubmit=${create}>
      <input value=${name} required maxlength="200" placeholder=${t("group.name")} aria-label=${t("group.name")} onInput=${({ target }) => setName(target.value)} />
      <button type="submit" class="primary" disabled=${isBusy || !name.trim()}>${t("group.create")}</button>
    </form>
    <${ProblemBox} problem=${problem} />`;
}

function Row({ group, open }) {
  const [choose, isBusy, problem] = useAction(() => open(group));
  const facts = [t("group.count", { count: group.videoIds.length }), group.share && t("group.shared"), ago(group.updatedAt)];
  return html`
    <li>
      <a href=${link(`groups/${group.id}`)}><b>${group.name}</b></a>
      <span class="hint">${facts.filter(Boolean).join(" · ")}</span>
      ${open && html`<button type="button" class="primary" disabled=${isBusy} onClick=${choose}>${t("group.addHere")}</button>`}
      <${ProblemBox} problem=${problem} />
    </li>`;
}

/** What a search of the library finds: moments in the videos, and videos by their titles and tags. */

import { get } from "./api.js";
import { Loading, Picture, ProblemBox, Tags, useAction } from "./components.js";
import { ago, clock } from "./format.js";
import { html, useEffect, useState } from "./html.js";
import { KindIcon } from "./icons.js";
import { marked } from "./marks.js";
import { link } from "./router.js";
import { t } from "./texts.js";

export const ORIGINS = ["speech", "screen", "caption"];
const PAGE = 8;

const queryOf = (values) => new URLSearchParams(Object.entries({ ...values, limit: PAGE }).filter(([, value]) => value));

/** A list that is loaded page by page: `{items, cursor}`. `read` gets a cursor. */
async function loadPage(read, name, cursor) {
  const page = await read(cursor);
  return { items: page[name], cursor: page.cursor };
}

/** Both lists of a search, shown at once so that nothing moves when the slower one comes. */
function useSearch(q, origin) {
  const [state, setState] = useState({});
  const [round, setRound] = useState(0);
  const key = `${origin} ${q}`;
  const sources = {
    moments: (cursor) => loadPage((at) => get(`v1/search?${queryOf({ q, origin, cursor: at })}`), "moments", cursor),
    videos: (cursor) => loadPage((at) => get(`v1/videos?${queryOf({ q: q.slice(0, 200), cursor: at })}`), "videos", cursor),
  };
  useEffect(() => {
    let isCurrent = true;
    const names = Object.keys(sources);
    Promise.allSettled(names.map((name) => sources[name]())).then((results) => {
      if (!isCurrent) return;
      const lists = names.map((name, at) => [name, results[at].value ?? { items: [], problem: results[at].reason }]);
      setState({ key, ...Object.fromEntries(lists) });
    });
    return () => { isCurrent = false; };
  }, [key, round]);
  const more = async (name) => {
    const page = await sources[name](state[name].cursor);
    setState((old) => ({ ...old, [name]: { ...page, items: [...old[name].items, ...page.items] } }));
  };
  return { ...state, isStale: state.key !== key, more, retry: () => setRound(round + 1) };
}

export function SearchResults({ q, origin }) {
  const { moments, videos, isStale, more, retry } = useSearch(q, origin);
  if (!moments) return html`<${Loading} />`;
  const count = moments.items.length + videos.items.length;
  return html`
    <div class=${`results ${isStale ? "stale" : ""}`}>
      <p class="unseen" role="status">${isStale ? "" : t("search.found", { moments: moments.items.length, videos: videos.items.length })}</p>
      <${ProblemBox} problem=${moments.problem ?? videos.problem} retry=${retry} />
      ${!count && !moments.problem && !videos.problem && html`<p class="lead">${t("search.nothing")}</p>`}
      <${List} name="moments" list=${moments} more=${more} tile=${Moment} />
      <${List} name="videos" list=${videos} more=${more} tile=${VideoTile} />
    </div>`;
}

function List({ name, list, more, tile }) {
  const [load, isBusy, problem] = useAction(() => more(name));
  if (!list.items.length) return null;
  return html`
    <section aria-labelledby=${name}>
      <h2 id=${name}>${t(`search.${name}`)}</h2>
      <ul class=${name === "moments" ? "moment-list" : "grid"}>${list.items.map((item) => html`<${tile} item=${item} />`)}</ul>
      <${ProblemBox} problem=${problem} />
      ${list.cursor && html`<p class="center"><button type="button" disabled=${isBusy} onClick=${load}>${t("library.more")}</button></p>`}
    </section>`;
}

/** A moment, and why it is one: where the words stand, and which of them match. */
function Moment({ item }) {
  const { videoId, time, origin, words } = item;
  const reason = words.length ? t("search.words", { words: words.join(", ") }) : t("search.meaning");
  return html`
    <li class="moment"><a href=${link(`videos/${videoId}`, { t: time })}>
      <span class="tile-picture">
        <${Picture} jobId=${videoId} name=${item.thumbnail} />
        <span class="length"><span aria-hidden="true">▸</span> ${clock(time)}</span>
      </span>
      <span class="moment-facts">
        <span class="moment-line">${marked(item.text, words)}</span>
        <span class="tile-facts"><span class="chip">${t(`search.in.${origin}`)}</span> <span>${reason}</span></span>
        <span class="moment-title">${item.title ?? t("job.untitled")}</span>
      </span>
    </a></li>`;
}

const VideoTile = ({ item }) => html`
  <li class="tile">
    <a href=${link(`videos/${item.id}`)}>
      <span class="tile-picture">
        <${Picture} jobId=${item.id} name=${item.thumbnail} />
        ${!item.thumbnail && html`<${KindIcon} kind="metadata" />`}
        ${item.durationSec > 0 && html`<span class="length">${clock(item.durationSec)}</span>`}
      </span>
      <span class="tile-title">${item.title ?? item.filename ?? item.url ?? t("job.untitled")}</span>
    </a>
    <span class="tile-facts"><time datetime=${item.createdAt}>${ago(item.createdAt)}</time></span>
    <${Tags} tags=${item.tags} />
  </li>`;

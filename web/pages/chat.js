/** Chat about a video, a group or the whole library; what an answer cites plays beside it, at its second. */

import { download, get, remove } from "../api.js";
import { Chat } from "../chat.js";
import { announce, Loading, PageTitle, ProblemBox, useAction, useLoaded, useTitle, WithCode } from "../components.js";
import { html, useEffect, useState } from "../html.js";
import { nameOf } from "../jobs.js";
import { Player, usePlayer } from "../player.js";
import { go, link } from "../router.js";
import { t } from "../texts.js";

const PAGE = 20;
const MOST_GROUPS = 100;
const linkOf = ({ videoId, start }) => link(`videos/${videoId}`, { t: start });

/** What the questions are about, as the API's parameters name it. */
const subjectOf = ({ video, group }) => (video ? { videoId: video } : group ? { groupId: group } : { library: true });

/** The stored messages of a subject, oldest first, a page at a time: `{messages, cursor, problem, earlier, clear}`. */
function useHistory(subject) {
  const [state, setState] = useState({});
  const parameters = new URLSearchParams(subject);
  const read = async (cursor) => {
    const page = await get(`v1/chat/history?${parameters}&limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    setState((old) => ({ messages: [...page.messages.reverse(), ...(cursor ? old.messages : [])], cursor: page.cursor, round: old.round }));
  };
  useEffect(() => { read().catch((problem) => setState({ problem })); }, []);
  const clear = async () => {
    await remove(`v1/chat/history?${parameters}`);
    setState((old) => ({ messages: [], round: (old.round ?? 0) + 1 }));
    announce(t("chat.cleared"));
  };
  return { ...state, parameters, earlier: () => read(state.cursor), clear };
}

export default function ChatPage({ video, group, capabilities }) {
  const subject = subjectOf({ video, group });
  const history = useHistory(subject);
  const [cited, setCited] = useState(video ? { videoId: video, start: 0, isQuiet: true } : null);
  const groups = useLoaded(() => get(`v1/groups?limit=${MOST_GROUPS}`), []);
  const film = useLoaded(async () => (video ? get(`v1/videos/${encodeURIComponent(video)}`) : null), [video]);
  const title = film.value ? film.value.title ?? film.value.filename : groups.value?.groups.find(({ id }) => id === group)?.name;
  useTitle(title ? `${t("chat.title")}: ${title}` : t("chat.title"));
  return html`
    <${PageTitle}>${t("chat.title")}<//>
    <${Bar} video=${video} title=${title} group=${group} groups=${groups.value?.groups ?? []} history=${history} />
    <${ProblemBox} problem=${history.problem} />
    ${!history.messages && !history.problem && html`<${Loading} />`}
    ${history.messages && html`
      <div class=${`chat-page ${cited ? "with-player" : ""}`}>
        ${cited && html`<${CitedVideo} key=${cited.videoId} cited=${cited} />`}
        <div>
          <${Earlier} history=${history} />
          <${Chat} key=${history.round} subject=${subject} stored=${history.messages} linkOf=${linkOf} onCite=${(citation) => setCited({ ...citation })}>
            <${Hint} capabilities=${capabilities} />
          <//>
        </div>
      </div>`}`;
}

/** What is asked about, and what can be done with the conversation. */
function Bar({ video, title, group, groups, history }) {
  const [save, isSaving, saveProblem] = useAction(() => download(`v1/chat/history/export?${history.parameters}`));
  const [clear, isClearing, clearProblem] = useAction(history.clear);
  const choose = ({ target }) => go(target.value);
  return html`
    <div class="filters">
      <label>${t("chat.about")} <select value=${video ? `videos/${video}/chat` : group ? `groups/${group}/chat` : "chat"} onChange=${choose}>
        <option value="chat">${t("chat.library")}</option>
        ${video && html`<option value=${`videos/${video}/chat`}>${title ?? t("job.untitled")}</option>`}
        ${groups.map(({ id, name }) => html`<option value=${`groups/${id}/chat`}>${name}</option>`)}
      </select></label>
      <span class="buttons">
        <button type="button" class="quiet" disabled=${isSaving} onClick=${save}><span aria-hidden="true">↓</span> CSV</button>
        <button type="button" class="quiet danger" disabled=${isClearing} onClick=${() => confirm(t("chat.confirmClear")) && clear()}>${t("chat.clear")}</button>
      </span>
    </div>
    <${ProblemBox} problem=${saveProblem ?? clearProblem} />`;
}

function Earlier({ history }) {
  const [load, isBusy, problem] = useAction(history.earlier);
  return history.cursor && html`
    <p class="center"><button type="button" class="quiet" disabled=${isBusy} onClick=${load}>${t("chat.earlier")}</button></p>
    <${ProblemBox} problem=${problem} />`;
}

/** What to ask, and what would make the answers better on this server. */
const Hint = ({ capabilities }) => html`
  <div class="chat-empty">
    <p class="lead">${t("chat.hint")}</p>
    ${!capabilities.chat && html`<p class="hint"><${WithCode} text=${t("chat.withoutKey")} /></p>`}
    ${!capabilities.speech && html`<p class="hint"><${WithCode} text=${t("chat.withoutSpeech")} /></p>`}
  </div>`;

/** The video of a citation, which plays from there. */
function CitedVideo({ cited }) {
  const { value: job, problem } = useLoaded(() => get(`v1/jobs/${encodeURIComponent(cited.videoId)}`), []);
  const player = usePlayer();
  useEffect(() => {
    if (job && !cited.isQuiet) player.jump(cited.start);
  }, [cited, Boolean(job)]);
  return html`
    <aside class="cited" aria-label=${t("player.label")}>
      <${ProblemBox} problem=${problem} />
      ${job ? html`<${Player} job=${job} player=${player} poster=${job.video.thumbnail?.name} />` : html`<div class="player-place"><div class="player"></div></div>`}
      <p class="hint"><a href=${linkOf(cited)}>${job ? nameOf(job) : t("loading")}</a></p>
    </aside>`;
}

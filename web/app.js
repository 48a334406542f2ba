/** Starts the console: its routes, its frame, and what stands before the pages, such as signing in. */

import { currentSession, get, onSession, signOut } from "./api.js";
import { html, render, useEffect, useState } from "./html.js";
import { addRoute, currentRoute, go, link } from "./router.js";
import { LANGUAGES, language, preferredLanguage, t, useLanguage } from "./texts.js";
import { allUploads, isSending, onUploads, restoreUploads } from "./uploads.js";
import { percent } from "./format.js";
import { ProblemBox } from "./components.js";

addRoute("", () => import("./pages/library.js"));
addRoute("new", () => import("./pages/new.js"));
addRoute("sign-in", () => import("./pages/sign-in.js"));
addRoute("jobs/:id", () => import("./pages/job.js"));
addRoute("recipes/:id", () => import("./pages/recipe.js"));
addRoute("summaries/:id", () => import("./pages/summary.js"));
addRoute("transcripts/:id", () => import("./pages/transcript.js"));
addRoute("videos/:id", () => import("./pages/video.js"));
addRoute("chat", () => import("./pages/chat.js"));
addRoute("videos/:video/chat", () => import("./pages/chat.js"));
addRoute("groups/:group/chat", () => import("./pages/chat.js"));
addRoute("groups", () => import("./pages/groups.js"));
addRoute("groups/:id", () => import("./pages/group.js"));

const ICON = new URL("./icon.svg", import.meta.url).href;
const SIGN_IN = () => import("./pages/sign-in.js");
const NOT_FOUND = () => import("./pages/not-found.js");

/** Render again whenever `subscribe` says that something changed. */
function useChanges(subscribe) {
  const [, setRound] = useState(0);
  useEffect(() => subscribe(() => setRound((round) => round + 1)), []);
}

/** The route of the address, and its page once it is loaded; until then the one before stays. */
function usePage(mustSignIn) {
  const [route, setRoute] = useState(currentRoute);
  const [page, setPage] = useState(null);
  useEffect(() => {
    const move = () => {
      document.body.dataset.moved = "true";
      setRoute(currentRoute());
    };
    addEventListener("hashchange", move);
    return () => removeEventListener("hashchange", move);
  }, []);
  const load = mustSignIn ? SIGN_IN : route.load ?? NOT_FOUND;
  useEffect(() => {
    let isCurrent = true;
    load().then(
      (module) => isCurrent && setPage({ Page: module.default, route, load }),
      () => isCurrent && setPage({ problem: new Error(t("error.newVersion")), route, load }),
    );
    return () => { isCurrent = false; };
  }, [route, load]);
  const path = page?.route.address.split("?")[0];
  useEffect(() => { scrollTo(0, 0); }, [path]);
  return page;
}

function App({ capabilities }) {
  useChanges(onSession);
  const [tag, setTag] = useState(language());
  const session = currentSession();
  const page = usePage(capabilities.signIn && !session);
  const choose = (event) => useLanguage(event.target.value, true).then(() => setTag(language()));
  const user = session?.user?.username ?? (session ? "token" : "");
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>${t("nav.skip")}</a>
    <header class="bar no-print">
      <a class="logo" href=${link("")} aria-label=${t("nav.home")}><img src=${ICON} alt="" width="32" height="32" /><span>Clipwise</span></a>
      <nav aria-label=${t("nav.label")}>
        <span class="nav-pages">
          ${[["", "nav.library"], ["groups", "nav.groups"], ["chat", "nav.chat"]].map(([path, text]) => html`
            <a href=${link(path)} aria-current=${page?.route.address.split("?")[0] === path ? "page" : undefined}>${t(text)}</a>`)}
        </span>
        <a class="button primary" href=${link("new")} aria-label=${t("nav.new")} aria-current=${page?.route.address === "new" ? "page" : undefined}>
          <span aria-hidden="true">+</span><span>${t("nav.new")}</span></a>
      </nav>
      <${Sending} />
      ${session && html`<span class="who"><span class="user">${session.user?.username}</span>
        <button type="button" class="quiet" onClick=${() => signOut().then(() => go(""))}>${t("nav.signOut")}</button></span>`}
    </header>
    <main id="main" tabindex="-1">
      ${page?.problem && html`<${ProblemBox} problem=${page.problem} retry=${() => location.reload()} />`}
      ${page?.Page && html`<${page.Page} key=${`${page.route.address.split("?")[0]} ${user}`} ...${page.route.params}
        query=${page.route.query} capabilities=${capabilities} />`}
    </main>
    <footer class="no-print">
      <label>${t("nav.language")} <select value=${tag} onChange=${choose}>
        ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code}>${name}</option>`)}
      </select></label>
      <a href="docs">${t("nav.api")}</a> <a href="tasks">${t("nav.jobs")}</a>
    </footer>
    <p id="announcement" class="unseen" role="status"></p>`;
}

/** How far all uploads are, on every page. */
function Sending() {
  useChanges(onUploads);
  if (!isSending()) return null;
  const uploads = allUploads().filter(({ state }) => state !== "detached" && state !== "elsewhere");
  const [sent, size] = ["sent", "size"].map((name) => uploads.reduce((sum, upload) => sum + upload[name], 0));
  return html`<a class="sending" href=${link("new")}>${t("upload.sending", { share: percent(sent / size) })}</a>`;
}

await useLanguage(preferredLanguage());
restoreUploads();
const capabilities = await get("v1/capabilities").catch(() => ({ signIn: false, speech: null, ai: null }));
render(html`<${App} capabilities=${capabilities} />`, document.getElementById("app"));

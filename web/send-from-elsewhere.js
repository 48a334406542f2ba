/** Ways to send a link from other pages and apps: each opens the New page with the link behind `#`, and nothing else. */

import { announce, ProblemBox, useAction } from "./components.js";
import { html } from "./html.js";
import { t } from "./texts.js";

const WEB_LINK = /^https?:\/\//i;
const MAX_LINKS = 20;

/** The links to web pages in a text, where white space divides them. */
export const linksIn = (text) => text.split(/\s+/).filter((part) => WEB_LINK.test(part)).slice(0, MAX_LINKS);

/** The address of the bookmark. It runs on other sites' pages, so it has no secret, and opens a page that cannot reach that one. */
export function bookmarkAddress(page = location.href) {
  const target = JSON.stringify(`${new URL("./", page).href}#/new?link=`);
  return `javascript:${encodeURIComponent(`void open(${target}+encodeURIComponent(location.href),"_blank","noreferrer")`)}`;
}

export function SendFromElsewhere() {
  const address = bookmarkAddress();
  const [copy, , problem] = useAction(async () => {
    await navigator.clipboard.writeText(address);
    announce(t("elsewhere.copied"));
  });
  // This page's policy lets no such address run here; it is there to be dragged.
  const explain = (event) => {
    event.preventDefault();
    announce(t("elsewhere.drag"));
  };
  return html`
    <details class="elsewhere">
      <summary>${t("elsewhere.title")}</summary>
      <p>${t("elsewhere.drag")}</p>
      <p><a class="button quiet" href=${address} draggable onClick=${explain}>${t("elsewhere.bookmark")}</a>
        ${navigator.clipboard && html` <button type="button" class="quiet" onClick=${copy}>${t("elsewhere.copy")}</button>`}</p>
      <label>${t("elsewhere.address")} <input class="code" value=${address} readonly spellcheck="false" onFocus=${(event) => event.target.select()} /></label>
      <p class="hint">${t("elsewhere.install")}</p>
      <${ProblemBox} problem=${problem} />
    </details>`;
}

/** Questions and answers about videos: streamed, with citations that lead to their second. */

import { Problem, stream } from "./api.js";
import { announce, ProblemBox } from "./components.js";
import { clock } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { t } from "./texts.js";

const MARKER = /\[(\d+)\]/;
const NEAR_END_PX = 160;
const MOST_LETTERS = 2000;

/** The answer so far, after one more event. */
function extend(answer, { name, data }) {
  const value = JSON.parse(data);
  if (name === "piece") return { ...answer, content: answer.content + value.text };
  if (name === "citation") return { ...answer, citations: [...answer.citations, value] };
  if (name === "error") throw new Problem(value.detail, { code: value.code });
  return { ...answer, ...value, isComplete: true };
}

/** Keep the newest words in view of somebody who reads at the end of the page. */
function useFollow(messages) {
  const wasAtEnd = useRef(true);
  useEffect(() => {
    const look = () => {
      const { scrollHeight } = document.documentElement;
      wasAtEnd.current = scrollHeight - scrollY - innerHeight < NEAR_END_PX;
    };
    addEventListener("scroll", look, { passive: true });
    return () => removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    if (wasAtEnd.current && messages.length) scrollTo(0, document.documentElement.scrollHeight);
  });
  return () => { wasAtEnd.current = true; };
}

/**
 * @param path where questions are sent, from the page's address.
 * @param subject the field of the request that names what the questions are about, such as `{videoId}`.
 * @param stored messages from the history, oldest first.
 * @param linkOf gives the address of a citation, and `onCite` is called with it when it is chosen.
 */
export function Chat({ path = "v1/chat", subject, stored = [], linkOf, onCite, children }) {
  const [asked, setAsked] = useState([]);
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const running = useRef(null);
  const [text, setText] = useState("");
  const messages = [...stored, ...asked];
  const follow = useFollow(messages);
  useEffect(() => () => running.current?.abort(), []);

  const ask = async (question) => {
    const ending = new AbortController();
    const before = asked;
    let answer = { role: "assistant", content: "", citations: [] };
    const show = () => setAsked([...before, { role: "user", content: question }, answer]);
    running.current = ending;
    setProblem(null);
    setBusy(true);
    setText("");
    follow();
    show();
    try {
      const body = { ...subject, messages: [{ role: "user", content: question }], stream: true };
      for await (const event of stream(path, body, ending.signal)) {
        answer = extend(answer, event);
        show();
      }
      if (!answer.isComplete) throw new Problem(t("chat.cutOff"));
      announce(answer.content);
    } catch (error) {
      answer = { ...answer, error: true };
      if (answer.content || ending.signal.aborted) show();
      else setAsked(before);
      if (!ending.signal.aborted) setProblem(error);
      setText((newer) => newer || question);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (!isBusy && text.trim()) ask(text.trim());
  };
  const onKey = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };
  return html`
    <div class="chat">
      <div class="chat-log" role="group" aria-label=${t("chat.conversation")} aria-busy=${isBusy ? "true" : "false"}>
        ${!messages.length && children}
        ${messages.map((message) => html`<${Message} message=${message} linkOf=${linkOf} onCite=${onCite} />`)}
        <${ProblemBox} problem=${problem} />
      </div>
      <form class="chat-form" onSubmit=${submit}>
        <textarea rows="1" value=${text} maxlength=${MOST_LETTERS} placeholder=${t("chat.placeholder")} aria-label=${t("chat.placeholder")}
          enterkeyhint="send" onInput=${({ target }) => setText(target.value)} onKeyDown=${onKey}></textarea>
        ${isBusy
          ? html`<button key="stop" type="button" onClick=${() => running.current.abort()}>${t("chat.stop")}</button>`
          : html`<button key="ask" type="submit" class="primary" disabled=${!text.trim()}>${t("chat.ask")}</button>`}
      </form>
    </div>`;
}

function Message({ message, linkOf, onCite }) {
  const { role, content, citations = [], error, isComplete } = message;
  if (role === "user") return html`<div class="question"><h2 class="unseen">${t("chat.question")}</h2><p>${content}</p></div>`;
  const cited = new Map(citations.map((citation) => [citation.number, citation]));
  const choose = (event, citation) => {
    if (!onCite || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onCite(citation);
  };
  const parts = content.split(MARKER).map((part, at) => {
    if (at % 2 === 0) return part;
    const citation = cited.get(Number(part));
    return citation ? html`<a class="cite" href=${linkOf(citation)} aria-label=${t("chat.source", { number: part, time: clock(citation.start) })}
      onClick=${(event) => choose(event, citation)}>${part}</a>` : `[${part}]`;
  });
  return html`
    <div class="answer">
      <h2 class="unseen">${t("chat.answer")}</h2>
      <p class="prose">${content ? parts : !error && html`<span class="typing" aria-label=${t("loading")}></span>`}</p>
      ${error && html`<p class="hint">${t("chat.interrupted")}</p>`}
      ${(isComplete || message.id) && citations.length > 0 && html`
        <ol class="sources">
          ${citations.map((citation) => html`
            <li><a href=${linkOf(citation)} onClick=${(event) => choose(event, citation)}>
              <span class="cite">${citation.number}</span>
              <span><b>${citation.title ?? t("job.untitled")}</b> <span class="at">${clock(citation.start)}</span>
                ${!content.includes(citation.quote) && html`<q>${citation.quote}</q>`}</span></a></li>`)}
        </ol>`}
    </div>`;
}

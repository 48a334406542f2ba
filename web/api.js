/** Requests to the API, with the user's token; every error becomes a `Problem`, whose message is a sentence. */

import { events } from "./event-stream.js";
import { t } from "./texts.js";

const KEY = "clipwise-session"; // shared with the page at /tasks
const listeners = new Set();

let session = readSession(); // access_token, refresh_token?, user?
let refreshing = null;

/** What the server or the connection refused. `isFinal`: the same request will fail again. */
export class Problem extends Error {
  constructor(message, { code = "unknown", status = 0, waitSec = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.waitMs = waitSec * 1000;
    this.isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  }
}

function readSession() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

function setSession(value) {
  session = value;
  if (value) sessionStorage.setItem(KEY, JSON.stringify(value));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export const currentSession = () => session;

/** Call `listener` whenever somebody signs in or out; returns what ends that. */
export function onSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function send(path, { headers, ...options } = {}) {
  const token = session ? { Authorization: `Bearer ${session.access_token}` } : {};
  try {
    return await fetch(path, { ...options, headers: { ...headers, ...token } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(t("error.unreachable"), { code: "unreachable" });
  }
}

const json = (body, method = "POST") => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

/** Get a new access token. A refresh token is good once, so concurrent requests share one call. */
function refresh() {
  refreshing ??= (async () => {
    const refresh_token = session?.refresh_token;
    if (!refresh_token) return false;
    const answer = await send("v1/auth/refresh", json({ refresh_token }));
    if (answer.ok) setSession(await answer.json());
    return answer.ok;
  })().finally(() => { refreshing = null; });
  return refreshing;
}

/** The problem that an answer describes. */
export async function problemOf(answer) {
  const waitSec = Number(answer.headers.get("Retry-After")) || 0;
  const body = await answer.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : t("error.unexpected", { status: answer.status });
  return new Problem(detail, { code: body.code, status: answer.status, waitSec });
}

/** Send a request; returns its successful answer. A rejected token ends the session, which shows the sign-in form. */
export async function call(path, options) {
  let answer = await send(path, options);
  if (answer.status === 401 && await refresh()) answer = await send(path, options);
  if (answer.ok) return answer;
  if (answer.status === 401) setSession(null);
  throw await problemOf(answer);
}

export const get = async (path, options) => (await call(path, options)).json();
export const post = async (path, body, options) =>
  (await call(path, { ...(body === undefined ? { method: "POST" } : json(body)), ...options })).json();

export const patch = async (path, body) => (await call(path, json(body, "PATCH"))).json();
export const put = async (path, body) => (await call(path, json(body, "PUT"))).json();

/** Delete; the answer has no body. */
export const remove = (path) => call(path, { method: "DELETE" });

/** Send a request whose answer comes in pieces: yields its server-sent events. */
export async function* stream(path, body, signal) {
  const answer = await call(path, { ...json(body), signal });
  yield* events(answer.body);
}

// Signing in

/** Sign in with a name and password, or with a token from elsewhere. */
export async function signIn({ username, password, token }) {
  const access_token = token?.trim();
  const answer = access_token
    ? await send("v1/jobs?limit=1", { headers: { Authorization: `Bearer ${access_token}` } }) // whether it is good
    : await send("v1/auth/login", json({ username, password }));
  if (!answer.ok) throw await problemOf(answer);
  setSession(access_token ? { access_token } : await answer.json());
}

export async function signOut() {
  await call("v1/auth/logout", { method: "POST" }).catch(() => {}); // the token is forgotten in any case
  setSession(null);
}

// Media

/** An address for `src`, where no token can be sent: the short-lived link to which the path redirects. */
export async function mediaLink(path) {
  if (!session) return path;
  const answer = await call(path, { headers: { Range: "bytes=0-0" } });
  await answer.body?.cancel();
  return answer.url;
}

/** Save a file of the API under the name that the server gives it. */
export async function download(path) {
  const answer = await call(path);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "clipwise";
  const url = URL.createObjectURL(await answer.blob());
  const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

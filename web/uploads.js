/**
 * Resumable uploads, by the protocol of Cloud Storage, which every place speaks:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 *
 * An upload outlives the page: its session is kept in IndexedDB, with the name, size and time of its file, and a handle
 * to the file where the browser has handles. Bytes that arrived are never sent again.
 */

import { post, problemOf, Problem, remove } from "./api.js";
import { t } from "./texts.js";
import { pause } from "./watch.js";

const STORE = "uploads";
const PIECE_BYTES = 8 << 20; // Cloud Storage takes multiples of 256 KiB, except for the last piece
const AT_ONCE = 2;
const LONGEST_WAIT_MS = 15_000;
const STALLED_MS = 45_000;
const TYPES = {
  "3ga": "video/mp4", "3gp": "video/mp4", aac: "audio/aac", aif: "audio/aiff", aifc: "audio/aiff", aiff: "audio/aiff",
  amr: "audio/amr", avi: "video/x-msvideo", awb: "audio/amr", caf: "audio/x-caf", flac: "audio/flac", m2ts: "video/mp2t",
  m4a: "audio/mp4", m4b: "audio/mp4", mkv: "video/x-matroska", mov: "video/quicktime", mp3: "audio/mpeg",
  mp4: "video/mp4", mpg: "video/mpeg", mts: "video/mp2t", ogg: "audio/ogg", ts: "video/mp2t", wav: "audio/wav",
  webm: "video/webm",
};

const uploads = new Map(); // by job id, oldest first
const listeners = new Set();

/**
 * An upload: `state` is `queued`, `sending`, `paused`, `detached` (its file must be opened
 * again), `elsewhere` (another tab sends it) or `failed`.
 */
class Upload {
  file = null;
  problem = null;
  stop = null;
  isNew = false;

  constructor(record, state) {
    Object.assign(this, record); // id, url, method, headers, name, size, time, kind, sent, handle?
    this.state = state;
  }

  get record() {
    const { id, url, method, headers, name, size, time, kind, sent, handle } = this;
    return { id, url, method, headers, name, size, time, kind, sent, ...(handle ? { handle } : {}) };
  }
}

/** Call `listener` after each change of an upload; returns what ends that. */
export function onUploads(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const allUploads = () => [...uploads.values()];
export const uploadOf = (jobId) => uploads.get(jobId);
export const isSending = () => allUploads().some(({ state }) => state === "sending" || state === "queued");

function changed() {
  for (const listener of listeners) listener();
}

/** Create a job for a file and begin to send it; returns the job. `handle` lets it go on after a reload. */
export async function startUpload(file, job, handle) {
  const extension = file.name.split(".").pop().toLowerCase();
  const contentType = file.type || TYPES[extension] || "application/octet-stream";
  const ticket = await post("v1/uploads", { ...job, filename: file.name, contentType, size: file.size });
  const upload = new Upload({
    id: ticket.job.id, url: ticket.uploadUrl, method: ticket.method, headers: ticket.headers,
    name: file.name, size: file.size, time: file.lastModified, kind: job.kind, sent: 0, handle,
  }, "queued");
  upload.file = file;
  upload.isNew = true;
  uploads.set(upload.id, upload);
  await keep(upload);
  next();
  return ticket.job;
}

export function pauseUpload(upload) {
  upload.state = "paused";
  upload.stop?.abort();
  next();
}

export function resumeUpload(upload) {
  upload.state = "queued";
  upload.problem = null;
  next();
}

/** Go on with a file that was chosen again; throws a Problem if it is another one. */
export function attachFile(upload, file) {
  if (file.name !== upload.name || file.size !== upload.size || file.lastModified !== upload.time) {
    throw new Problem(t("upload.otherFile", { name: upload.name }));
  }
  upload.file = file;
  resumeUpload(upload);
}

/** Go on with the file that the browser kept a handle to; it may ask the user. */
export async function reopenFile(upload) {
  if (await upload.handle.requestPermission({ mode: "read" }) !== "granted") return;
  attachFile(upload, await upload.handle.getFile());
}

/** Stop an upload for good and delete its job. */
export async function discardUpload(upload) {
  upload.state = "paused";
  upload.stop?.abort();
  await remove(`v1/jobs/${upload.id}`).catch((problem) => { if (problem.status !== 404) throw problem; });
  await forget(upload);
}

function next() {
  let running = allUploads().filter(({ state }) => state === "sending").length;
  for (const upload of uploads.values()) {
    if (running >= AT_ONCE) break;
    if (upload.state === "queued") {
      running += 1;
      run(upload);
    }
  }
  changed();
}

/** Do it while no other tab sends this upload. Pages without TLS have no locks. */
const locked = (upload, work) =>
  navigator.locks ? navigator.locks.request(`upload ${upload.id}`, work) : work();

function run(upload) {
  upload.state = "sending";
  upload.stop = new AbortController();
  return locked(upload, () => send(upload, upload.stop.signal));
}

async function send(upload, signal) {
  let failures = upload.isNew ? 0 : 1; // of what was interrupted, some may have arrived
  upload.isNew = false;
  while (!signal.aborted) {
    try {
      if (failures) upload.sent = await exchange(upload, null, signal);
      while (upload.sent < upload.size) {
        upload.sent = await exchange(upload, Math.min(upload.sent + PIECE_BYTES, upload.size), signal);
        failures = 0;
        upload.problem = null;
        await keep(upload);
      }
      await forget(upload);
      break;
    } catch (problem) {
      if (signal.aborted) break;
      failures += 1;
      upload.problem = problem;
      if (problem.isFinal) {
        upload.state = "failed";
        break;
      }
      changed();
      await pause(Math.max(problem.waitMs ?? 0, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures)), signal);
    }
  }
  next();
}

/**
 * Send the bytes up to `end`, or with null ask for the state; returns how many bytes have arrived.
 * XMLHttpRequest, since fetch does not say how much it has sent.
 */
function exchange(upload, end, signal) {
  const start = upload.sent;
  const range = end === null ? `bytes */${upload.size}` : `bytes ${start}-${end - 1}/${upload.size}`;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    // Without a network, a request may also wait for good.
    let stalled = setTimeout(abort, STALLED_MS);
    const unreachable = () => reject(new Problem(t("error.unreachable"), { code: "unreachable" }));
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Range", range);
    request.upload.onprogress = ({ loaded }) => {
      clearTimeout(stalled);
      stalled = setTimeout(abort, STALLED_MS);
      upload.sent = start + Math.min(loaded, (end ?? start) - start);
      changed();
    };
    request.onerror = request.onabort = unreachable;
    request.onloadend = () => {
      clearTimeout(stalled);
      removeEventListener("offline", abort);
      signal.removeEventListener("abort", abort);
    };
    request.onload = () => {
      if (request.status === 308) {
        resolve(Number(/^bytes=0-(\d+)$/.exec(request.getResponseHeader("Range") ?? "")?.[1] ?? -1) + 1);
      } else if (request.status >= 200 && request.status < 300) {
        resolve(upload.size);
      } else if (request.status === 404 || request.status === 410) {
        reject(new Problem(t("upload.expired"), { code: "expired", status: 410 }));
      } else {
        const headers = { "Retry-After": request.getResponseHeader("Retry-After") ?? "" };
        problemOf(new Response(request.responseText, { status: request.status, headers })).then(reject);
      }
    };
    signal.addEventListener("abort", abort);
    addEventListener("offline", abort);
    request.send(end === null ? null : upload.file.slice(start, end));
  });
}

// What outlives the page

let database = null;

function openDatabase() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("clipwise", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return database;
}

/** Run one operation on the stored sessions. Without storage, as in some private windows, uploads end with the page. */
async function stored(mode, operate) {
  try {
    const request = operate((await openDatabase()).transaction(STORE, mode).objectStore(STORE));
    return await new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } catch (error) {
    console.warn("Uploads cannot be stored:", error);
    return undefined;
  }
}

const keep = (upload) => stored("readwrite", (store) => store.put(upload.record));

async function forget(upload) {
  uploads.delete(upload.id);
  await stored("readwrite", (store) => store.delete(upload.id));
  changed();
}

/** Load what an earlier page left, or another tab is sending. */
export async function restoreUploads() {
  const held = new Set((await navigator.locks?.query())?.held.map(({ name }) => name));
  for (const record of await stored("readonly", (store) => store.getAll()) ?? []) {
    if (uploads.has(record.id)) continue;
    const isElsewhere = held.has(`upload ${record.id}`);
    const upload = new Upload(record, isElsewhere ? "elsewhere" : "detached");
    uploads.set(record.id, upload);
    if (isElsewhere) locked(upload, () => takeOver(upload));
    else ask(upload);
  }
  changed();
}

/** Find out how much of an interrupted upload has arrived; without an answer, that is done when it goes on. */
async function ask(upload) {
  try {
    upload.sent = await exchange(upload, null, new AbortController().signal);
    if (upload.sent === upload.size) await forget(upload);
  } catch (problem) {
    if (problem.isFinal) Object.assign(upload, { problem, state: "failed" });
  }
  changed();
}

/** The other tab has finished the upload, or was closed in the middle of it. */
async function takeOver(upload) {
  const record = await stored("readonly", (store) => store.get(upload.id));
  if (record) {
    Object.assign(upload, record, { state: "detached" });
    await ask(upload);
  } else {
    uploads.delete(upload.id);
    changed();
  }
}

addEventListener("beforeunload", (event) => {
  if (isSending()) event.preventDefault();
});

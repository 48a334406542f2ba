/**
 * Live jobs behind one function: by Firestore's listeners where a deployment has Firebase, and by server-sent events, which
 * every place has, everywhere else and where Firestore cannot be reached or refuses.
 */

import { call } from "./api.js";
import { events } from "./event-stream.js";

const ENDED = ["done", "failed", "cancelled"];
const DATASET_ENDED = ["completed", "failed", "cancelled"];
const FIRST_WAIT_MS = 500;
const FIRST_STATE_MS = 4000;
const LONGEST_WAIT_MS = 15_000;

let firestore = null; // {projectId, apiKey, database, emulator}

/** Use Firestore from now on, if the server's capabilities contain its configuration. */
export function useFirestore(config) {
  firestore = config ?? null;
}

export const hasEnded = (job) => ENDED.includes(job.status);

/**
 * Call `show` with the job now and after each change, until it has ended; returns what stops that.
 * @param {(problem: Error|null) => void} report gets what interrupts the connection, and null once it is back. After a
 *   problem that `isFinal`, nothing more comes.
 */
export function watchJob(id, show, report) {
  return watch(`v1/jobs/${encodeURIComponent(id)}/events`, hasEnded, show, report, id);
}

/** The same for a dataset, always by server-sent events. */
export function watchDataset(id, show, report) {
  return watch(`v1/datasets/${encodeURIComponent(id)}/events`, ({ status }) => DATASET_ENDED.includes(status), show, report);
}

/** @param {string} [jobId] the job, which Firestore can be listened to for */
function watch(path, isOver, show, report, jobId) {
  const stop = new AbortController();
  let events = null;
  const byEvents = () => {
    if (events || stop.signal.aborted) return;
    events = new AbortController();
    const { signal } = events;
    stop.signal.addEventListener("abort", () => events?.abort());
    follow(path, isOver, show, report, signal).catch((error) => {
      if (!signal.aborted) report(error);
    });
  };
  if (firestore && jobId) byFirestore();
  else byEvents();
  return () => stop.abort();

  async function byFirestore() {
    // Where a network blocks it, the SDK tries for good and says nothing.
    const timer = setTimeout(byEvents, FIRST_STATE_MS);
    try {
      await listenToJob(jobId, (job) => {
        clearTimeout(timer);
        events?.abort();
        events = null;
        report(null);
        show(job);
      }, stop.signal);
    } catch (error) {
      console.warn("Firestore cannot be listened to:", error.message);
      byEvents();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Listen until the job has ended or `signal` aborts; throws where Firestore refuses. */
async function listenToJob(id, show, signal) {
  const { listen, userOf } = await import("./firestore.js");
  if (!userOf(firestore)) throw new Error("the user is unknown");
  let stop;
  await new Promise((resolve, reject) => {
    signal.addEventListener("abort", resolve);
    stop = listen(firestore, `jobs/${id}`, (job) => {
      if (!signal.aborted) show(job);
      if (hasEnded(job)) resolve();
    }, reject);
  }).finally(() => stop?.());
}

async function follow(path, isOver, show, report, signal) {
  let last = "";
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const answer = await call(path, { signal, headers });
      if (answer.status === 204) return;
      report(null);
      for await (const event of events(answer.body)) {
        last = event.id || last;
        wait = FIRST_WAIT_MS;
        const document = JSON.parse(event.data);
        if (!signal.aborted) show(document);
        if (isOver(document)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.isFinal) throw error;
      report(error);
      wait = Math.max(wait, error.waitMs ?? 0);
    }
    await pause(wait, signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/** Wait; being online again or an end shortens it. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal?.addEventListener("abort", done);
  });
}

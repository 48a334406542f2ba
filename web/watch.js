/**
 * Live jobs behind one function: by Firestore's listeners where a deployment has Firebase, and by server-sent events, which
 * every place has, everywhere else and where Firestore cannot be reached or refuses.
 */

import { call } from "./api.js";
import { events } from "./event-stream.js";

const ENDED = ["done", "failed", "cancelled"];
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
  const stop = new AbortController();
  let events = null;
  const byEvents = () => {
    if (events || stop.signal.aborted) return;
    events = new AbortController();
    const { signal } = events;
    stop.signal.addEventListener("abort", () => events?.abort());
    follow(id, show, report, signal).catch((error) => {
      if (!signal.aborted) report(error);
    });
  };
  if (firestore) byFirestore();
  else byEvents();
  return () => stop.abort();

  async function byFirestore() {
    // Where a network blocks it, the SDK tries for good and says nothing.
    const timer = setTimeout(byEvents, FIRST_STATE_MS);
    try {
      await listenToJob(id, (job) => {
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

async function follow(id, show, report, signal) {
  let last = "";
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const answer = await call(`v1/jobs/${encodeURIComponent(id)}/events`, { signal, headers });
      if (answer.status === 204) return;
      report(null);
      for await (const event of events(answer.body)) {
        last = event.id || last;
        wait = FIRST_WAIT_MS;
        const job = JSON.parse(event.data);
        if (!signal.aborted) show(job);
        if (hasEnded(job)) return;
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

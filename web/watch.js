/**
 * Live jobs behind one function. This is the implementation by server-sent events, which every place has.
 * Firestore's `onSnapshot` can take its place where a deployment has Firebase: same arguments, same behaviour.
 */

import { call } from "./api.js";
import { events } from "./event-stream.js";

const ENDED = ["done", "failed", "cancelled"];
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export const hasEnded = (job) => ENDED.includes(job.status);

/**
 * Call `show` with the job now and after each change, until it has ended; returns what stops that.
 * @param {(problem: Error|null) => void} report gets what interrupts the connection, and null once it is back. After a
 *   problem that `isFinal`, nothing more comes.
 */
export function watchJob(id, show, report) {
  const stop = new AbortController();
  follow(id, show, report, stop.signal).catch((error) => {
    if (!stop.signal.aborted) report(error);
  });
  return () => stop.abort();
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

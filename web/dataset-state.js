/** The state of a dataset, live, and its badge. */

import { html, useEffect, useState } from "./html.js";
import { t } from "./texts.js";
import { watchDataset } from "./watch.js";

const BADGES = { pending: "queued", running: "running", completed: "done", failed: "failed", cancelled: "cancelled" };

/** `pending`, `running`, `completed`, `empty`, `failed` or `cancelled`; one that found no image is not simply completed. */
export const stateOfDataset = ({ status, progress }) =>
  (status === "completed" && !progress.images.downloaded ? "empty" : status);

export function DatasetBadge({ dataset }) {
  const state = stateOfDataset(dataset);
  return html`<span class=${`badge ${BADGES[state] ?? state}`}>${t(`dataset.state.${state}`)}</span>`;
}

/** A dataset, live: `{dataset, problem}`. Another `round` watches it again, as after a start. */
export function useDataset(id, round) {
  const [state, setState] = useState({ dataset: null, problem: null });
  useEffect(() => watchDataset(
    id,
    (dataset) => setState({ dataset, problem: null }),
    (problem) => setState((old) => ({ ...old, problem })),
  ), [id, round]);
  return state;
}

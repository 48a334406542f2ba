/** What a page reads again and again while it is open. */

import { useEffect, useState } from "./html.js";

/**
 * What `load` gives, again every `ms` while the tab is visible, and at once when `keys` change:
 * `{value, problem, isStale, reload}`. A failed round keeps what is there; `isStale` while it belongs to other keys.
 */
export function usePolled(load, keys, ms) {
  const [state, setState] = useState({});
  const [round, setRound] = useState(0);
  const key = JSON.stringify(keys);
  useEffect(() => {
    let isCurrent = true;
    const refresh = async () => {
      if (document.hidden) return;
      try {
        const value = await load();
        if (isCurrent) setState({ value, key });
      } catch (problem) {
        if (isCurrent) setState((old) => ({ ...old, problem }));
      }
    };
    refresh();
    const timer = setInterval(refresh, ms);
    document.addEventListener("visibilitychange", refresh);
    return () => {
      isCurrent = false;
      clearInterval(timer);
      document.removeEventListener("visibilitychange", refresh);
    };
  }, [key, round, ms]);
  return { ...state, isStale: state.key !== key, reload: () => setRound(round + 1) };
}

/** One drawing for each kind of result, in the colour of the text around it. */

import { html } from "./html.js";

const PATHS = {
  recipe: "M7 3v7a2.500 2.500 0 0 0 5 0V3M9.500 3v18M17 21v-7h-2.500V7c0-2.500 1.500-4 2.500-4z",
  summary: "M5 6h14M5 11h14M5 16h8",
  transcript: "M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12h5",
  reel: "M4 5h16v14H4zM4 9.500h16M9 5 7 9.500M14.500 5l-2 4.500M10 12.500v4l3.500-2z",
  metadata: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 7.500v.5",
};

export const KindIcon = ({ kind }) => html`
  <svg class="kind-icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
    stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"><path d=${PATHS[kind] ?? PATHS.metadata} /></svg>`;

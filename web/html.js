/** Templates and hooks, from one place, so that pages import no library by its name. */

import { Fragment, h, render } from "preact";
import htm from "htm";

export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export { Fragment, render };

/** Make elements of a template: html`<p>${text}</p>`. Values are text or elements, never markup. */
export const html = htm.bind(h);

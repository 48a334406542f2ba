/** A list whose items are put in order by dragging, with arrow keys, or with buttons; each move is read out. */

import { announce } from "./components.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { t } from "./texts.js";

const KEYS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

const moved = (items, from, to) => items.toSpliced(from, 1).toSpliced(to, 0, items[from]);

/**
 * @param items `{id}` each; `nameOf` gives what is read out.
 * @param save is called with the ids in their new order once a move has ended.
 * @param children gives what an item shows, and `end` what stands behind the buttons.
 */
export function SortableList({ items, nameOf, save, label, end, children }) {
  const [order, setOrder] = useState(items);
  const [dragged, setDragged] = useState(null);
  const list = useRef();
  const focus = useRef(null);
  useEffect(() => setOrder(items), [items]);
  useLayoutEffect(() => {
    if (focus.current) list.current.querySelector(`[data-handle="${focus.current}"]`)?.focus();
    focus.current = null;
  });

  const read = (item, at) => announce(t("sort.moved", { name: nameOf(item), at: at + 1, count: order.length }));
  const move = (from, by) => {
    const to = Math.min(Math.max(from + by, 0), order.length - 1);
    const item = order[from];
    if (to === from) return read(item, to);
    const next = moved(order, from, to);
    focus.current = item.id; // the element moves in the document, which takes the focus from it
    setOrder(next);
    read(item, to);
    return save(next.map(({ id }) => id));
  };
  const onKey = (event, at) => {
    const by = KEYS[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move(at, by);
  };

  /** The row at this height, where the dragged one would be put; -1 for none. */
  const rowAt = (y) => [...list.current.children].findIndex((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return y >= top && y < bottom;
  });
  const grab = (event, id) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragged({ id, before: order });
  };
  const drag = (event) => {
    if (!dragged) return;
    const from = order.findIndex(({ id }) => id === dragged.id);
    const to = rowAt(event.clientY);
    if (to >= 0 && to !== from) setOrder(moved(order, from, to));
  };
  const drop = () => {
    if (!dragged) return;
    const { id, before } = dragged;
    setDragged(null);
    const at = order.findIndex((item) => item.id === id);
    if (before[at]?.id === id) return;
    read(order[at], at);
    save(order.map((item) => item.id));
  };
  const giveUp = () => {
    if (dragged) setOrder(dragged.before);
    setDragged(null);
  };
  return html`
    <p id="sort-help" class="unseen">${t("sort.help")}</p>
    <ol class="sortable" ref=${list} aria-label=${label}>
      ${order.map((item, at) => html`
        <li key=${item.id} class=${dragged?.id === item.id ? "dragged" : ""}>
          <button type="button" class="handle" data-handle=${item.id} aria-describedby="sort-help"
            aria-label=${t("sort.handle", { name: nameOf(item), at: at + 1, count: order.length })}
            onKeyDown=${(event) => onKey(event, at)} onPointerDown=${(event) => grab(event, item.id)}
            onPointerMove=${drag} onPointerUp=${drop} onPointerCancel=${giveUp}><span aria-hidden="true">⠿</span></button>
          ${children(item, at)}
          <span class="sort-buttons">
            <button type="button" class="quiet" disabled=${at === 0} aria-label=${t("sort.up", { name: nameOf(item) })} onClick=${() => move(at, -1)}>↑</button>
            <button type="button" class="quiet" disabled=${at === order.length - 1} aria-label=${t("sort.down", { name: nameOf(item) })} onClick=${() => move(at, 1)}>↓</button>
          </span>
          ${end(item)}
        </li>`)}
    </ol>`;
}

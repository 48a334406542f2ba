/** Addresses behind `#`: they work from any static host and below any path, and no server log sees what is in them. */

const routes = [];

/**
 * Add a page.
 * @param {string} path such as `jobs/:id`; "" is the start page.
 * @param {() => Promise<{default: Function}>} load imports the page's module, whose default export is a component.
 * @param {boolean} isOpen whether it is for people who have not signed in, too.
 */
export function addRoute(path, load, isOpen = false) {
  routes.push({ parts: path.split("/"), load, isOpen });
}

/** The route of the present address: `{load, params, query, address}`; `load` is undefined for an unknown one. */
export function currentRoute() {
  const address = location.hash.replace(/^#\/?/, "");
  const [path, search = ""] = address.split("?", 2);
  const parts = path.replace(/\/$/, "").split("/");
  const query = Object.fromEntries(new URLSearchParams(search));
  for (const route of routes) {
    const params = match(route.parts, parts);
    if (params) return { load: route.load, isOpen: route.isOpen, params, query, address };
  }
  return { params: {}, query, address };
}

function match(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [index, part] of pattern.entries()) {
    if (!part.startsWith(":")) {
      if (part !== parts[index]) return null;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(parts[index]);
    } catch {
      return null;
    }
  }
  return params;
}

/** The address of a page, for `href`. */
export function link(path, query = {}) {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** Go to a page; `replace` leaves the present address out of the history. */
export function go(path, { query, replace = false } = {}) {
  if (replace) location.replace(link(path, query));
  else location.hash = link(path, query);
}

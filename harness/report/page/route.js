/**
 * Where the reader is, kept in the address so that links and "back" work: #case=NAME, #view=grid&rows=..., #q=...
 * @typedef {{view: "cases" | "grid" | "bench" | "worlds" | "case", name: string | null, params: URLSearchParams}} Route
 */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const name = params.get("case");
  if (name !== null) return { view: "case", name, params };
  const view = params.get("view");
  return { view: ["grid", "bench", "worlds"].includes(view) ? view : "cases", name: null, params };
}

/** The address of a case. @param {string} name @param {Record<string, string>} [more] */
export function caseHash(name, more = {}) {
  return "#" + new URLSearchParams({ case: name, ...more });
}

/** Writes a setting of the view into the address without a step of history. @param {Record<string, string>} settings */
export function remember(settings) {
  const params = new URLSearchParams(location.hash.replace(/^#/, ""));
  for (const [name, value] of Object.entries(settings)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  const text = params.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

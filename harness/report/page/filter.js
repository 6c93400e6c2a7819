/**
 * Which cases are shown, and in which order. Pure.
 * @typedef {{q: string, verdicts: string[], path: string, oracle: string, tag: string, sort: string,
 *   at: Record<string, string>}} Filter at: values of matrix axes, by the axis
 */
import { VERDICTS } from "./words.js";

const AXIS = "at."; // before an axis's name in an address

/** Where the list of all cases with these values of matrix axes is. @param {Record<string, string>} values */
export function listOf(values) {
  return "#" + new URLSearchParams(Object.entries(values).map(([axis, value]) => [AXIS + axis, value]));
}

const ORDER = Object.keys(VERDICTS);

/** How a list may be sorted; each is a function that compares two rows. */
export const SORTS = {
  verdict: { name: "Verdict, worst first", compare: (a, b) => rank(a) - rank(b) || byName(a, b) },
  name: { name: "Name", compare: byName },
  slow: { name: "Time to connect, longest first", compare: (a, b) => reach(b) - reach(a) || byName(a, b) },
  fast: { name: "Time to connect, shortest first", compare: (a, b) => reach(a) - reach(b) || byName(a, b) },
};

/** Without a connection: behind all others either way. */
const NEVER = Number.MAX_SAFE_INTEGER;

function byName(a, b) {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

function rank(row) {
  const at = ORDER.indexOf(row.verdict);
  return at < 0 ? -1 : at;
}

function reach(row) {
  return row.connected_ns ?? NEVER;
}

/** @param {URLSearchParams} params @returns {Filter} */
export function filterOf(params) {
  const sort = params.get("sort");
  return {
    q: params.get("q") ?? "",
    verdicts: (params.get("verdict") ?? "").split(",").filter(Boolean),
    path: params.get("path") ?? "",
    oracle: params.get("oracle") ?? "",
    tag: params.get("tag") ?? "",
    sort: Object.hasOwn(SORTS, sort ?? "") ? sort : "verdict",
    at: Object.fromEntries([...params].filter(([name]) => name.startsWith(AXIS)).map(([name, value]) => [name.slice(AXIS.length), value])),
  };
}

/** The other way round; what is as it is without asking is empty. @param {Filter} filter */
export function settingsOf(filter) {
  return {
    q: filter.q, verdict: filter.verdicts.join(","), path: filter.path, oracle: filter.oracle, tag: filter.tag,
    sort: filter.sort === "verdict" ? "" : filter.sort,
    ...Object.fromEntries(Object.entries(filter.at).map(([axis, value]) => [AXIS + axis, value])),
  };
}

/** What a search looks at, made once a row. @type {WeakMap<object, string>} */
const texts = new WeakMap();

function textOf(row) {
  let text = texts.get(row);
  if (text === undefined) {
    text = [row.name, row.about, ...row.tags, ...row.failed].join("\n").toLowerCase();
    texts.set(row, text);
  }
  return text;
}

/**
 * Rows that pass everything; every word of the search must be somewhere.
 * @param {import("./data.js").Row[]} rows @param {Filter} filter
 */
export function select(rows, filter) {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const verdicts = new Set(filter.verdicts);
  return rows
    .filter((row) => (verdicts.size === 0 || verdicts.has(row.verdict))
      && (!filter.path || (row.path ?? "unknown") === filter.path)
      && (!filter.oracle || (row.oracle ?? "unknown") === filter.oracle)
      && (!filter.tag || row.tags.includes(filter.tag))
      && Object.entries(filter.at).every(([axis, value]) => !value || row.matrix[axis] === value)
      && words.every((one) => textOf(row).includes(one)))
    .sort(SORTS[filter.sort].compare);
}

/** Every value that rows have, in order, with how often. @param {object[]} rows @param {(row) => string[]} values */
export function tally(rows, values) {
  const counts = new Map();
  for (const row of rows) {
    for (const value of values(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

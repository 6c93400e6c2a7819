/**
 * The matrix as a table. Pure.
 * @typedef {{rows: string, cols: string | null, fixed: Record<string, string>, others: string[]}} Layout which axis goes
 *   where; further ones by value; others: what can be columns for these rows
 * @typedef {{cases: object[], path: string | null, verdict: string, mixed: boolean}} Cell
 */
import { VERDICTS } from "./words.js";

const WORST = Object.keys(VERDICTS);

/** The values of an axis, in the order in which the cases bring them. @param {object[]} cases @param {string} axis */
export function valuesOf(cases, axis) {
  return [...new Set(cases.map((row) => row.matrix[axis]).filter((value) => value !== undefined))];
}

/** Whether any case has values of all these axes: a report may hold several matrices with axes of their own. */
function together(cases, ...axes) {
  return cases.some((row) => axes.every((axis) => row.matrix[axis] !== undefined));
}

/** The two axes with most values as rows and columns, unless others were asked for; others where they say something. */
export function layoutOf(axes, cases, params) {
  const bySize = axes.map((axis, at) => ({ axis, at, n: valuesOf(cases, axis).length }))
    .sort((a, b) => b.n - a.n || a.at - b.at).map(({ axis }) => axis);
  const mate = (axis) => bySize.find((other) => other !== axis && together(cases, axis, other)) ?? null;
  const pair = [bySize[0], mate(bySize[0])].filter(Boolean).sort((a, b) => axes.indexOf(a) - axes.indexOf(b));
  const asked = (name) => (axes.includes(params.get(name)) ? params.get(name) : null);
  const rows = asked("rows") ?? pair.find((axis) => axis !== asked("cols")) ?? axes[0];
  const fit = (axis) => axis !== null && axis !== undefined && axis !== rows && together(cases, rows, axis);
  const cols = [asked("cols"), ...pair].find(fit) ?? mate(rows);
  const fixed = {};
  for (const axis of axes) {
    if (axis !== rows && axis !== cols && together(cases, ...[rows, cols, axis].filter(Boolean))) {
      const value = params.get(`at.${axis}`) ?? "";
      fixed[axis] = valuesOf(cases, axis).includes(value) ? value : "";
    }
  }
  const others = axes.filter(fit);
  return { rows, cols, fixed, others };
}

/** What a cell with these cases shows: the worst verdict, the path if they share one. @returns {Cell} */
export function cellOf(cases) {
  const paths = [...new Set(cases.map((row) => row.path))];
  const verdict = cases.map((row) => row.verdict).sort((a, b) => WORST.indexOf(a) - WORST.indexOf(b))[0];
  return { cases, path: paths.length === 1 ? paths[0] : null, verdict, mixed: paths.length > 1 };
}

/**
 * @param {object[]} cases @param {Layout} layout
 * @returns {{rows: string[], cols: string[], cells: (Cell | null)[][], shown: number}}
 */
export function tableOf(cases, layout) {
  const within = cases.filter((row) => row.matrix[layout.rows] !== undefined
    && (layout.cols === null || row.matrix[layout.cols] !== undefined)
    && Object.entries(layout.fixed).every(([axis, value]) => !value || row.matrix[axis] === value));
  const rows = valuesOf(within, layout.rows);
  const cols = layout.cols === null ? [""] : valuesOf(within, layout.cols);
  const places = new Map();
  for (const row of within) {
    const key = JSON.stringify([row.matrix[layout.rows], layout.cols === null ? "" : row.matrix[layout.cols]]);
    if (!places.has(key)) places.set(key, []);
    places.get(key).push(row);
  }
  const cells = rows.map((r) => cols.map((c) => {
    const found = places.get(JSON.stringify([r, c]));
    return found ? cellOf(found) : null;
  }));
  return { rows, cols, cells, shown: within.length };
}

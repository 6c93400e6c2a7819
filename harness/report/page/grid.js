/** The matrix view: one cell a combination, coloured and lettered by its path, marked where the verdict is bad. */
import { busy, el, put } from "./dom.js";
import { listOf, tally } from "./filter.js";
import { duration, plural } from "./format.js";
import { layoutOf, tableOf, valuesOf } from "./grid_model.js";
import { caseHash, remember } from "./route.js";
import { ORACLE, PATHS, VERDICTS, className, isBad, pathChip, verdictMark, word } from "./words.js";

function choice(label, name, options, value, change) {
  const select = el("select", { name, onchange: (event) => change(event.target.value) },
    options.map(([key, text]) => el("option", { value: key }, text)));
  select.value = value;
  return el("label.choice", {}, el("span.label", {}, label), select);
}

const STRIPS = 6; // cases of one cell that are told apart by a strip each

function describe(cell, r, c) {
  const kinds = tally(cell.cases, (row) => [row.path]).map(([kind, n]) =>
    `${cell.mixed ? `${n} ` : ""}${word(PATHS, kind).name.toLowerCase()}`).join(", ");
  const several = cell.cases.length > 1 ? `${cell.cases.length} cases, ` : "";
  return `${r}${c ? ` with ${c}` : ""}: ${several}${kinds}, ${word(VERDICTS, cell.verdict).name.toLowerCase()}`;
}

function cellElement(cell, r, c, layout) {
  if (cell === null) return el("td.hole", { "aria-label": `${r} with ${c}: not run` });
  const one = cell.cases.length === 1;
  const odd = ["disagrees", "shortfall"].find((kind) => cell.cases.some((row) => row.oracle === kind));
  const link = el(`a.cell.p-${cell.mixed ? "mixed" : className(PATHS, cell.path)}${isBad(cell.verdict) ? ".bad" : ""}${
    odd ? `.o-${odd}` : ""}`, {
    href: one ? caseHash(cell.cases[0].name) : sharedOf(r, c, layout),
    "aria-label": describe(cell, r, c), tabindex: "-1",
  }, isBad(cell.verdict) ? word(VERDICTS, cell.verdict).glyph
    : !cell.mixed ? word(PATHS, cell.path).glyph
      : cell.cases.length > STRIPS ? String(cell.cases.length)
        : cell.cases.map((row) => el(`i.p-${className(PATHS, row.path)}`)));
  if (cell.mixed && cell.cases.length <= STRIPS && !isBad(cell.verdict)) link.classList.add("strips");
  return el("td", {}, link);
}

/** The values of axes that all cases of a cell have: a list of just these. */
function sharedOf(r, c, layout) {
  const fixed = Object.entries(layout.fixed).filter(([, value]) => value);
  return listOf(Object.fromEntries([[layout.rows, r], ...(layout.cols === null ? [] : [[layout.cols, c]]), ...fixed]));
}

function readoutOf(cell, r, c, layout) {
  if (!cell) return el("p.readout", {}, "Point at a cell, or move through the grid with the arrow keys; Enter opens it.");
  const first = cell.cases[0];
  const line = el("p.readout", {}, verdictMark(cell.verdict), " ",
    el("span", {}, el("span.axis", {}, `${layout.rows} `), el("b", {}, r)),
    c && el("span", {}, el("span.axis", {}, `${layout.cols} `), el("b", {}, c)));
  if (cell.cases.length > 1) {
    const open = Object.keys(layout.fixed).filter((axis) => !layout.fixed[axis]);
    for (const row of cell.cases.slice(0, STRIPS)) {
      line.append(el("span", {}, el("span.axis", {}, `${open.map((axis) => row.matrix[axis]).join(", ")} `), pathChip(row.path)));
    }
    if (cell.cases.length > STRIPS) line.append(plural(cell.cases.length, "case"));
    return line;
  }
  line.append(pathChip(first.path) ?? "", first.types ? el("span.types", {}, first.types) : "",
    first.connected_ns !== null ? el("span", {}, `in ${duration(first.connected_ns)}`) : "",
    first.oracle ? el("span", {}, `prediction ${word(ORACLE, first.oracle).name}`) : "");
  if (first.failed.length) line.append(el("span.failed-text", {}, first.failed.join("; ")));
  return line;
}

/** Arrow keys move the one cell that can be reached with Tab. */
function walk(table, event) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const td = event.target.closest("td");
  if (!td || (!step && event.key !== "Home" && event.key !== "End")) return;
  event.preventDefault();
  const rows = [...table.tBodies[0].rows];
  let y = rows.indexOf(td.parentElement);
  let x = td.cellIndex;
  const last = rows[0].cells.length - 1;
  if (!step) x = event.key === "Home" ? 0 : last + 1;
  const [dy, dx] = step ?? [0, event.key === "Home" ? 1 : -1];
  for (;;) {
    y += dy;
    x += dx;
    const cell = y >= 0 && y < rows.length && x > 0 && x <= last ? rows[y].cells[x] : null;
    if (!cell) return;
    const link = cell.querySelector("a");
    if (link) {
      table.querySelector("a[tabindex='0']")?.setAttribute("tabindex", "-1");
      link.setAttribute("tabindex", "0");
      link.focus();
      return;
    }
  }
}

function legend() {
  return el("ul.legend", { "aria-label": "Legend" },
    Object.entries(PATHS).map(([key, of]) => el("li", {}, el(`span.cell.p-${key}`, { "aria-hidden": "true" }, of.glyph), of.name)),
    el("li", {}, el("span.cell.p-mixed.strips", { "aria-hidden": "true" }, el("i.p-direct"), el("i.p-relay")), "Several, a strip each"),
    el("li", {}, el("span.cell.p-direct.bad", { "aria-hidden": "true" }, VERDICTS.fail.glyph), "Needs a look"),
    el("li", {}, el("span.cell.p-direct.o-shortfall", { "aria-hidden": "true" }, PATHS.direct.glyph), "Other than predicted"));
}

/**
 * @param {HTMLElement} main @param {import("./data.js").Index} index @param {URLSearchParams} params
 */
export function showGrid(main, index, params) {
  const cases = index.cases.filter((row) => Object.keys(row.matrix).length > 0);
  const place = el("div.grid-place");
  const readout = el("div", { "aria-live": "polite" });
  const controls = el("form.filters", { onsubmit: (event) => event.preventDefault() });
  const settings = new URLSearchParams(params);

  function set(name, value) {
    settings.set(name, value);
    remember({ [name]: value });
    busy(Promise.resolve().then(draw));
  }

  function draw() {
    const layout = layoutOf(index.axes, cases, settings);
    const { rows, cols, cells, shown } = tableOf(cases, layout);
    const axes = index.axes.map((axis) => [axis, axis]);
    put(controls, choice("Rows", "rows", axes, layout.rows, (value) => {
      if (value === layout.cols) settings.set("cols", layout.rows);
      set("rows", value);
    }), layout.others.length > 0 && choice("Columns", "cols", layout.others.map((axis) => [axis, axis]), layout.cols, (value) => {
      if (value === layout.rows) settings.set("rows", layout.cols);
      set("cols", value);
    }), Object.entries(layout.fixed).map(([axis, value]) => choice(axis, `at.${axis}`,
      [["", "all"], ...valuesOf(cases, axis).map((one) => [one, one])], value, (next) => set(`at.${axis}`, next))));

    const table = el("table.grid", { "aria-label": `${layout.rows} by ${layout.cols ?? "result"}: ${plural(shown, "case")}` },
      el("thead", {}, el("tr", {}, el("td.corner", {}, el("span", {}, layout.cols ?? ""), el("span", {}, layout.rows)),
        cols.map((c) => el("th", { scope: "col" }, el("span", {}, c || "result"))))),
      el("tbody", {}, rows.map((r, y) => el("tr", {}, el("th", { scope: "row" }, r),
        cols.map((c, x) => cellElement(cells[y][x], r, c, layout))))));
    table.querySelector("a")?.setAttribute("tabindex", "0");
    const tell = (event) => {
      const td = event.target.closest?.("td");
      if (!td || td.classList.contains("corner")) return;
      const y = td.parentElement.sectionRowIndex;
      const x = td.cellIndex - 1;
      put(readout, readoutOf(cells[y]?.[x] ?? null, rows[y], cols[x], layout));
      for (const lit of table.querySelectorAll("th.lit")) lit.classList.remove("lit");
      td.parentElement.cells[0].classList.add("lit");
      table.tHead.rows[0].cells[x + 1].classList.add("lit");
    };
    table.addEventListener("pointerover", tell);
    table.addEventListener("focusin", tell);
    table.addEventListener("keydown", (event) => walk(table, event));
    put(place, table);
    put(readout, readoutOf(null));
    put(head, el("h1", {}, "Matrix"), el("p.found", {}, `${plural(shown, "case")} in ${plural(rows.length * cols.length, "cell")}`));
  }

  const head = el("div.view-head");
  put(main, head, controls, legend(), readout, el("div.scroll", { tabindex: "-1" }, place));
  draw();
  return () => {};
}

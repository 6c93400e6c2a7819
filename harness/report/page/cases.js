/** The list of all cases, with filters. Rows are made in slices, so that thousands of them do not hold up the page. */
import { announce, busy, el, put } from "./dom.js";
import { SORTS, filterOf, select, settingsOf, tally } from "./filter.js";
import { duration, plural } from "./format.js";
import { caseHash, remember } from "./route.js";
import { summary } from "./summary.js";
import { ORACLE, PATHS, className, isBad, pathChip, verdictMark, word } from "./words.js";

const FIRST = 60; // rows made at once
const SLICE = 400; // rows a frame after that

/** "media/" and "loss" and "[loss=1%]". @param {string} name */
export function nameParts(name) {
  const bracket = name.indexOf("[");
  const stem = bracket < 0 ? name : name.slice(0, bracket);
  const slash = stem.lastIndexOf("/") + 1;
  return [stem.slice(0, slash), stem.slice(slash), bracket < 0 ? "" : name.slice(bracket)];
}

/** @param {string} name */
export function caseName(name) {
  const [folder, stem, label] = nameParts(name);
  return el("span.case-name", {}, folder && el("span.folder", {}, folder), el("b", {}, stem),
    label && el("span.case-label", {}, label));
}

/** @param {import("./data.js").Row} row */
function rowElement(row) {
  const oracle = row.oracle && word(ORACLE, row.oracle);
  const second = isBad(row.verdict) && row.failed.length
    ? el("span.failed-text", {}, row.failed.join("  ·  ")) : row.about && el("span.about", {}, row.about);
  return el("li", {}, el("a.case-row", { href: caseHash(row.name) },
    verdictMark(row.verdict),
    el("span.what", {}, caseName(row.name), second),
    el("span.how", {}, pathChip(row.path), row.types && el("span.types", {}, row.types)),
    el("span.when", {}, row.connected_ns === null ? "" : duration(row.connected_ns)),
    el(`span.said.o-${className(ORACLE, row.oracle)}`, oracle ? { title: `Prediction: ${oracle.tells}` } : {},
      oracle ? [el("span.glyph", { "aria-hidden": "true" }, oracle.glyph), " ", oracle.name] : "")));
}

function choice(label, name, options, value, change) {
  const select_ = el("select", { name, "aria-label": label, onchange: (event) => change(event.target.value) },
    options.map(([key, text]) => el("option", { value: key }, text)));
  select_.value = value;
  return el("label.choice", {}, el("span.label", {}, label), select_);
}

function options(rows, values, names) {
  return [["", "any"], ...tally(rows, values).map(([key, n]) => [key, `${names ? word(names, key).name : key} (${n})`])];
}

/**
 * Draws the list into `main`. Returns what must be undone when it is left.
 * @param {HTMLElement} main @param {import("./data.js").Index} index @param {URLSearchParams} params
 */
export function showCases(main, index, params) {
  const filter = filterOf(params);
  /** @type {Map<object, HTMLElement>} */
  const made = new Map();
  let run = 0;
  const head = summary(index, (verdict) => {
    const at = filter.verdicts.indexOf(verdict);
    if (at < 0) filter.verdicts.push(verdict);
    else filter.verdicts.splice(at, 1);
    update();
  });
  const list = el("ul.case-list", { "aria-label": "Cases" });
  const found = el("p.found", {});
  const search = el("input", {
    type: "search", name: "q", placeholder: "Name, text or tag", autocomplete: "off", spellcheck: "false",
    "aria-label": "Search cases", value: filter.q, oninput: (event) => { filter.q = event.target.value; update(); },
  });
  const set = (name) => (value) => { filter[name] = value; update(); };
  const rows = index.cases;
  const tags = tally(rows, (row) => row.tags);
  const bar = el("form.filters", { role: "search", onsubmit: (event) => event.preventDefault() },
    el("label.choice.search", {}, el("span.label", {}, "Search"), search),
    choice("Path", "path", options(rows, (row) => [row.path ?? "unknown"], PATHS), filter.path, set("path")),
    choice("Prediction", "oracle", options(rows, (row) => [row.oracle ?? "unknown"], ORACLE), filter.oracle, set("oracle")),
    tags.length > 0 && choice("Tag", "tag", options(rows, (row) => row.tags), filter.tag, set("tag")),
    choice("Order", "sort", Object.entries(SORTS).map(([key, of]) => [key, of.name]), filter.sort, set("sort")));

  /** Values of matrix axes that a link asked for; each can be taken out. */
  const axes = el("div.axes", { role: "group", "aria-label": "Only these of the matrix" });
  function drawAxes() {
    put(axes, Object.entries(filter.at).filter(([, value]) => value).map(([axis, value]) => el("button.chip", {
      type: "button", "aria-label": `Not only ${axis} ${value}`, onclick: () => { filter.at[axis] = ""; update(); search.focus(); },
    }, el("span.axis", {}, axis), value, el("span", { "aria-hidden": "true" }, "✕"))));
  }

  const element = (row) => {
    if (!made.has(row)) made.set(row, rowElement(row));
    return made.get(row);
  };

  async function fill(shown) {
    const mine = ++run;
    put(list, shown.slice(0, FIRST).map(element));
    for (let at = FIRST; at < shown.length; at += SLICE) {
      await new Promise((next) => setTimeout(next));
      if (mine !== run) return;
      list.append(...shown.slice(at, at + SLICE).map(element));
    }
  }

  function update() {
    const shown = select(rows, filter);
    remember(settingsOf(filter));
    drawAxes();
    for (const chip of head.querySelectorAll("[data-verdict]")) {
      chip.setAttribute("aria-pressed", String(filter.verdicts.includes(chip.dataset.verdict)));
    }
    const text = shown.length === rows.length ? plural(rows.length, "case")
      : `${shown.length} of ${plural(rows.length, "case")}`;
    put(found, text);
    announce(text);
    if (shown.length === 0) {
      run++;
      put(list, el("li.empty", {}, "No case passes these filters."));
    } else {
      busy(fill(shown));
    }
  }

  put(main, head, bar, axes, found, list);
  update();
  return () => { run++; };
}

/** Two worlds side by side: what `hairpin agree` compared of each case, and where the live run says otherwise. */
import { el, put } from "./dom.js";
import { duration, plural } from "./format.js";
import { caseHash } from "./route.js";
import { table } from "./tables.js";

/** In the order in which they want to be read. */
const OUTCOMES = [
  ["differs", "Differs"],
  ["invalid", "Invalid: the machine was too slow"],
  ["agrees", "Agrees"],
  ["left-out", "Left out"],
];

/** How far apart, and how far that may be. @param {object} item */
function apart(item) {
  if (item.apart_ns === null) return item.differs ? "differs" : "";
  return `${duration(item.apart_ns)} of ${duration(item.bound_ns)}`;
}

function caseView(one, shown) {
  const name = shown.has(one.case) ? el("a", { href: caseHash(one.case) }, one.case) : one.case;
  const rows = [...one.items].sort((a, b) => Number(b.differs) - Number(a.differs));
  return el("section.part.worlds-case", {}, el("h3", {}, name),
    one.why && el("p.metric-note", {}, one.why),
    one.repeated && el("p.metric-note", {}, "The first live run was invalid; this is a second one, made alone."),
    rows.length > 0 && el("details", { open: one.outcome === "differs" }, el("summary", {}, plural(rows.length, "comparison")),
      table(`Both worlds in ${one.case}`, [["What", (row) => row.what], ["Virtual", (row) => row.virtual],
        ["Live", (row) => row.live], ["Apart", apart, "number"], ["", (row) => (row.differs ? "differs" : "agrees")]], rows)));
}

/** @param {HTMLElement} main @param {import("./data.js").Index} index */
export function showWorlds(main, index) {
  const agree = index.agree;
  if (!agree) {
    put(main, el("p.complaint", { role: "alert" }, "This report compares no worlds."), el("p", {}, el("a", { href: "#" }, "All cases")));
    return () => {};
  }
  const shown = new Set(index.cases.map((row) => row.name));
  const groups = OUTCOMES.map(([outcome, title]) => [title, agree.cases.filter((one) => one.outcome === outcome)])
    .filter(([, cases]) => cases.length > 0);
  put(main, el("div.view-head", {}, el("h1", {}, "Two worlds"),
    el("p.about", {}, "The same cases in virtual time and on real kernels, held against each other."),
    el("p.found", {}, OUTCOMES.filter(([outcome]) => agree.totals[outcome] > 0)
      .map(([outcome]) => `${agree.totals[outcome]} ${outcome}`).join(", "))),
  groups.map(([title, cases]) => el("section", {}, el("h2", {}, `${title} (${cases.length})`),
    cases.map((one) => caseView(one, shown)))));
  return () => {};
}

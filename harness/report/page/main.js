/** The page: reads the data, keeps the head, and shows the view that the address names. */
import "./style.css";
import { showBench } from "./bench.js";
import { showCase } from "./case.js";
import { showCases } from "./cases.js";
import { readIndex } from "./data.js";
import { busy, el, put, settled, svg } from "./dom.js";
import { showGrid } from "./grid.js";
import { parse } from "./route.js";
import { applyTheme, themeButton } from "./theme.js";
import { showWorlds } from "./worlds.js";

applyTheme();
window.hairpinSettled = settled; // tests wait for it

const NO_TITLE = "Hairpin report"; // says nothing beside the word mark

/** Where the list was when it was left. */
let leftAt = 0;
let leave = () => {};
let last = "";

function mark() {
  return svg("svg.mark", { viewBox: "0 0 28 28", "aria-hidden": "true" },
    svg("path", { d: "M8 25V10a6 6 0 0 1 12 0v11" }), svg("path", { d: "M15.5 17.5 20 22l4.500-4.500" }));
}

/** @param {import("./data.js").Index} index @param {import("./route.js").Route} route */
function masthead(index, route) {
  const link = (view, text, href) => el("a", { href, "aria-current": route.view === view && "page" }, text);
  return [
    el("a.home", { href: "#", "aria-label": "Hairpin report, all cases" }, mark(), el("span.wordmark", {}, "Hairpin"),
      el("span.version", {}, index.hairpin)),
    el("p.title", {}, index.title && index.title !== NO_TITLE ? index.title : "Report"),
    el("nav", { "aria-label": "Views" }, link("cases", "Cases", "#"),
      index.axes.length > 0 && link("grid", "Matrix", "#view=grid"),
      index.bench && link("bench", "Bench", "#view=bench"),
      index.agree && link("worlds", "Two worlds", "#view=worlds")),
    themeButton(),
  ];
}

/** @param {import("./data.js").Index} index */
async function show(index) {
  const route = parse(location.hash);
  const main = document.getElementById("main");
  if (last === "cases") leftAt = scrollY;
  leave();
  put(document.getElementById("masthead"), masthead(index, route));
  const before = last;
  last = route.view;
  document.body.dataset.view = route.view;
  const title = index.title || "Hairpin report";
  document.title = route.name === null ? title : `${route.name} · ${title}`;
  switch (route.view) {
    case "cases":
      if (index.cases.length === 0 && index.bench) leave = showBench(main, index);
      else leave = showCases(main, index, route.params);
      break;
    case "grid":
      leave = showGrid(main, index, route.params);
      break;
    case "bench":
      leave = showBench(main, index);
      break;
    case "worlds":
      leave = showWorlds(main, index);
      break;
    case "case":
      leave = await showCase(main, index, route);
      break;
  }
  scrollTo({ top: route.view === "cases" && before === "case" ? leftAt : 0, behavior: "instant" });
  if (before) main.focus({ preventScroll: true });
}

function start() {
  let index;
  try {
    index = readIndex();
  } catch (error) {
    put(document.getElementById("main"), el("p.complaint", { role: "alert" }, String(error.message)));
    return;
  }
  index.axes ??= [];
  const again = () => busy(show(index).catch((error) => {
    put(document.getElementById("main"), el("p.complaint", { role: "alert" }, String(error.message)),
      el("p", {}, el("a", { href: "#" }, "All cases")));
  }));
  addEventListener("hashchange", again);
  // The address is the view's: a link to #main would leave the case that is shown.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  again();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();

/** Candidate pairs over time: a row a pair, spans by state, every check a tick, nomination and selection marked. */
import { el, put, svg } from "./dom.js";
import { clock, isTime, plural } from "./format.js";
import { gapScale, gapTicks } from "./gap_scale.js";

const H = 26;
const TAIL = 28; // right of the last instant: what lasts until the end goes on there
const STATES = { waiting: "waiting", checking: "checking", succeeded: "succeeded", failed: "failed", selected: "selected" };
const WHAT = { request: "request", success: "success", error: "error", dropped: "dropped" };

/** Every instant that is shown. */
function timesOf(pairs, end) {
  const times = [0];
  for (const pair of pairs) {
    for (const span of pair.spans) times.push(span.from, ...(span.to === null ? [] : [span.to]));
    for (const check of pair.checks) times.push(check.at);
    times.push(...[pair.nominated_ns, pair.selected_ns].filter(isTime));
  }
  return times.filter((t) => t <= end);
}

/** "alice to bob"; whom a raw peer checks nothing tells. */
function whose(pair) {
  return pair.with ? `${pair.peer} to ${pair.with}` : pair.peer;
}

/** "alice host 10.0.0.2:5 to bob srflx ...: 4 checks, 2 dropped, selected at 0.363 s" */
export function tellPair(pair) {
  const n = (what) => pair.checks.filter((check) => check.what === what).length;
  const parts = [`${plural(n("request"), "request")}`];
  if (n("success")) parts.push(`${n("success")} answered`);
  if (n("error")) parts.push(plural(n("error"), "error"));
  if (n("dropped")) parts.push(`${n("dropped")} dropped`);
  if (pair.via) parts.push(`by ${pair.via}`);
  if (pair.transport === "tcp") parts.push("over TCP");
  if (isTime(pair.nominated_ns)) parts.push(`nominated at ${clock(pair.nominated_ns)} s`);
  if (isTime(pair.selected_ns)) parts.push(`selected at ${clock(pair.selected_ns)} s`);
  const last = pair.spans[pair.spans.length - 1];
  if (last && last.state === "failed") parts.push(`failed at ${clock(last.from)} s`);
  return `${whose(pair)}: ${pair.local.type} ${pair.local.address} to ${pair.remote.type} ${pair.remote.address}, ${parts.join(", ")}`;
}

function bar(pair, times, width) {
  const x = times.scale;
  const group = svg("svg", { width, height: H, "aria-hidden": "true" });
  for (const gap of times.breaks) group.append(svg("path.break", { d: `M${gap.x - 3} ${H}l3 -${H}M${gap.x + 1} ${H}l3 -${H}` }));
  for (const span of pair.spans) {
    const from = x(span.from);
    const to = span.to === null ? width : x(span.to);
    group.append(svg(`rect.span.s-${STATES[span.state] ?? "waiting"}`, { x: from, width: Math.max(1.5, to - from), y: 8, height: H - 16, rx: 2 }));
  }
  for (const check of pair.checks) {
    const at = x(check.at);
    if (check.what === "dropped") group.append(svg("path.check.c-dropped", { d: `M${at - 3} ${H / 2 - 3}l6 6m0 -6l-6 6` }));
    else group.append(svg(`line.check.c-${WHAT[check.what] ?? "request"}`, { x1: at, x2: at, y1: check.what === "request" ? 7 : 3, y2: H - (check.what === "request" ? 7 : 3) }));
  }
  const nominated = pair.nominated_ns;
  if (isTime(nominated)) {
    group.append(svg("path.nominated", { d: `M${x(nominated)} ${H / 2 - 6}l6 6l-6 6l-6 -6z` }));
  }
  const selected = pair.selected_ns;
  if (isTime(selected)) group.append(svg("circle.selected-mark", { cx: x(selected), cy: H / 2, r: 4 }));
  return group;
}

function axis(times, width) {
  return svg("svg.pair-axis", { width, height: 20, "aria-hidden": "true" }, gapTicks(times).map((tick) => {
    const x = times.scale(tick);
    return [svg("line", { x1: x, x2: x, y1: 0, y2: 4 }),
      svg("text", { x, y: 16, "text-anchor": x < 24 ? "start" : x > width - 24 ? "end" : "middle" }, `${clock(tick)} s`)];
  }));
}

function legend() {
  return el("ul.legend", { "aria-label": "Legend" },
    Object.keys(STATES).map((state) => el("li", {}, el(`span.swatch.s-${state}`, { "aria-hidden": "true" }), state)),
    el("li", {}, el("span.swatch.tick", { "aria-hidden": "true" }), "check"),
    el("li", {}, el("span.swatch.cross", { "aria-hidden": "true" }, "✕"), "dropped"),
    el("li", {}, el("span.swatch.diamond", { "aria-hidden": "true" }, "◆"), "nominated"),
    el("li", {}, el("span.swatch.circle", { "aria-hidden": "true" }, "●"), "selected"));
}

/** Whether these two had more than one session, so that it must be told of which a pair is. */
function again(pairs, pair) {
  return pairs.some((other) => other.peer === pair.peer && other.with === pair.with && other.session !== pair.session);
}

/** Selected ones first, otherwise as they came. */
function order(pairs) {
  const chosen = (pair) => isTime(pair.selected_ns);
  return pairs.map((pair, at) => [pair, at])
    .sort(([a, i], [b, j]) => Number(chosen(b)) - Number(chosen(a)) || i - j).map(([pair]) => pair);
}

/**
 * @param {object[]} pairs contract P @param {number} ended
 * @returns {{element: HTMLElement, stop: () => void}}
 */
export function pairsView(pairs, ended) {
  const rows = el("div.pair-rows", { role: "list", "aria-label": "Candidate pairs" });
  const readout = el("p.readout", { "aria-live": "polite" }, "Point at a pair, or move with the arrow keys.");
  const box = el("div.pairs-box", {}, rows);
  let width = 0;

  function draw() {
    width = box.clientWidth;
    const name = width < 560 ? 0 : width < 900 ? 230 : 300;
    box.style.setProperty("--name", name ? `${name}px` : "auto");
    const room = Math.max(260, width - name - (name ? 32 : 16));
    const times = gapScale(timesOf(pairs, ended), room - TAIL);
    put(rows, order(pairs).map((pair, at) => {
      const tell = tellPair(pair);
      const show = () => put(readout, tell);
      return el("div.pair", { role: "listitem", tabindex: at === 0 ? "0" : "-1", "aria-label": tell, onpointerenter: show, onfocus: show },
        el("span.pair-name", {}, el("b", {}, whose(pair)), el("span", {}, `${pair.local.type} → ${pair.remote.type}`),
          pair.transport === "tcp" && el("span.tcp", {}, "TCP"), pair.via && el("span.via", {}, `by ${pair.via}`),
          again(pairs, pair) && el("span.tcp", {}, `session ${pair.session}`),
          el("small", {}, `${pair.local.address} → ${pair.remote.address}`)),
        bar(pair, times, room));
    }), el("div.pair.foot", { role: "presentation" }, el("span.pair-name"), axis(times, room)));
  }

  rows.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = [...rows.querySelectorAll("[tabindex]")];
    const next = step && all[all.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    document.activeElement.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
  const watch = new ResizeObserver(() => { if (Math.abs(box.clientWidth - width) > 1) draw(); });
  watch.observe(box);
  return { element: el("div.pairs", {}, legend(), box, readout,
    el("p.aside", {}, "Pairs that were neither checked nor selected leave no trace and are not shown.")), stop: () => watch.disconnect() };
}

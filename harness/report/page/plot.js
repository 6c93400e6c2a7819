/**
 * One plot: lines or bands over time or another figure, with marked instants and a cursor that mouse and arrow keys move.
 *
 * @typedef {{name: string, className: string, points: [number, number | null][], band?: [number, number, number][]}} Series
 *   a null makes a gap in the line; band: x, low, high
 * @typedef {{title: string, series: Series[], marks?: {at: number, kind: string, text: string}[], x: [number, number],
 *   yFormat: (y: number) => string, xFormat: (x: number) => string, zero?: boolean, least?: number, height?: number, log?: boolean, dots?: boolean, ticks?: number[],
 *   cursor?: (x: number | null) => void}} Spec
 */
import { bisector, extent } from "d3-array";
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { area, line } from "d3-shape";
import { announce, el, svg } from "./dom.js";

const TICK = 36; // pixels between given ticks

const nearest = bisector((point) => point[0]).center;

/** Those of some ticks that have room, the last one always. */
function apart(ticks, x) {
  const last = ticks[ticks.length - 1];
  let at = -Infinity;
  return ticks.filter((tick) => {
    if (tick !== last && (x(tick) - at < TICK || x(last) - x(tick) < TICK)) return false;
    at = x(tick);
    return true;
  });
}

function valueAt(series, x) {
  if (series.points.length === 0) return null;
  return series.points[nearest(series.points, x)];
}

/** @param {Spec} spec @returns {{element: HTMLElement, setCursor: (x: number | null) => void, stop: () => void}} */
export function plot(spec) {
  const height = spec.height ?? 168;
  const root = svg("svg.plot", { height, role: "img", tabindex: "0", "aria-label": `${spec.title}. Arrow keys move the cursor.` });
  const readout = el("p.plot-readout", { "aria-hidden": "true" }, " ");
  const element = el("figure.plot-figure", {}, el("figcaption", {}, spec.title, readout), root);
  let width = 0;
  let x = null;
  let at = null;
  const [y0, y1] = extent(spec.series.flatMap((one) => [...one.points.map((p) => p[1]), ...(one.band ?? []).flatMap((b) => [b[1], b[2]])])
    .filter((value) => value !== null));
  const low = spec.zero === false ? y0 ?? 0 : Math.min(0, y0 ?? 0);
  const high = y1 > low ? y1 : low + (spec.least ?? 1);

  function draw() {
    width = Math.max(240, element.clientWidth);
    const margin = { left: 64, right: 14, top: spec.marks?.length ? 16 : 8, bottom: 24 };
    x = (spec.log ? scaleLog() : scaleLinear()).domain(spec.x).range([margin.left, width - margin.right]);
    const y = scaleLinear().domain([low, high]).nice(4).range([height - margin.bottom, margin.top]);
    root.setAttribute("width", width);
    root.replaceChildren();
    const drawing = select(root);
    const bottom = axisBottom(x).tickSize(4).tickFormat(spec.xFormat);
    if (spec.ticks) bottom.tickValues(apart(spec.ticks, x));
    else bottom.ticks(Math.max(2, Math.floor(width / 110)));
    drawing.append("g").attr("class", "axis").attr("transform", `translate(0 ${height - margin.bottom})`).call(bottom);
    drawing.append("g").attr("class", "axis y").attr("transform", `translate(${margin.left} 0)`)
      .call(axisLeft(y).ticks(4).tickSize(-(width - margin.left - margin.right)).tickFormat(spec.yFormat));
    for (const mark of spec.marks ?? []) {
      if (mark.at < spec.x[0] || mark.at > spec.x[1]) continue;
      const at_ = x(mark.at);
      root.append(svg(`g.mark-line.m-${["step", "nat", "server", "restart"].includes(mark.kind) ? mark.kind : "other"}`, {},
        svg("title", {}, mark.text), svg("line", { x1: at_, x2: at_, y1: margin.top - 4, y2: height - margin.bottom }),
        svg("path", { d: `M${at_ - 4} ${margin.top - 8}h8l-4 6z` })));
    }
    const bandOf = area().x((b) => x(b[0])).y0((b) => y(b[1])).y1((b) => y(b[2]));
    const lineOf = line().defined((p) => p[1] !== null).x((p) => x(p[0])).y((p) => y(p[1]));
    for (const one of spec.series) {
      if (one.band) drawing.append("path").attr("class", `band ${one.className}`).attr("d", bandOf(one.band));
      drawing.append("path").attr("class", `line ${one.className}`).attr("d", lineOf(one.points));
      if (spec.dots) {
        drawing.append("g").attr("class", `dots ${one.className}`).selectAll("circle").data(one.points.filter((p) => p[1] !== null))
          .join("circle").attr("cx", (p) => x(p[0])).attr("cy", (p) => y(p[1])).attr("r", 3);
      }
    }
    drawing.append("line").attr("class", "cursor").attr("y1", margin.top).attr("y2", height - margin.bottom).attr("visibility", "hidden");
    setCursor(at);
  }

  function tell() {
    const parts = spec.series.map((one) => [one.name, valueAt(one, at)])
      .filter(([, point]) => point && point[1] !== null).map(([name, point]) => `${name} ${spec.yFormat(point[1])}`);
    const mark = (spec.marks ?? []).find((one) => Math.abs(x(one.at) - x(at)) < 5);
    return [`${spec.xFormat(at)}: ${parts.join(", ") || "nothing"}`, mark?.text].filter(Boolean).join(" · ");
  }

  function setCursor(value) {
    at = value;
    const cursor = root.querySelector(".cursor");
    if (!cursor || !x) return;
    cursor.setAttribute("visibility", value === null ? "hidden" : "visible");
    readout.textContent = value === null ? " " : tell();
    if (value === null) return;
    cursor.setAttribute("x1", x(value));
    cursor.setAttribute("x2", x(value));
  }

  const places = [...new Set([...spec.series.flatMap((one) => one.points.map((p) => p[0])),
    ...(spec.marks ?? []).map((mark) => mark.at).filter((t) => t >= spec.x[0] && t <= spec.x[1])])].sort((a, b) => a - b);
  const index = bisector((value) => value);
  const move = (value) => {
    setCursor(value);
    spec.cursor?.(value);
  };
  root.addEventListener("pointermove", (event) => {
    if (!x || places.length === 0) return;
    const raw = x.invert(event.clientX - root.getBoundingClientRect().left);
    move(places[index.center(places, raw)]);
  });
  root.addEventListener("pointerleave", () => { if (document.activeElement !== root) move(null); });
  root.addEventListener("blur", () => move(null));
  root.addEventListener("keydown", (event) => {
    const here = at === null ? -1 : index.center(places, at);
    const goal = { ArrowRight: here + 1, ArrowLeft: here < 0 ? 0 : here - 1, Home: 0, End: places.length - 1, Escape: null }[event.key];
    if (goal === undefined || places.length === 0) return;
    event.preventDefault();
    move(goal === null ? null : places[Math.min(Math.max(goal, 0), places.length - 1)]);
    if (at !== null) announce(tell());
  });
  const watch = new ResizeObserver(() => { if (Math.abs(element.clientWidth - width) > 1) draw(); });
  watch.observe(element);
  return { element, setCursor, stop: () => watch.disconnect() };
}

/** Names beside the colours that plots use. @param {{name: string, className: string}[]} series */
export function plotLegend(series) {
  return el("ul.legend.lines", { "aria-label": "Lines" },
    series.map((one) => el("li", {}, svg(`svg.${one.className.split(" ").join(".")}`, { width: 22, height: 10, "aria-hidden": "true" },
      svg(`line.line.${one.className.split(" ").join(".")}`, { x1: 1, x2: 21, y1: 5, y2: 5 })), one.name)));
}

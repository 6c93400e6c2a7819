/** Measurements of `hairpin bench`: a plot a metric with what is certain of each mean, and the figures as a table. */
import { el, put, svg } from "./dom.js";
import { figure, plural } from "./format.js";
import { plot, plotLegend } from "./plot.js";
import { table } from "./tables.js";

const LOG_FROM = 50; // times that x grows before its axis is logarithmic

/** Every variant's style, the same in all plots. @param {object[]} metrics @returns {(name: string) => string} */
function stylesOf(metrics) {
  const names = [...new Set(metrics.flatMap((metric) => metric.variants.map((variant) => variant.name)))];
  return (name) => `t${names.indexOf(name) % 8}`;
}

/** "time-to-connect" -> "Time to connect" */
function heading(name) {
  const words = name.replace(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Bars with their intervals, for a metric that has no x or only one. */
function bars(metric, style) {
  const points = metric.variants.map((variant) => ({ name: variant.name, ...variant.points[0] })).filter((p) => p.n > 0);
  const top = Math.max(...points.map((p) => p.high ?? p.mean), 0) || 1;
  return el("div.bench-bars", { "aria-hidden": "true" }, points.map((p) => {
    const at = (value) => (100 * Math.max(0, value)) / top;
    return el("div.bench-bar", {}, el("span.name", {}, p.name),
      svg("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", height: 18 },
        svg(`rect.fill.${style(p.name)}`, { x: 0, y: 2, width: at(p.mean), height: 10 }),
        svg("line.whisker", { x1: at(p.low), x2: at(p.high), y1: 7, y2: 7, "vector-effect": "non-scaling-stroke" })),
      el("span.value", {}, figure(p.mean, metric.unit)));
  }));
}

function lines(metric, style, stops) {
  const xs = [...new Set(metric.variants.flatMap((variant) => variant.points.map((p) => p.x)))].sort((a, b) => a - b);
  const series = metric.variants.map((variant) => ({
    name: variant.name, className: style(variant.name), points: variant.points.map((p) => [p.x, p.mean]),
    band: variant.points.map((p) => [p.x, p.low ?? p.mean, p.high ?? p.mean]),
  }));
  const one = plot({ title: `by ${metric.x.name}`, series, x: [xs[0], xs[xs.length - 1]], dots: true, height: 220,
    log: xs[0] > 0 && xs[xs.length - 1] / xs[0] >= LOG_FROM,
    yFormat: (y) => figure(y, metric.unit), xFormat: (x) => figure(x, metric.x.unit),
    ticks: xs.length <= 8 ? xs : null });
  stops.push(one.stop);
  return [plotLegend(series), one.element];
}

function numbers(metric) {
  const rows = metric.variants.flatMap((variant) => variant.points.map((point) => ({ variant: variant.name, ...point })));
  const of = (key) => (row) => figure(row[key], metric.unit);
  return table(`Means over ${plural(metric.variants[0]?.points[0]?.n ?? 0, "sample")}`, [["Variant", (row) => row.variant],
    [metric.x?.name ?? "x", (row) => (metric.x ? figure(row.x, "") : null), "number"], ["Samples", (row) => String(row.n), "number"],
    ["Mean", of("mean"), "number"], ["95 % interval", (row) => `${figure(row.low, metric.unit)} to ${figure(row.high, metric.unit)}`, "number"],
    ["Least", of("min"), "number"], ["Most", of("max"), "number"]], rows);
}

function metricView(metric, style, stops) {
  const better = { lower: "lower is better", higher: "higher is better" }[metric.better] ?? "";
  const several = metric.x && metric.variants.some((variant) => variant.points.length > 1);
  return el("section.part.metric", {}, el("h2", {}, heading(metric.name)),
    el("p.metric-note", {}, el(`span.tag${metric.virtual ? ".virtual" : ".machine"}`, {}, metric.virtual ? "virtual time" : "this machine"),
      metric.virtual ? " the same on every machine" : " depends on the machine that ran it", better && `; ${better}`),
    several ? lines(metric, style, stops) : bars(metric, style),
    el("details", { open: !several }, el("summary", {}, "Figures"), numbers(metric)));
}

const TITLES = { "self": "Hairpin itself", "live-fabric": "The live fabric", "relay": "TURN servers under load",
  "turn-vs-direct-live": "TURN against direct, live" };

/** @param {HTMLElement} main @param {import("./data.js").Index} index */
export function showBench(main, index) {
  const bench = index.bench;
  if (!bench) {
    put(main, el("p.complaint", { role: "alert" }, "This report holds no measurements."), el("p", {}, el("a", { href: "#" }, "All cases")));
    return () => {};
  }
  const stops = [];
  const style = stylesOf(bench.metrics);
  const settings = Object.entries(bench.settings ?? {});
  put(main, el("div.view-head", {}, el("h1", {}, TITLES[bench.kind] ?? "TURN against direct"),
    el("p.about", {}, bench.about ?? ""),
    el("p.found", {}, `${plural((bench.seeds ?? []).length, "seed")}; bands and whiskers are 95 % confidence intervals of the mean`)),
  settings.length > 0 && el("dl.facts", {}, settings.map(([name, value]) => el("div.fact", {}, el("dt", {}, name), el("dd", {}, value)))),
  el("div.metrics", {}, bench.metrics.map((metric) => metricView(metric, style, stops))));
  return () => { for (const stop of stops) stop(); };
}
